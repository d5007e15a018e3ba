// The predictor's pod spec: the runtime's containers and pod fields, merged with the user's.
//
// Used by the planner; pure.
#pragma once

#include "foundation/json/value.h"

namespace proa::serving {

// `runtime` is the spec of a (Cluster)ServingRuntime, null for a custom predictor. The model's
// container comes first and is called kserve-container; args are the runtime's, then the user's;
// placeholders are filled; runtimeVersion replaces the image's tag.
// Errors: kInvalid ("No container found…", placeholders).
Result<json::Value> predictor_pod_spec(const json::Value& isvc, const json::Value* runtime);

// "kserve/sklearnserver:latest" + "v0.12.0" → "kserve/sklearnserver:v0.12.0"; a digest goes away.
std::string with_tag(std::string_view image, std::string_view tag);

}  // namespace proa::serving
