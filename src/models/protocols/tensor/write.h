// Answers of models of tensors as JSON: V1's {"predictions": …} and V2's outputs, with the binary
// tensor extension. As json_write.h does for tables; FP16 and BF16 are written as numbers in V1.
//
// Appends to a text that the caller owns. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>

#include "foundation/base/result.h"
#include "models/inference/tensor.h"
#include "models/protocols/request.h"

namespace proa::protocols {

// One output: its value. Several with the same number of rows: a list of rows as objects; else one
// object of whole outputs.
void append_tensor_predictions(std::span<const inference::Tensor> outputs, std::string& out);
// One output: its value; several: one object of whole outputs.
void append_tensor_outputs(std::span<const inference::Tensor> outputs, std::string& out);

// Returns the length of the JSON part, where binary tensors follow it.
Result<std::optional<size_t>> append_tensor_response(const InferRequest& request,
                                                     const InferResponse& response,
                                                     std::string& out);

size_t tensor_raw_size(const inference::Tensor& tensor);
void append_tensor_raw(const inference::Tensor& tensor, std::string& out);

}  // namespace proa::protocols
