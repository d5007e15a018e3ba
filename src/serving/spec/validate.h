// What KServe's validating webhook says about an InferenceService, in its order and words.
//
// Called by the API server's admission, after defaulting. Pure.
#pragma once

#include <string>
#include <vector>

#include "serving/spec/config.h"

namespace proa::serving {

// `old` is the stored object on update, else nullptr. Returns the warnings for the client.
// Errors: kForbidden, with KServe's message (the API server puts the webhook's prefix before it).
Result<std::vector<std::string>> validate_inference_service(const json::Value& isvc,
                                                            const json::Value* old);

// "the InferenceService … must be one of …" or ok; what the controller asks about a storage URI.
Status check_storage_uri(std::string_view uri);

}  // namespace proa::serving
