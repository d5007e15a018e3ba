// The status of a HorizontalPodAutoscaler: its three conditions and what was measured. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/client.h"
#include "platform/autoscaling/behavior.h"
#include "platform/autoscaling/replicas.h"

namespace proa::autoscaling {

// What all metrics together ask for, as Kubernetes joins them: the most; but while one of them
// cannot be computed the others may only add.
struct Joined {
  int64_t replicas = 0;
  std::string metric;    // the one that asks for it
  Explained active;      // the condition ScalingActive
  std::string trouble;   // set: nothing is to be changed
  json::Value currents;  // status.currentMetrics
};
Joined join_proposals(const std::vector<Proposal>& proposals, int64_t current);

struct HpaOutcome {
  int64_t current = 0, desired = 0;
  bool scaled = false;
  Explained able, active, limited;  // an empty status leaves the condition as it was
  json::Value currents;             // null keeps what the status had
};
json::Value hpa_status(const json::Value& hpa, const HpaOutcome& outcome, WallTime now);

}  // namespace proa::autoscaling
