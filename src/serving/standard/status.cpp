#include "serving/standard/status.h"

#include "foundation/base/strings.h"
#include "serving/spec/metadata.h"
#include "serving/standard/plan.h"
#include "serving/standard/routes.h"
#include "serving/status/conditions.h"
#include "serving/status/model_status.h"

namespace proa::serving::standard {
namespace {

using client::Condition;

// In the order in which a Deployment gets them: what comes later knows better.
Condition predictor_condition(const json::Value* deployment) {
  Condition out{"PredictorReady", "False", "", "", ""};
  if (!deployment) return out;
  const auto take = [&](const json::Value& c, const char* status) {
    out.status = status;
    out.reason = c["reason"].str();
    out.message = c["message"].str();
  };
  const auto& is_available = client::condition(*deployment, "Available");
  const auto& progressing = client::condition(*deployment, "Progressing");
  const auto& failure = client::condition(*deployment, "ReplicaFailure");
  if (!is_available.is_null()) take(is_available, is_available["status"].str().c_str());
  if (progressing["status"].str() == "False")
    take(progressing, "False");
  else if (out.status == "True" && progressing["reason"].str() == "NewReplicaSetAvailable")
    take(progressing, "True");
  if (failure["status"].str() == "True") take(failure, "False");
  return out;
}

const Running& newest(const Observed& o) { return o.held ? o.canary : o.stable; }

ModelInput model_input(const Running& r, const json::Value& before, bool ready) {
  ModelInput in;
  in.before = &before;
  in.pods = r.pods;
  in.revision = r.revision;
  in.ready = ready && available(r.deployment.get());
  in.newest_serves = rolled_out(r.deployment.get());
  return in;
}

// Who takes the requests while the newest revision's pods fail.
std::string serving_revision(const Observed& o) {
  if (!available(o.stable.deployment.get())) return "";
  if (!o.held) return "the one before";
  return o.stable.revision.empty() ? name_of(*o.stable.deployment) : o.stable.revision;
}

void apply_failure(const Observed& o, const json::Value& model, Condition& predictor) {
  const auto& failure = model["lastFailureInfo"];
  if (!failure.is_object() || model["states"]["targetModelState"].str() != "FailedToLoad") return;
  predictor.status = "False";
  predictor.reason = failure["reason"].str();
  predictor.message =
      failure_line(newest(o).revision, failure["message"].str(), serving_revision(o));
}

int64_t share_of(const Observed& o, const Running& r) {
  if (!r.deployment) return 0;
  for (const auto& s : o.shares)
    if (s.service == name_of(*r.deployment)) return s.percent;
  return 0;
}

json::Value component_status(const Observed& o, const RouteUrls* urls) {
  json::Value out{json::Object{}};
  const auto& before = (*o.isvc)["status"]["components"]["predictor"];
  if (urls)
    out.set("url", urls->component);
  else if (before.has("url"))
    out.set("url", before["url"]);
  if (!o.canary.deployment) return out;
  const auto percent = share_of(o, o.canary);
  const bool ready = available(o.canary.deployment.get());
  out.set("latestCreatedRevision", newest(o).revision);
  out.set("latestReadyRevision", ready ? o.canary.revision : o.stable.revision);
  out.set("latestRolledoutRevision", o.stable.revision);
  const auto target = [](bool latest, int64_t part, const std::string& revision) {
    return json::object(
        {{"latestRevision", latest}, {"percent", part}, {"revisionName", revision}});
  };
  if (!ready) {
    out.set("traffic", json::array({target(true, 100, o.stable.revision)}));
    return out;
  }
  auto before_it = target(false, 100 - percent, o.stable.revision);
  before_it.set("tag", "prev");
  out.set("traffic", json::array({target(true, percent, o.canary.revision), before_it}));
  return out;
}

json::Value canary_statuses(const Observed& o) {
  json::Value out{json::Array{}};
  for (const auto& c : o.canaries) {
    const json::Value* before = nullptr;
    for (const auto& old : (*o.isvc)["status"]["canaryStatuses"].array())
      if (old["name"].str() == c.name) before = &old["modelStatus"];
    static const json::Value none;
    const bool ready = available(c.running.deployment.get());
    out.push(json::object(
        {{"name", c.name},
         {"ready", ready},
         {"trafficPercent", c.percent},
         {"modelStatus", model_status(model_input(c.running, before ? *before : none, ready))}}));
  }
  return out;
}

Condition canary_condition(const Observed& o) {
  std::vector<std::string> missing;
  for (const auto& c : o.canaries)
    if (!available(c.running.deployment.get())) missing.push_back(c.name);
  if (o.canary.deployment && !available(o.canary.deployment.get()))
    missing.push_back(name_of(*o.canary.deployment));
  if (missing.empty()) return {"CanaryPredictorReady", "True", "AllCanariesReady", "", "Info"};
  return {"CanaryPredictorReady", "False", "CanaryNotReady",
          str("not ready, gets no requests: ", join(missing, ", ")), "Info"};
}

Condition ingress_condition(const Observed& o, const Config& config) {
  if (o.routed) return routes_ready(o.routes);
  if (config.gateway_api)
    return {"IngressReady", "False", "Predictor Deployment NotReady",
            "Predictor HTTPRoute not created", ""};
  return {"IngressReady", "False", "Predictor ingress not created", "", ""};
}

bool all_observed(const Observed& o) {
  const auto seen = [](const Running& r) {
    return !r.deployment || (*r.deployment)["status"]["observedGeneration"].integer() >=
                                (*r.deployment)["metadata"]["generation"].integer(1);
  };
  return o.stable.deployment && seen(o.stable) && seen(o.canary);
}

}  // namespace

void running_status(const Observed& o, const Config& config, json::Value& status) {
  const auto& before = (*o.isvc)["status"];
  auto predictor = predictor_condition(o.stable.deployment.get());
  const auto ingress = ingress_condition(o, config);
  const bool ready = predictor.status == "True" && ingress.status == "True";
  const auto input = model_input(newest(o), before["modelStatus"], ready);
  auto model = model_status(input);
  apply_failure(o, model, predictor);

  Conditions conditions(before["conditions"], o.now);
  conditions.set(predictor);
  conditions.set(ingress);
  conditions.set({"Stopped", "False", "", "", "Info"});
  if (auto fetched = model_fetched(input, before["conditions"]); !fetched.type.empty())
    conditions.set(fetched);
  if (!o.canaries.empty() || o.canary.deployment) conditions.set(canary_condition(o));
  conditions.set(roll_up({&predictor, &ingress}));
  status.set("conditions", conditions.take());
  status.set("modelStatus", std::move(model));
  if (!o.canaries.empty()) status.set("canaryStatuses", canary_statuses(o));

  auto urls = route_urls(*o.isvc, config);
  const bool known = urls.ok() && o.routed;
  if (known) {
    status.set("url", urls->url);
    status.ref("address", "url") =
        service_url(*o.isvc, variant_name(*o.isvc, (*o.isvc)["spec"]["predictor"]), config);
  } else {
    for (const char* kept : {"url", "address"})
      if (before.has(kept)) status.set(kept, before[kept]);
  }
  status.ref("components", "predictor") = component_status(o, known ? &*urls : nullptr);
  if (all_observed(o))
    status.set("observedGeneration", (*o.isvc)["metadata"]["generation"]);
  else if (before.has("observedGeneration"))
    status.set("observedGeneration", before["observedGeneration"]);
}

}  // namespace proa::serving::standard
