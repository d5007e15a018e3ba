// Which Deployments an InferenceService has in Standard mode at this moment, and which share of the
// requests each gets.
//
// Used by the controller; pure. canaryTrafficPercent holds the Deployment as it is and runs the new
// template beside it as NAME-canary; a variant that is not available gets no requests, so that a
// rollout that fails never takes traffic.
#pragma once

#include <string>
#include <vector>

#include "foundation/json/value.h"

namespace proa::serving::standard {

// The conditions Available, and Progressing with the newest template everywhere.
bool available(const json::Value* deployment);
bool rolled_out(const json::Value* deployment);

struct RolloutInput {
  std::string fingerprint;              // of the template that the spec asks for
  json::Value percent;                  // canaryTrafficPercent, null if not given
  const json::Value* stable = nullptr;  // the live Deployments, null if there is none
  const json::Value* canary = nullptr;
};
struct Rollout {
  bool hold = false;     // the stable Deployment stays as it is
  bool canary = false;   // there is to be a canary of the new template
  bool promote = false;  // the stable one takes the canary's template; the canary stays until then
};
Rollout decide_rollout(const RolloutInput& in);

// A Service and its part of the requests, in percent.
struct Share {
  std::string service;
  int64_t percent = 100;
  bool operator==(const Share&) const = default;
};

struct Candidate {
  std::string service;
  int64_t wanted = 0;  // percent
  bool ready = false;
};
// What candidates that are not ready do not get goes to the stable one. If that is not ready
// either, `fallback` ("" for none) serves, else the first candidate that is ready.
std::vector<Share> shares(const std::string& stable, bool stable_ready,
                          const std::vector<Candidate>& candidates, const std::string& fallback);

// How many pods a variant of spec.canary has: its own minReplicas, else its share of the stable
// one's.
int64_t canary_replicas(const json::Value& canary, const json::Value& stable_predictor);

}  // namespace proa::serving::standard
