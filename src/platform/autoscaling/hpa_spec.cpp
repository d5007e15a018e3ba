#include "platform/autoscaling/hpa_spec.h"

#include "foundation/base/strings.h"
#include "platform/autoscaling/quantity.h"

namespace proa::autoscaling {
namespace {

using std::chrono::seconds;

constexpr size_t kMostMetrics = 50;
constexpr int64_t kDefaultUtilization = 80;

std::string metric_name(const json::Value& metric) {
  for (const char* source : {"pods", "object", "external"})
    if (metric.has(source)) return metric[source]["metric"]["name"].str();
  return "";
}

MetricTarget metric_target(const json::Value& metric) {
  MetricTarget out;
  out.type_name = metric["type"].str();
  if (out.type_name != "Resource" && out.type_name != "ContainerResource") {
    out.type = MetricTarget::kOther;
    out.name = metric_name(metric);
    out.trouble = str("metrics of type ", out.type_name, " (metric \"", out.name,
                      "\") are not available here: use Resource or ContainerResource with cpu or "
                      "memory, or scale by requests with a PodAutoscaler");
    return out;
  }
  const bool container = out.type_name == "ContainerResource";
  const json::Value& source = metric[container ? "containerResource" : "resource"];
  out.type = container ? MetricTarget::kContainerResource : MetricTarget::kResource;
  out.name = source["name"].str();
  out.container = source["container"].str();
  if (out.name != "cpu" && out.name != "memory")
    out.trouble = str("resource ", out.name, " is not measured here: only cpu and memory are");
  const json::Value& target = source["target"];
  out.utilization = target["averageUtilization"].integer();
  if (target["type"].str() == "AverageValue" || out.utilization == 0) {
    out.utilization = 0;
    out.average_milli = parse_milli(target["averageValue"]).value_or(0);
  }
  if (out.utilization <= 0 && out.average_milli <= 0 && out.trouble.empty())
    out.trouble =
        str("invalid ", out.type_name,
            " metric source: neither an average utilization nor an average value was set");
  return out;
}

ScalingRules rules(const json::Value& given, ScalingRules fallback) {
  ScalingRules out = std::move(fallback);
  if (!given.is_object()) return out;
  if (given.has("stabilizationWindowSeconds"))
    out.window = seconds(given["stabilizationWindowSeconds"].integer());
  const std::string& select = given["selectPolicy"].str();
  out.select = select == "Disabled" ? ScalingRules::kDisabled
               : select == "Min"    ? ScalingRules::kMin
                                    : ScalingRules::kMax;
  if (auto milli = given.has("tolerance") ? parse_milli(given["tolerance"]) : std::nullopt)
    out.tolerance = static_cast<double>(*milli) / 1000;
  if (given["policies"].size() == 0) return out;
  out.policies.clear();
  for (const auto& p : given["policies"].array())
    out.policies.push_back({p["type"].str() == "Percent", p["value"].integer(),
                            seconds(p["periodSeconds"].integer())});
  return out;
}

}  // namespace

HpaSpec hpa_spec(const json::Value& hpa) {
  const json::Value& spec = hpa["spec"];
  HpaSpec out;
  out.min = spec["minReplicas"].integer(1);
  out.max = spec["maxReplicas"].integer(1);
  for (const auto& metric : spec["metrics"].array())
    if (out.metrics.size() < kMostMetrics) out.metrics.push_back(metric_target(metric));
  if (out.metrics.empty()) {
    MetricTarget cpu;
    cpu.type_name = "Resource";
    cpu.name = "cpu";
    cpu.utilization = kDefaultUtilization;
    out.metrics.push_back(std::move(cpu));
  }
  ScalingRules up, down;
  up.policies = {{false, 4, seconds(15)}, {true, 100, seconds(15)}};
  down.policies = {{true, 100, seconds(15)}};
  down.window = seconds(300);
  out.up = rules(spec["behavior"]["scaleUp"], std::move(up));
  out.down = rules(spec["behavior"]["scaleDown"], std::move(down));
  return out;
}

}  // namespace proa::autoscaling
