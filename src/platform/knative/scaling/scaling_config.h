// Scaling parameters: the config-autoscaler ConfigMap, the autoscaling annotations of a revision,
// and what both come to for one revision. Pure; reference: Knative's config-autoscaler and the
// annotations autoscaling.knative.dev/*.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/clock.h"
#include "foundation/json/value.h"

namespace proa::knative {

inline constexpr std::string_view kKpaClass = "kpa.autoscaling.knative.dev";
inline constexpr std::string_view kHpaClass = "hpa.autoscaling.knative.dev";

enum class Metric { kConcurrency, kRps };
enum class Aggregation { kLinear, kWeightedExponential };

// config-autoscaler, with Knative's defaults.
struct AutoscalerConfig {
  double container_concurrency_target = 100;
  double container_concurrency_percentage = 70;  // percent
  double rps_target = 200;
  double target_utilization = 70;  // percent, for rps
  double max_scale_up_rate = 1000;
  double max_scale_down_rate = 2;
  double panic_window_percentage = 10;
  double panic_threshold_percentage = 200;
  double target_burst_capacity = 211;
  double activator_capacity = 100;
  Duration stable_window = std::chrono::seconds(60);
  Duration scale_to_zero_grace_period = std::chrono::seconds(30);
  Duration scale_to_zero_pod_retention = std::chrono::seconds(0);
  Duration scale_down_delay = std::chrono::seconds(0);
  bool enable_scale_to_zero = true;
  bool allow_zero_initial_scale = false;
  int64_t initial_scale = 1;
  int64_t min_scale = 0, max_scale = 0, max_scale_limit = 0;
  std::string autoscaler_class{kKpaClass};
};

// Values that are missing keep their default; one that cannot be read is an error that names it.
Result<AutoscalerConfig> parse_autoscaler_config(const json::Value& data);

// Everything that deciding about one revision needs.
struct ScaleSpec {
  Metric metric = Metric::kConcurrency;
  Aggregation aggregation = Aggregation::kLinear;
  double target = 70;  // per pod, with utilization
  double total = 100;  // per pod, without
  double target_burst_capacity = 211;
  double max_scale_up_rate = 1000, max_scale_down_rate = 2;
  double panic_threshold = 2.0;
  Duration stable_window = std::chrono::seconds(60), panic_window = std::chrono::seconds(6);
  Duration scale_down_delay = std::chrono::seconds(0);
  Duration grace_period = std::chrono::seconds(30), retention = std::chrono::seconds(0);
  bool enable_scale_to_zero = true;
  bool reachable = true;
  int64_t initial_scale = 1, activation_scale = 1;
  int64_t min_scale = 0, max_scale = 0;  // max 0: no bound
};

// `annotations` of a PodAutoscaler or Revision that validated. Annotations that are malformed here
// (the ConfigMap may have changed) count as absent.
ScaleSpec scale_spec(const json::Value& annotations, int64_t container_concurrency, bool reachable,
                     const AutoscalerConfig& config);

// What the class hpa.autoscaling.knative.dev needs of them.
bool scaled_by_hpa(const json::Value& annotations, const AutoscalerConfig& config);
std::string metric_of(const json::Value& annotations);  // "" if none is given
std::optional<double> target_of(const json::Value& annotations);
std::optional<Duration> window_of(const json::Value& annotations);

// kUnprocessable that names the annotation. Used by admission.
Status validate_autoscaling(const json::Value& annotations, const AutoscalerConfig& config);

}  // namespace proa::knative
