// From the tensors of a request to the Table that a model takes.
//
//   one tensor [n, m]               rows × columns
//   one tensor [n]                  flat: n rows of one value
//   content_type "pd", or several   a named column each, of shape [n] or [n, 1]
//
// content_type is a parameter of the request or of a tensor, as KServe and MLServer have it: "np"
// (the first tensor is the matrix), "pd" (the tensors are columns), "str" (texts), "base64" (texts
// in base64). Used by Service for all protocols. Result views the request and the Workspace.
#pragma once

#include "foundation/base/result.h"
#include "models/protocols/request.h"

namespace proa::protocols {

// kInvalid names the tensor and what is wrong: shape against contents, a datatype's range.
// `default_type`: the content type where the request names none, "" for none.
Status to_table(const InferRequest& request, Workspace& work, Table& out,
                std::string_view default_type = {});

// Elements that the shape asks for; kInvalid for negative or overflowing shapes.
Result<size_t> element_count(const InputTensor& tensor);

}  // namespace proa::protocols
