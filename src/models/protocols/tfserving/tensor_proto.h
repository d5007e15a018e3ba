// tensorflow.TensorProto to and from the tensors of a request and an answer: typed fields and
// tensor_content, all types that the inference protocols have; and TensorFlow's numbers of them.
//
// As TensorFlow reads it, a typed field with fewer elements than the shape asks for goes on with
// its last one; here by at most kMostFill elements. Results view the message or the Workspace.
// Pure.
#pragma once

#include <optional>

#include "foundation/grpc/wire.h"
#include "models/inference/tensor.h"
#include "models/protocols/request.h"

namespace proa::protocols {

inline constexpr size_t kMostFill = size_t{1} << 22;

int tensorflow_type(DataType type);                 // DT_FLOAT is 1, …
std::optional<DataType> from_tensorflow(int type);  // none for complex, quantized, resource, …
std::string_view tensorflow_type_name(int type);    // "DT_FLOAT"

Status read_tensor_proto(grpc::Reader message, std::string_view name, Workspace& work,
                         InputTensor& out);
// As field `field` of the message that `w` writes.
void append_tensor_proto(grpc::Writer& w, uint32_t field, const inference::Tensor& tensor);

// What a response holds, as tensors, whichever kind of model gave it.
std::span<const inference::Tensor> tensors_of(const InferResponse& response, Workspace& work);

}  // namespace proa::protocols
