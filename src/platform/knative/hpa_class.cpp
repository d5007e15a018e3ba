#include "platform/knative/hpa_class.h"

#include <cmath>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/settings/config_watch.h"
#include "platform/knative/settings/live.h"

namespace proa::knative {
namespace {

constexpr std::string_view kManager = "hpa-class-controller";

json::Value metric_target(const json::Value& annotations, double target) {
  const std::string metric = metric_of(annotations);
  json::Value out;
  if (metric == "cpu" || metric.empty()) {
    out = json::object({{"type", "Resource"}});
    out.ref("resource", "name") = "cpu";
    out.ref("resource", "target") = json::object(
        {{"type", "Utilization"}, {"averageUtilization", std::llround(std::ceil(target))}});
  } else if (metric == "memory") {
    out = json::object({{"type", "Resource"}});
    out.ref("resource", "name") = "memory";
    out.ref("resource", "target") =
        json::object({{"type", "AverageValue"}, {"averageValue", str(std::llround(target), "Mi")}});
  } else {
    out = json::object({{"type", "Pods"}});
    out.ref("pods", "metric", "name") = metric;
    out.ref("pods", "target") = json::object(
        {{"type", "AverageValue"}, {"averageValue", str(std::llround(std::ceil(target)))}});
  }
  return out;
}

class HpaClassReconciler {
 public:
  HpaClassReconciler(client::Client& client, Clock& clock)
      : client_(client), clock_(clock), applier_(client, std::string(kManager)) {}

  Result<client::Outcome> reconcile(const client::Key& key) {
    TRY(Object pa, find(client_, api::kPodAutoscaler, key.ns, key.name));
    const auto config = config_.get(&client_);
    TRY(Object hpa, find(client_, api::kHorizontalPodAutoscaler, key.ns, key.name));
    if (!pa || client::deleting(*pa) || !scaled_by_hpa((*pa)["metadata"]["annotations"], *config)) {
      applier_.forget(api::kHorizontalPodAutoscaler, key);
      if (pa && ours(hpa, *pa)) {  // the class was changed
        Status gone = client_.remove(api::kHorizontalPodAutoscaler, key.ns, key.name);
        if (!gone.ok() && gone.error().code != Code::kNotFound) return std::move(gone).error();
      }
      return client::Outcome{};
    }
    if (!hpa || ours(hpa, *pa)) {
      TRY(hpa, applier_.ensure(api::kHorizontalPodAutoscaler, hpa_of(*pa, *config), hpa));
    }
    TRY(Object deployment,
        find(client_, api::kDeployment, key.ns, (*pa)["spec"]["scaleTargetRef"]["name"].str()));
    TRY_STATUS(write_status(client_, api::kPodAutoscaler, *pa,
                            hpa_class_status(*pa, hpa, deployment, clock_.wall()), kManager));
    return client::Outcome{};
  }

 private:
  static bool ours(const Object& hpa, const json::Value& pa) {
    const json::Value* owner = hpa ? client::controller_of(*hpa) : nullptr;
    return owner && (*owner)["uid"].str() == client::uid_of(pa);
  }

  client::Client& client_;
  Clock& clock_;
  Applier applier_;
  Live<AutoscalerConfig> config_{"config-autoscaler", parse_autoscaler_config};
};

}  // namespace

json::Value hpa_of(const json::Value& pa, const AutoscalerConfig& config) {
  const json::Value& notes = pa["metadata"]["annotations"];
  const ScaleSpec scale = scale_spec(notes, pa["spec"]["containerConcurrency"].integer(),
                                     pa["spec"]["reachability"].str() != "Unreachable", config);
  json::Value hpa = shell_of(api::kHorizontalPodAutoscaler, namespace_of(pa), name_of(pa));
  json::Value& meta = hpa.ref("metadata");
  if (pa["metadata"]["labels"].is_object()) meta.set("labels", pa["metadata"]["labels"]);
  if (notes.is_object()) meta.set("annotations", notes);
  meta.set("ownerReferences", json::array({client::owner_reference(pa)}));
  json::Value& spec = hpa.ref("spec");
  spec.set("scaleTargetRef", pa["spec"]["scaleTargetRef"]);
  const int64_t most = scale.max_scale > 0 ? scale.max_scale : INT32_MAX;
  spec.set("maxReplicas", most);
  const int64_t least = scale.reachable ? scale.min_scale : 0;
  spec.set("minReplicas", std::clamp<int64_t>(least, 1, most));
  if (auto target = target_of(notes))
    spec.set("metrics", json::array({metric_target(notes, *target)}));
  else if (const std::string metric = metric_of(notes); metric == "cpu" || metric.empty())
    spec.set("metrics", json::array({metric_target(notes, 80)}));
  if (auto window = window_of(notes)) {
    const int64_t whole = std::chrono::duration_cast<std::chrono::seconds>(*window).count();
    for (const char* direction : {"scaleDown", "scaleUp"})
      spec.ref("behavior", direction, "stabilizationWindowSeconds") = whole;
  }
  return hpa;
}

json::Value hpa_class_status(const json::Value& pa, const Object& hpa, const Object& deployment,
                             WallTime now) {
  const std::string at = rfc3339(now);
  json::Value status;
  status.set("observedGeneration", generation_of(pa));
  status.set("serviceName", name_of(pa));
  const int64_t ready =
      deployment ? (*deployment)["status"]["readyReplicas"].integer() : int64_t{0};
  if (hpa && (*hpa)["status"]["desiredReplicas"].integer() > 0)
    status.set("desiredScale", (*hpa)["status"]["desiredReplicas"]);
  status.set("actualScale", ready);
  const bool initialized = ready > 0 || client::condition_is(pa, "ScaleTargetInitialized", "True");
  const json::Value* owner = hpa ? client::controller_of(*hpa) : nullptr;
  client::Condition active{"Active", "True", "", "", ""};
  if (hpa && (!owner || (*owner)["uid"].str() != client::uid_of(pa)))
    active = {"Active", "False", "NotOwned",
              str("There is an existing HorizontalPodAutoscaler \"", name_of(pa),
                  "\" that we do not own."),
              ""};
  else if (!initialized)
    active = {"Active", "Unknown", "Queued",
              "Requests to the target are being buffered as resources are provisioned.", ""};
  status.set("conditions", scale_conditions(pa["status"]["conditions"], active, initialized, at));
  return status;
}

client::ControllerSpec hpa_class_controller(client::Client& client, Clock& clock) {
  auto reconciler = std::make_shared<HpaClassReconciler>(client, clock);
  client::ControllerSpec spec;
  spec.name = "podautoscaler-hpa";
  auto config = std::make_shared<ConfigWatch>(std::vector<std::string>{"config-autoscaler"});
  config->add_to(spec, api::kPodAutoscaler);
  spec.watches.push_back({api::kHorizontalPodAutoscaler, client::owner(api::kPodAutoscaler), true});
  spec.watches.push_back({api::kDeployment, client::label(kRevisionLabel), true});
  spec.reconcile = [reconciler](const client::Key& key) { return reconciler->reconcile(key); };
  return spec;
}

}  // namespace proa::knative
