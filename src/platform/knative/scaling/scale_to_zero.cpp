#include "platform/knative/scaling/scale_to_zero.h"

#include <algorithm>

namespace proa::knative {
namespace {

constexpr Duration kActivationSlack = std::chrono::seconds(30);

ZeroStep inactive_step(const ZeroInput& in) {
  const Duration grace = in.spec.grace_period, retention = in.spec.retention;
  if (in.in_activity >= std::max(grace, retention)) return {0, true, std::nullopt};
  if (retention > Duration::zero() && in.in_activity < retention)
    return {0, false, retention - in.in_activity};
  if (in.proxied >= grace) return {0, true, std::nullopt};
  return {0, false,
          std::min(grace - std::max(in.proxied, Duration::zero()), grace - in.in_activity)};
}

}  // namespace

ZeroStep step_to_zero(const ZeroInput& in) {
  if (!in.spec.enable_scale_to_zero) return {1, true, std::nullopt};
  switch (in.activity) {
    case Activity::kActivating: {
      const Duration left = in.progress_deadline + kActivationSlack - in.in_activity;
      if (left <= Duration::zero()) return {0, true, std::nullopt};
      return {1, false, left};
    }
    case Activity::kActive: {
      const Duration left = in.spec.stable_window - in.in_activity;
      if (left <= Duration::zero()) return {0, false, Duration::zero()};
      return {1, true, left};
    }
    case Activity::kInactive:
      break;
  }
  // A revision that no route refers to needs no retention.
  if (in.spec.reachable) return inactive_step(in);
  ZeroInput plain = in;
  plain.spec.retention = Duration::zero();
  return inactive_step(plain);
}

ActiveCondition active_condition(Activity before, int64_t want, int64_t ready, int64_t min_ready) {
  const ActiveCondition queued{
      Activity::kActivating, "Unknown", "Queued",
      "Requests to the target are being buffered as resources are provisioned."};
  const ActiveCondition no_traffic{Activity::kInactive, "False", "NoTraffic",
                                   "The target is not receiving traffic."};
  if (want == 0 || min_ready == 0) {
    if (before == Activity::kActivating && min_ready > 0)
      return {Activity::kInactive, "False", "TimedOut", "The target could not be activated."};
    return no_traffic;
  }
  if (want < 0 && before == Activity::kInactive) return no_traffic;
  if (ready < min_ready) return queued;
  return {Activity::kActive, "True", "", ""};
}

}  // namespace proa::knative
