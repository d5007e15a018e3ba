// What KServe's mutating webhook does to an InferenceService: old mode names, framework fields to
// `model`, the modelFormat annotation, default resources, protocols.
//
// Called by the API server's admission, on create and update. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "serving/spec/config.h"

namespace proa::serving {

// The framework fields that older resources use instead of `model`: "sklearn", "xgboost", ….
const std::vector<std::string_view>& legacy_frameworks();

// Changes `isvc` in place. Never fails: what cannot be defaulted is left for the validator.
void default_inference_service(json::Value& isvc, const Config& config);

}  // namespace proa::serving
