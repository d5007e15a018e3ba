// What a recommendation comes to: stabilization over time, the policies' rates, the bounds; and the
// conditions that say so. As Kubernetes' spec.behavior. Pure but for the history that is passed in.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "platform/autoscaling/hpa_spec.h"

namespace proa::autoscaling {

struct Recommendation {
  MonoTime at;
  int64_t replicas = 0;
};

struct ScaleEvent {
  MonoTime at;
  int64_t change = 0;  // how many were added or removed
};

// What one autoscaler remembers between its decisions.
struct History {
  std::deque<Recommendation> recommendations;
  std::deque<ScaleEvent> ups, downs;
};

struct Explained {
  std::string status, reason, message;
};

struct Normalized {
  int64_t replicas = 0;
  Explained able;     // the condition AbleToScale
  Explained limited;  // the condition ScalingLimited
};

// Takes note of the recommendation, and says how far to go now.
Normalized normalize(const HpaSpec& spec, History& history, int64_t current, int64_t recommended,
                     MonoTime now);

// To be called after a change was made.
void note_change(const HpaSpec& spec, History& history, int64_t from, int64_t to, MonoTime now);

}  // namespace proa::autoscaling
