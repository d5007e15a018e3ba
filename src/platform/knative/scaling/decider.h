// Decider: how many pods a revision should have, by the KPA algorithm of Knative. A pure function
// of its input; what it must remember between two decisions goes in and out as DeciderState.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "platform/knative/scaling/scaling_config.h"

namespace proa::knative {

struct DeciderState {
  std::optional<MonoTime> panic_since;  // set: panicking
  int64_t max_panic_pods = 0;
  std::deque<std::pair<MonoTime, int64_t>>
      delay_window;  // wanted scales, falling; for scale-down-delay
};

struct DeciderInput {
  ScaleSpec spec;
  DeciderState state;
  MonoTime now;
  int64_t ready_pods = 0;
  double stable_average = 0, panic_average = 0;
  bool has_data = true;  // a window without any record decides nothing
};

struct Decision {
  bool valid = false;
  int64_t desired = -1;
  int64_t excess_burst_capacity = 0;
  bool panicking = false;
  DeciderState state;
};

Decision decide(const DeciderInput& input);

// Before there is any data. One that finds several ready pods (a restart) starts in panic, so that
// it keeps them until it knows better.
Decision first_decision(const ScaleSpec& spec, int64_t ready_pods, MonoTime now);

// min-scale, max-scale and, until it was once reached, initial-scale.
int64_t bounded(const ScaleSpec& spec, bool scale_initialized, int64_t desired);

}  // namespace proa::knative
