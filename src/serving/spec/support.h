// What this version does not do with an InferenceService, said before anything is made of it.
//
// Used by the controller (the InferenceService is not Ready for this reason) and the validator (a
// warning to who applies it). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "serving/spec/config.h"
#include "serving/spec/runtime.h"

namespace proa::serving {

// ModelMesh mode, transformer, explainer, logger, multi-node, storage specs, KEDA, …
std::optional<Refusal> unsupported(const json::Value& isvc, const Config& config);

// Fields and annotations that are accepted and have no effect, one line each.
std::vector<std::string> without_effect(const json::Value& isvc);

}  // namespace proa::serving
