// The whole status of an InferenceService in Standard mode, from what was observed.
//
// Used by the controller, which writes it once a reconcile; pure. PredictorReady follows the
// Deployment as in KServe; a rollout whose pods fail makes it False at once with the cause, while
// the pods of before serve on. On purpose unlike KServe: observedGeneration is the
// InferenceService's, and canaryTrafficPercent fills in components.predictor.traffic.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "serving/spec/config.h"
#include "serving/spec/runtime.h"
#include "serving/standard/rollout.h"

namespace proa::serving::standard {

// A Deployment and the pods of its newest ReplicaSet.
struct Running {
  client::Object deployment;  // null if there is none
  std::string revision;       // the newest ReplicaSet
  std::vector<client::Object> pods;
};

struct NamedCanary {
  std::string name;
  int64_t percent = 0;
  Running running;
};

struct Observed {
  const json::Value* isvc = nullptr;  // as stored, with the status before
  Running stable, canary;             // canary: of canaryTrafficPercent
  bool held = false;                  // the newest template is the canary's
  std::vector<NamedCanary> canaries;  // of spec.canary
  std::vector<Share> shares;
  std::vector<client::Object> routes;  // the live ones
  bool routed = false;                 // the routes that are wanted are there
  std::string now;                     // RFC 3339
};

// Adds to `status`.
void running_status(const Observed& o, const Config& config, json::Value& status);

}  // namespace proa::serving::standard
