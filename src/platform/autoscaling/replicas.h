// How many replicas one metric asks for, by the rules of Kubernetes' horizontal pod autoscaler for
// pods that are not ready, have no metrics yet, or go away. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "platform/autoscaling/hpa_spec.h"

namespace proa::autoscaling {

// What was measured of one container over the last seconds.
struct Sample {
  std::string container;
  std::optional<double> cpu_millis;  // not known from a single look
  double memory_bytes = 0;
  WallTime at;
  Duration window{};
};
using PodSamples = std::map<std::string, std::vector<Sample>>;  // by the pod's name

struct Proposal {
  int64_t replicas = 0;
  std::string metric;           // "cpu resource utilization (percentage of request)"
  json::Value current;          // for status.currentMetrics
  std::string reason, trouble;  // set if it could not be computed
};

// `pods`: those that the target's selector chooses.
Proposal propose(const MetricTarget& metric, int64_t current,
                 const std::vector<client::Object>& pods, const PodSamples& samples,
                 const HpaSpec& spec, WallTime now);

}  // namespace proa::autoscaling
