#include "serving/standard/autoscaler.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "serving/spec/config.h"

namespace proa::serving::standard {
namespace {

constexpr int64_t kDefaultUtilization = 80;

const std::string& class_of(const json::Value& isvc) {
  return isvc["metadata"]["annotations"][kAutoscalerAnnotation].str();
}

json::Value policy(const char* type, int value) {
  return json::object({{"type", type}, {"value", value}, {"periodSeconds", 15}});
}

// What Kubernetes fills in for behaviour that is not given.
json::Value behavior(const json::Value& given) {
  json::Value up =
      json::object({{"policies", json::array({policy("Pods", 4), policy("Percent", 100)})},
                    {"selectPolicy", "Max"},
                    {"stabilizationWindowSeconds", 0}});
  json::Value down =
      json::object({{"policies", json::array({policy("Percent", 100)})}, {"selectPolicy", "Max"}});
  for (const auto& [key, value] : given["scaleUp"].object()) up.set(key, value);
  for (const auto& [key, value] : given["scaleDown"].object()) down.set(key, value);
  return json::object({{"scaleUp", std::move(up)}, {"scaleDown", std::move(down)}});
}

json::Value resource_metric(const char* name, json::Value target) {
  return json::object(
      {{"type", "Resource"},
       {"resource", json::object({{"name", name}, {"target", std::move(target)}})}});
}

json::Value utilization(const json::Value& percent) {
  return json::object(
      {{"type", "Utilization"},
       {"averageUtilization", percent.is_null() ? json::Value(kDefaultUtilization) : percent}});
}

json::Value metric_of(const json::Value& given) {
  const auto& r = given["resource"];
  const auto& target = r["target"];
  if (r["name"].str() == "memory" && target["type"].str() == "AverageValue")
    return resource_metric("memory", json::object({{"type", "AverageValue"},
                                                   {"averageValue", target["averageValue"]}}));
  return resource_metric(r["name"].str() == "memory" ? "memory" : "cpu",
                         utilization(target["averageUtilization"]));
}

json::Value metrics_of(const json::Value& predictor, const json::Value& annotations) {
  json::Value out{json::Array{}};
  for (const auto& m : predictor["autoScaling"]["metrics"].array())
    if (m["type"].str() == "Resource") out.push(metric_of(m));
  if (out.size() > 0) return out;
  std::string metric = predictor["scaleMetric"].str();
  if (metric.empty()) metric = annotations["serving.kserve.io/metrics"].str();
  auto target = predictor["scaleTarget"];
  if (target.is_null())
    if (auto old = parse_int(annotations["serving.kserve.io/targetUtilizationPercentage"].str()))
      target = *old;
  const bool memory = metric == "memory";
  if (memory && predictor["scaleMetricType"].str() == "AverageValue" && !target.is_null())
    out.push(resource_metric(
        "memory",
        json::object({{"type", "AverageValue"}, {"averageValue", str(target.integer(), "Mi")}})));
  else
    out.push(resource_metric(memory ? "memory" : "cpu", utilization(target)));
  return out;
}

json::Value target_of(const std::string& deployment) {
  return json::object({{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", deployment}});
}

json::Value horizontal(const json::Value& isvc, const std::string& deployment) {
  const auto& predictor = isvc["spec"]["predictor"];
  const auto least = std::max<int64_t>(1, predictor["minReplicas"].integer(1));
  const auto most = std::max(least, predictor["maxReplicas"].integer());
  json::Value spec =
      json::object({{"minReplicas", least},
                    {"maxReplicas", most},
                    {"metrics", metrics_of(predictor, isvc["metadata"]["annotations"])},
                    {"behavior", behavior(predictor["autoScaling"]["behavior"])},
                    {"scaleTargetRef", target_of(deployment)}});
  return json::object({{"apiVersion", "autoscaling/v2"},
                       {"kind", "HorizontalPodAutoscaler"},
                       {"spec", std::move(spec)}});
}

json::Value pod_autoscaler(const json::Value& isvc, const std::string& deployment, bool http2,
                           json::Value& annotations) {
  const auto& predictor = isvc["spec"]["predictor"];
  const std::string prefix = "autoscaling.knative.dev/";
  annotations.set(prefix + "class", "kpa.autoscaling.knative.dev");
  annotations.set(prefix + "min-scale", "0");
  if (const auto most = predictor["maxReplicas"].integer(); most > 0)
    annotations.set(prefix + "max-scale", str(most));
  const auto& metric = predictor["scaleMetric"].str();
  if (metric == "concurrency" || metric == "rps") {
    annotations.set(prefix + "metric", metric);
    if (!predictor["scaleTarget"].is_null())
      annotations.set(prefix + "target", str(predictor["scaleTarget"].integer()));
  }
  json::Value spec =
      json::object({{"containerConcurrency", predictor["containerConcurrency"].integer()},
                    {"protocolType", http2 ? "h2c" : "http1"},
                    {"reachability", "Reachable"},
                    {"scaleTargetRef", target_of(deployment)}});
  return json::object({{"apiVersion", "autoscaling.internal.knative.dev/v1alpha1"},
                       {"kind", "PodAutoscaler"},
                       {"spec", std::move(spec)}});
}

}  // namespace

bool fixed_scale(const json::Value& isvc) { return class_of(isvc) == "none"; }

bool scales_to_zero(const json::Value& isvc) {
  const auto& cls = class_of(isvc);
  const auto& least = isvc["spec"]["predictor"]["minReplicas"];
  return least.is_int() && least.integer() == 0 && (cls.empty() || cls == "hpa");
}

json::Value plan_autoscaler(const json::Value& isvc, const std::string& deployment, bool http2,
                            json::Value& annotations) {
  if (scales_to_zero(isvc)) return pod_autoscaler(isvc, deployment, http2, annotations);
  const auto& cls = class_of(isvc);
  if (!cls.empty() && cls != "hpa") return {};
  return horizontal(isvc, deployment);
}

}  // namespace proa::serving::standard
