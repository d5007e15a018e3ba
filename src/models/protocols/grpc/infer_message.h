// ModelInferRequest and ModelInferResponse between the wire and the one request type.
//
// Reading: names, texts, raw and packed floating-point contents are views of the message; the rest
// is in the Workspace. Nothing else is allocated. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/result.h"
#include "models/protocols/request.h"

namespace proa::protocols {

// The model and its version, by a look at the outermost fields only.
struct ModelRef {
  std::string_view model, version;
};
ModelRef peek_model(std::string_view message);

// kInvalid says what is wrong. `raw`: the tensors came in raw_input_contents, and so must go back.
Status read_infer_request(std::string_view message, Workspace& work, InferRequest& out, bool& raw);

// Appends the message. `raw`: in raw_output_contents; so are they all where one of them has a type
// (FP16, BF16) that InferTensorContents has no place for, or was asked for with binary_data.
void append_infer_response(const InferResponse& response, bool raw, std::string& out);
// The same of response.tensors.
void append_tensor_message(const InferResponse& response, bool raw, std::string& out);

}  // namespace proa::protocols
