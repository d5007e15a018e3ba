#include "platform/knative/scaling/scaling_config.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string_view>

#include "foundation/base/strings.h"

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

// A value of the ConfigMap, if it is there.
class Reader {
 public:
  explicit Reader(const json::Value& data) : data_(data) {}
  void number(const char* key, double& out) {
    if (auto text = get(key)) {
      if (auto v = parse_double(*text); v && std::isfinite(*v))
        out = *v;
      else
        refuse(key, *text);
    }
  }
  void whole(const char* key, int64_t& out) {
    if (auto text = get(key)) {
      if (auto v = parse_int(*text))
        out = *v;
      else
        refuse(key, *text);
    }
  }
  void flag(const char* key, bool& out) {
    if (auto text = get(key)) {
      if (iequals(*text, "true"))
        out = true;
      else if (iequals(*text, "false"))
        out = false;
      else
        refuse(key, *text);
    }
  }
  void period(const char* key, Duration& out) {
    if (auto text = get(key)) {
      if (auto v = parse_duration(*text))
        out = *v;
      else
        refuse(key, *text);
    }
  }
  Status done() const {
    return refused_.empty() ? Status() : error(Code::kUnprocessable, refused_);
  }

 private:
  std::optional<std::string> get(const char* key) const {
    if (!data_.has(key)) return std::nullopt;
    return data_[key].str();
  }
  void refuse(const char* key, const std::string& text) {
    if (refused_.empty())
      refused_ = str("config-autoscaler: ", key, ": cannot read \"", shorten(text, 80), "\"");
  }
  const json::Value& data_;
  std::string refused_;
};

}  // namespace

Result<AutoscalerConfig> parse_autoscaler_config(const json::Value& data) {
  AutoscalerConfig c;
  Reader r(data);
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
  TRY_STATUS(r.done());
  // A fraction up to 1 means a share, as Knative reads this one key.
  if (c.container_concurrency_percentage <= 1) c.container_concurrency_percentage *= 100;
  auto fail = [](const char* text) {
    return error(Code::kUnprocessable, str("config-autoscaler: ", text));
  };
  if (c.max_scale_up_rate <= 1) return fail("max-scale-up-rate must be greater than 1.0");
  if (c.max_scale_down_rate <= 1) return fail("max-scale-down-rate must be greater than 1.0");
  if (c.stable_window < seconds(6) || c.stable_window > hours(1))
    return fail("stable-window must be in 6s..1h");
  if (c.target_burst_capacity < 0 && c.target_burst_capacity != -1)
    return fail("target-burst-capacity must be at least 0, or -1");
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

Status validate_autoscaling(const json::Value& a, const AutoscalerConfig& config) {
  Found kind = find(a, kClass);
  if (kind.present && kind.text == "hpa.autoscaling.knative.dev")
    return error(Code::kUnprocessable,
                 str("metadata.annotations.", kind.key,
                     ": class hpa.autoscaling.knative.dev is not served "
                     "here; use kpa.autoscaling.knative.dev with metric concurrency or rps"));
  TRY_STATUS(check_choice(a, kClass, {"kpa.autoscaling.knative.dev"}));
  TRY_STATUS(check_choice(a, kMetric, {"concurrency", "rps"}));
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
