// Answers as JSON: V1's {"predictions": …} and V2's outputs, with the binary tensor extension.
//
// Appends to a text that the caller owns. NaN and infinities become null, as JSON has no word for
// them and KServe's server writes them so. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/result.h"
#include "models/protocols/request.h"

namespace proa::protocols {

void append_json_number(std::string& out, double v);             // 1.0, 0.1, 1e-07
void append_json_text(std::string& out, std::string_view text);  // quoted; bad UTF-8 replaced

// The arrays of all outputs: one, its rows; several without names, a list of them; several with
// names, a list of rows as objects.
void append_predictions(const InferResponse& response, std::string& out);

// `"model_name":…,"model_version":…,"id":…`, with the brace before it: what every V2 answer begins
// with.
void append_response_head(const InferResponse& response, std::string& out);

// Returns the length of the JSON part, where binary tensors follow it. Errors: an output that JSON
// cannot hold (FP16, BF16).
Result<std::optional<size_t>> append_infer_response(const InferRequest& request,
                                                    const InferResponse& response,
                                                    std::string& out);

}  // namespace proa::protocols
