// What KServe's pod webhook does to a predictor's pod: the storage initializer that fetches the
// model, its credentials, a claim mounted directly, the agent for batching, two metrics
// annotations.
//
// Called by the API server's admission for each pod with label serving.kserve.io/inferenceservice.
// Reads ServiceAccount and Secrets through the client; changes the pod in place. Idempotent.
#pragma once

#include "client/client.h"
#include "serving/spec/config.h"

namespace proa::serving {

// Errors: kInvalid, e.g. "Invalid configuration: cannot find container: kserve-container".
Status mutate_pod(json::Value& pod, const client::Client& client, const Config& config);

}  // namespace proa::serving
