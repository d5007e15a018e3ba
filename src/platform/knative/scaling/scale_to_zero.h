// Scale to zero: when the last pod of a revision without traffic may go, and what the
// PodAutoscaler's condition Active says meanwhile. Pure.
//
//   Unknown (activating) --- ready ---> True --- no traffic for a stable window ---> False
//          |                                                                      |
//          +-- progress deadline + 30 s --> zero ("TimedOut")     retention, grace period --> zero
//
// Knative also probes that the activator is in the path before the last pod goes. Here the gateway
// is the activator and always in the path: it holds a request for a revision without a ready
// endpoint and reports it, and a pod that ends is drained first; so there is nothing to probe.
#pragma once

#include <optional>
#include <string>

#include "platform/knative/scaling/scaling_config.h"

namespace proa::knative {

enum class Activity { kActivating, kActive, kInactive };

struct ZeroInput {
  ScaleSpec spec;
  Activity activity = Activity::kActivating;
  Duration in_activity{};  // how long it has been so
  Duration proxied{};      // how long the activator has been in the path; negative: it is not
  Duration progress_deadline = std::chrono::seconds(600);
};

struct ZeroStep {
  int64_t want = 1;    // pods to keep as far as the conditions go: 0 marks it inactive
  bool apply = false;  // scale the Deployment to `want` now
  std::optional<Duration> again;
};

// What to do when no pod is wanted.
ZeroStep step_to_zero(const ZeroInput& input);

struct ActiveCondition {
  Activity activity;
  std::string status, reason, message;
};

// The condition Active after a step. min_ready: how many ready pods count as active.
ActiveCondition active_condition(Activity before, int64_t want, int64_t ready, int64_t min_ready);

}  // namespace proa::knative
