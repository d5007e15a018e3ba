#include "platform/knative/scaling/decider.h"

#include <algorithm>
#include <cmath>

namespace proa::knative {
namespace {

constexpr Duration kTick = std::chrono::seconds(2);

int64_t burst_room(const ScaleSpec& spec, int64_t ready, double panic_average) {
  if (spec.target_burst_capacity == 0) return 0;
  if (spec.target_burst_capacity < 0) return -1;
  return static_cast<int64_t>(std::floor(static_cast<double>(ready) * spec.total -
                                         spec.target_burst_capacity - panic_average));
}

// The largest value wanted within the delay, in steps of a tick.
int64_t delayed(DeciderState& state, Duration delay, MonoTime now, int64_t wanted) {
  const MonoTime tick(now.time_since_epoch() / kTick * kTick);
  auto& window = state.delay_window;
  while (!window.empty() && window.front().first + delay <= tick) window.pop_front();
  while (!window.empty() && window.back().second <= wanted) window.pop_back();
  window.emplace_back(tick, wanted);
  return window.front().second;
}

}  // namespace

Decision decide(const DeciderInput& in) {
  Decision out;
  out.state = in.state;
  out.panicking = in.state.panic_since.has_value();
  if (!in.has_data) return out;
  const ScaleSpec& spec = in.spec;
  const double ready = static_cast<double>(std::max<int64_t>(1, in.ready_pods));
  const double max_up = std::ceil(spec.max_scale_up_rate * ready);
  const double max_down = spec.reachable ? std::floor(ready / spec.max_scale_down_rate) : 0;
  const double raw_stable = std::ceil(in.stable_average / spec.target);
  const double raw_panic = std::ceil(in.panic_average / spec.target);
  auto limit = [&](double v) {
    return static_cast<int64_t>(std::min(std::max(v, max_down), max_up));
  };
  int64_t stable = limit(raw_stable), panic = limit(raw_panic);
  if (spec.activation_scale > 1) {
    if (raw_stable > 0) stable = std::max(stable, spec.activation_scale);
    if (raw_panic > 0) panic = std::max(panic, spec.activation_scale);
  }
  DeciderState& state = out.state;
  if (raw_panic / ready >= spec.panic_threshold) {
    state.panic_since = in.now;
  } else if (state.panic_since && *state.panic_since + spec.stable_window < in.now) {
    state.panic_since.reset();
    state.max_panic_pods = 0;
  }
  int64_t want = stable;
  if (state.panic_since) {
    state.max_panic_pods = std::max({state.max_panic_pods, stable, panic});
    want = state.max_panic_pods;
  }
  if (spec.reachable && spec.scale_down_delay > Duration::zero())
    want = delayed(state, spec.scale_down_delay, in.now, want);
  out.valid = true;
  out.desired = want;
  out.panicking = state.panic_since.has_value();
  out.excess_burst_capacity = burst_room(spec, in.ready_pods, in.panic_average);
  return out;
}

Decision first_decision(const ScaleSpec& spec, int64_t ready_pods, MonoTime now) {
  Decision out;
  if (ready_pods > 1) {
    out.state.panic_since = now;
    out.state.max_panic_pods = ready_pods;
    out.panicking = true;
  }
  const double tbc = spec.target_burst_capacity;
  out.excess_burst_capacity =
      tbc == 0 || tbc == -1
          ? static_cast<int64_t>(tbc)
          : static_cast<int64_t>(static_cast<double>(spec.initial_scale) * spec.total - tbc);
  return out;
}

int64_t bounded(const ScaleSpec& spec, bool scale_initialized, int64_t desired) {
  int64_t min = spec.reachable ? spec.min_scale : 0;
  if (spec.reachable && !scale_initialized && spec.initial_scale > 1)
    min = std::max(min, spec.initial_scale);
  if (spec.max_scale > 0) min = std::min(min, spec.max_scale);
  if (desired < min) return min;
  return spec.max_scale > 0 ? std::min(desired, spec.max_scale) : desired;
}

}  // namespace proa::knative
