// A HorizontalPodAutoscaler's spec as values, with Kubernetes' defaults filled in. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/json/value.h"

namespace proa::autoscaling {

struct MetricTarget {
  enum Type { kResource, kContainerResource, kOther } type = kResource;
  std::string type_name;      // as it was written: Resource, Pods, …
  std::string name;           // cpu, memory; of another type the metric's name
  std::string container;      // of a ContainerResource
  int64_t utilization = 0;    // percent of the request, or 0:
  int64_t average_milli = 0;  // thousandths a pod
  std::string trouble;        // why it cannot be computed; "" if it can
};

struct ScalingPolicy {
  bool percent = false;
  int64_t value = 0;
  Duration period{};
};

struct ScalingRules {
  enum Select { kMax, kMin, kDisabled } select = kMax;
  std::vector<ScalingPolicy> policies;
  Duration window{};
  double tolerance = 0.1;
};

struct HpaSpec {
  int64_t min = 1, max = 1;
  std::vector<MetricTarget> metrics;  // never empty: 80 % of the cpu requested, if none is given
  ScalingRules up, down;
};

HpaSpec hpa_spec(const json::Value& hpa);

}  // namespace proa::autoscaling
