#include "platform/knative/scaling/scaling_config.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string_view>

#include "foundation/base/strings.h"
#include "platform/knative/scaling/config_reader.h"

namespace proa::knative {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::string_view kPrefix = "autoscaling.knative.dev/";
using Choices = std::initializer_list<std::string_view>;
struct Names {
  std::string_view name, other;
};

// Each annotation under its names, the preferred one first.
constexpr Names kMinScale{"min-scale", "minScale"};
constexpr Names kMaxScale{"max-scale", "maxScale"};
constexpr Names kInitialScale{"initial-scale", "initialScale"};
constexpr Names kActivationScale{"activation-scale", ""};
constexpr Names kScaleDownDelay{"scale-down-delay", "scaleDownDelay"};
constexpr Names kMetric{"metric", ""};
constexpr Names kTarget{"target", ""};
constexpr Names kUtilization{"target-utilization-percentage", "targetUtilizationPercentage"};
constexpr Names kBurst{"target-burst-capacity", "targetBurstCapacity"};
constexpr Names kWindow{"window", ""};
constexpr Names kPanicWindow{"panic-window-percentage", "panicWindowPercentage"};
constexpr Names kPanicThreshold{"panic-threshold-percentage", "panicThresholdPercentage"};
constexpr Names kRetention{"scale-to-zero-pod-retention-period", "scaleToZeroPodRetentionPeriod"};
constexpr Names kAggregation{"metric-aggregation-algorithm", "metricAggregationAlgorithm"};
constexpr Names kClass{"class", ""};

struct Found {
  std::string key;
  std::string text;
  bool present = false;
};

Found find(const json::Value& annotations, Names names) {
  for (std::string_view name : {names.name, names.other}) {
    if (name.empty()) continue;
    std::string key = str(kPrefix, name);
    if (annotations.has(key)) return {key, annotations[key].str(), true};
  }
  return {};
}

std::optional<double> number(const json::Value& annotations, Names names) {
  Found f = find(annotations, names);
  return f.present ? parse_double(f.text) : std::nullopt;
}

std::optional<int64_t> whole(const json::Value& annotations, Names names) {
  Found f = find(annotations, names);
  return f.present ? parse_int(f.text) : std::nullopt;
}

std::optional<Duration> period(const json::Value& annotations, Names names) {
  Found f = find(annotations, names);
  return f.present ? parse_duration(f.text) : std::nullopt;
}

Error bad(const Found& f, std::string_view why) {
  return error(Code::kUnprocessable, str("metadata.annotations.", f.key, ": invalid value: ",
                                         f.text, why.empty() ? "" : ": ", why));
}

Error out_of(const Found& f, std::string_view low, std::string_view high) {
  return error(Code::kUnprocessable, str("metadata.annotations.", f.key, ": expected ", low,
                                         " <= ", f.text, " <= ", high));
}

Status check_whole(const json::Value& a, Names names, int64_t least) {
  Found f = find(a, names);
  if (!f.present) return {};
  auto v = parse_int(f.text);
  if (!v) return bad(f, "");
  if (*v < least || *v > INT32_MAX) return out_of(f, str(least), str(INT32_MAX));
  return {};
}

Status check_number(const json::Value& a, Names names, double low, double high) {
  Found f = find(a, names);
  if (!f.present) return {};
  auto v = parse_double(f.text);
  if (!v || std::isnan(*v)) return bad(f, "");
  if (*v < low || *v > high) return out_of(f, str(low), str(high));
  return {};
}

Status check_period(const json::Value& a, Names names, Duration low, Duration high,
                    bool to_the_second) {
  Found f = find(a, names);
  if (!f.present) return {};
  auto v = parse_duration(f.text);
  if (!v) return bad(f, "");
  if (*v < low || *v > high) return out_of(f, format_duration(low), format_duration(high));
  if (to_the_second && *v % seconds(1) != Duration::zero())
    return bad(f, "must be specified with at most second precision");
  return {};
}

Status check_choice(const json::Value& a, Names names, Choices allowed) {
  Found f = find(a, names);
  if (!f.present) return {};
  for (std::string_view one : allowed)
    if (f.text == one) return {};
  return bad(f, "");
}

Status check_scales(const json::Value& a, const AutoscalerConfig& config) {
  TRY_STATUS(check_whole(a, kMinScale, 0));
  TRY_STATUS(check_whole(a, kMaxScale, 0));
  TRY_STATUS(check_whole(a, kInitialScale, 0));
  TRY_STATUS(check_whole(a, kActivationScale, INT32_MIN));
  const int64_t min = whole(a, kMinScale).value_or(config.min_scale);
  const int64_t max = whole(a, kMaxScale).value_or(config.max_scale);
  auto fail = [](std::string text) { return error(Code::kUnprocessable, std::move(text)); };
  if (max != 0 && max < min) return fail(str("max-scale=", max, " is less than min-scale=", min));
  if (config.max_scale_limit > 0 && whole(a, kMaxScale) &&
      (max == 0 || max > config.max_scale_limit))
    return out_of(find(a, kMaxScale), "1", str(config.max_scale_limit));
  if (whole(a, kInitialScale) == 0 && !config.allow_zero_initial_scale)
    return fail(str("metadata.annotations.", find(a, kInitialScale).key,
                    ": invalid value: 0: the cluster does not allow an initial scale of 0"));
  if (auto activation = whole(a, kActivationScale)) {
    if (*activation < 2)
      return fail(str("activation-scale=", *activation, " must be greater than 1"));
    if (max != 0 && *activation > max)
      return fail(str("activation-scale=", *activation, " is greater than max-scale=", max));
    if (*activation < min)
      return fail(str("activation-scale=", *activation, " is less than min-scale=", min));
  }
  return {};
}

Status check_target(const json::Value& a) {
  Found f = find(a, kTarget);
  if (!f.present) return {};
  auto v = parse_double(f.text);
  if (!v) return bad(f, "");
  if (!(*v >= 0.01))
    return error(Code::kUnprocessable, str("target ", f.text, " should be at least 0.01"));
  return {};
}

}  // namespace

namespace {

void check_rates(const AutoscalerConfig& c, ConfigReader& r) {
  r.require(c.max_scale_up_rate > 1,
            str("max-scale-up-rate = ", c.max_scale_up_rate, ", must be greater than 1.0"));
  r.require(c.max_scale_down_rate > 1,
            str("max-scale-down-rate = ", c.max_scale_down_rate, ", must be greater than 1.0"));
  r.require(c.target_burst_capacity >= 0 || c.target_burst_capacity == -1,
            str("target-burst-capacity must be either non-negative or -1 (for unlimited), was: ",
                c.target_burst_capacity));
  r.require(c.container_concurrency_percentage > 0 && c.container_concurrency_percentage <= 100,
            str("container-concurrency-target-percentage = ", c.container_concurrency_percentage,
                ", must be in (0, 100] range"));
  r.require(c.container_concurrency_target * c.container_concurrency_percentage / 100 >= 0.01,
            "container-concurrency-target-percentage and container-concurrency-target-default "
            "yield a target below 0.01");
  r.require(c.rps_target >= 1,
            str("requests-per-second-target-default = ", c.rps_target, ", must be at least 1"));
  r.require(c.activator_capacity >= 1,
            str("activator-capacity = ", c.activator_capacity, ", must be at least 1"));
  r.require(c.panic_window_percentage >= 1 && c.panic_window_percentage <= 100,
            str("panic-window-percentage = ", c.panic_window_percentage,
                ", must be in [1, 100] interval"));
  r.require(c.panic_threshold_percentage >= 110 && c.panic_threshold_percentage <= 1000,
            str("panic-threshold-percentage = ", c.panic_threshold_percentage,
                ", must be in [110, 1000] interval"));
}

void check_times_and_scales(const AutoscalerConfig& c, ConfigReader& r) {
  r.require(
      c.stable_window >= seconds(6) && c.stable_window <= hours(1),
      str("stable-window = ", format_duration(c.stable_window), ", must be in [6s; 1h0m0s] range"));
  r.require(c.stable_window % seconds(1) == Duration::zero(),
            str("stable-window = ", format_duration(c.stable_window),
                ", must be specified with at most second precision"));
  // Knative asks for 6 s, in which its network is programmed; here nothing has to be.
  r.require(c.scale_to_zero_grace_period >= Duration::zero(),
            str("scale-to-zero-grace-period cannot be negative, was: ",
                format_duration(c.scale_to_zero_grace_period)));
  r.require(c.scale_to_zero_pod_retention >= Duration::zero(),
            str("scale-to-zero-pod-retention-period cannot be negative, was: ",
                format_duration(c.scale_to_zero_pod_retention)));
  r.require(c.scale_down_delay >= Duration::zero() && c.scale_down_delay <= hours(1) &&
                c.scale_down_delay % seconds(1) == Duration::zero(),
            str("scale-down-delay = ", format_duration(c.scale_down_delay),
                ", must be in whole seconds within [0s; 1h0m0s]"));
  r.require(c.initial_scale >= (c.allow_zero_initial_scale ? 0 : 1),
            str("initial-scale = ", c.initial_scale,
                ", must be at least 0 (or at least 1 when allow-zero-initial-scale is false)"));
  r.require(c.min_scale >= 0, str("min-scale = ", c.min_scale, ", must be at least 0"));
  r.require(c.max_scale_limit >= 0,
            str("max-scale-limit = ", c.max_scale_limit, ", must be at least 0"));
  r.require(c.max_scale >= 0 &&
                (c.max_scale_limit == 0 || (c.max_scale > 0 && c.max_scale <= c.max_scale_limit)),
            str("max-scale = ", c.max_scale, ", must be in [",
                c.max_scale_limit > 0 ? "1, max-scale-limit" : "0, ∞", "]"));
  r.require(c.max_scale == 0 || c.min_scale <= c.max_scale,
            str("min-scale = ", c.min_scale, ", must be at most max-scale"));
}

}  // namespace

Result<AutoscalerConfig> parse_autoscaler_config(const json::Value& data) {
  AutoscalerConfig c;
  ConfigReader r(data);
  r.number("container-concurrency-target-default", c.container_concurrency_target);
  r.number("container-concurrency-target-percentage", c.container_concurrency_percentage);
  r.number("requests-per-second-target-default", c.rps_target);
  r.number("max-scale-up-rate", c.max_scale_up_rate);
  r.number("max-scale-down-rate", c.max_scale_down_rate);
  r.number("panic-window-percentage", c.panic_window_percentage);
  r.number("panic-threshold-percentage", c.panic_threshold_percentage);
  r.number("target-burst-capacity", c.target_burst_capacity);
  r.number("activator-capacity", c.activator_capacity);
  r.period("stable-window", c.stable_window);
  r.period("scale-to-zero-grace-period", c.scale_to_zero_grace_period);
  r.period("scale-to-zero-pod-retention-period", c.scale_to_zero_pod_retention);
  r.period("scale-down-delay", c.scale_down_delay);
  r.flag("enable-scale-to-zero", c.enable_scale_to_zero);
  r.flag("allow-zero-initial-scale", c.allow_zero_initial_scale);
  r.whole("initial-scale", c.initial_scale);
  r.whole("min-scale", c.min_scale);
  r.whole("max-scale", c.max_scale);
  r.whole("max-scale-limit", c.max_scale_limit);
  r.text("pod-autoscaler-class", c.autoscaler_class);
  TRY_STATUS(r.done());
  // A fraction up to 1 means a share, as Knative reads this one key.
  if (c.container_concurrency_percentage <= 1) c.container_concurrency_percentage *= 100;
  check_rates(c, r);
  check_times_and_scales(c, r);
  r.require(c.autoscaler_class == kKpaClass || c.autoscaler_class == kHpaClass,
            str("pod-autoscaler-class = ", c.autoscaler_class, ", must be ", kKpaClass, " or ",
                kHpaClass));
  TRY_STATUS(r.done());
  return c;
}

ScaleSpec scale_spec(const json::Value& a, int64_t container_concurrency, bool reachable,
                     const AutoscalerConfig& c) {
  ScaleSpec s;
  s.reachable = reachable;
  s.metric = find(a, kMetric).text == "rps" ? Metric::kRps : Metric::kConcurrency;
  const std::string algorithm = find(a, kAggregation).text;
  if (algorithm == "weighted-exponential" || algorithm == "weightedExponential")
    s.aggregation = Aggregation::kWeightedExponential;
  double utilization = c.target_utilization;
  if (s.metric == Metric::kConcurrency) {
    s.total = container_concurrency > 0 ? static_cast<double>(container_concurrency)
                                        : c.container_concurrency_target;
    utilization = c.container_concurrency_percentage;
  } else {
    s.total = c.rps_target;
  }
  if (auto target = number(a, kTarget)) {
    const bool capped = s.metric == Metric::kConcurrency && container_concurrency > 0;
    s.total = capped ? std::min(*target, static_cast<double>(container_concurrency)) : *target;
  }
  utilization = number(a, kUtilization).value_or(utilization);
  s.target = std::max(0.01, s.total * utilization / 100);
  s.target_burst_capacity = number(a, kBurst).value_or(c.target_burst_capacity);
  s.max_scale_up_rate = c.max_scale_up_rate;
  s.max_scale_down_rate = c.max_scale_down_rate;
  s.panic_threshold = number(a, kPanicThreshold).value_or(c.panic_threshold_percentage) / 100;
  s.stable_window = period(a, kWindow).value_or(c.stable_window);
  const double share = number(a, kPanicWindow).value_or(c.panic_window_percentage) / 100;
  s.panic_window =
      std::max<Duration>(seconds(1), seconds(std::llround(share * proa::seconds(s.stable_window))));
  s.scale_down_delay = period(a, kScaleDownDelay).value_or(c.scale_down_delay);
  s.grace_period = c.scale_to_zero_grace_period;
  s.retention = period(a, kRetention).value_or(c.scale_to_zero_pod_retention);
  s.enable_scale_to_zero = c.enable_scale_to_zero;
  s.initial_scale = whole(a, kInitialScale).value_or(c.initial_scale);
  s.activation_scale = whole(a, kActivationScale).value_or(1);
  s.min_scale = whole(a, kMinScale).value_or(c.min_scale);
  s.max_scale = whole(a, kMaxScale).value_or(c.max_scale);
  return s;
}

bool scaled_by_hpa(const json::Value& annotations, const AutoscalerConfig& config) {
  Found kind = find(annotations, kClass);
  return (kind.present ? kind.text : config.autoscaler_class) == kHpaClass;
}

std::string metric_of(const json::Value& annotations) { return find(annotations, kMetric).text; }

std::optional<double> target_of(const json::Value& annotations) {
  return number(annotations, kTarget);
}

std::optional<Duration> window_of(const json::Value& annotations) {
  return period(annotations, kWindow);
}

Status validate_autoscaling(const json::Value& a, const AutoscalerConfig& config) {
  TRY_STATUS(check_choice(a, kClass, {kKpaClass, kHpaClass}));
  // The HPA's metrics may have any name; its status says which cannot be had.
  if (!scaled_by_hpa(a, config)) TRY_STATUS(check_choice(a, kMetric, {"concurrency", "rps"}));
  TRY_STATUS(
      check_choice(a, kAggregation, {"linear", "weighted-exponential", "weightedExponential"}));
  TRY_STATUS(check_scales(a, config));
  TRY_STATUS(check_target(a));
  TRY_STATUS(check_number(a, kUtilization, 1, 100));
  TRY_STATUS(check_number(a, kPanicWindow, 1, 100));
  TRY_STATUS(check_number(a, kPanicThreshold, 110, 1000));
  Found burst = find(a, kBurst);
  if (auto v = number(a, kBurst); burst.present && (!v || (*v < 0 && *v != -1)))
    return bad(burst, "must be at least 0, or -1");
  TRY_STATUS(check_period(a, kWindow, seconds(6), hours(1), true));
  TRY_STATUS(check_period(a, kScaleDownDelay, seconds(0), hours(1), true));
  return check_period(a, kRetention, seconds(0), hours(1), false);
}

}  // namespace proa::knative
