// From the tensors of a V2 request to those that a model of tensors takes: by name, with their type
// and shape checked against the model's, and their contents against their shape, before any library
// sees them. Used by Service for REST and gRPC. Pure; one thread a Workspace.
#pragma once

#include <span>

#include "foundation/base/result.h"
#include "models/inference/tensor.h"
#include "models/protocols/request.h"

namespace proa::protocols {

// One for each of info.inputs, in that order. kInvalid names the tensor and what is wrong.
Status to_tensors(const InferRequest& request, const inference::ModelInfo& info, Workspace& work,
                  std::span<const inference::Tensor>& out);

// Places in info.outputs of what the request asks for; all where it asks for nothing.
Status wanted_outputs(const InferRequest& request, const inference::ModelInfo& info,
                      Workspace& work, std::span<const size_t>& out);

}  // namespace proa::protocols
