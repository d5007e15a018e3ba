#include "serving/knative/status.h"

#include "foundation/base/strings.h"
#include "serving/knative/plan.h"
#include "serving/status/conditions.h"
#include "serving/status/model_status.h"

namespace proa::serving {
namespace {

using client::Condition;

Condition from(const json::Value* knative, const char* knative_type, const char* type,
               const char* severity) {
  Condition c{type, "Unknown", "", "", severity};
  if (!knative) return c;
  const auto& k = client::condition(*knative, knative_type);
  if (k.is_null()) return c;
  c.status = k["status"].str();
  c.reason = k["reason"].str();
  c.message = k["message"].str();
  return c;
}

Condition group(const char* type, const Condition& part) {
  Condition c = part;
  c.type = type;
  if (c.status != "True" && c.reason.empty()) c.reason = part.type + " not ready";
  return c;
}

bool observed(const json::Value& knative) {
  return knative["status"]["observedGeneration"].integer() ==
         knative["metadata"]["generation"].integer(1);
}

// A model that cannot be loaded says so at once, before Knative's deadline passes. A revision that
// fails while another serves says both.
void apply_failure(const json::Value& model, const json::Value& component, Condition& predictor) {
  const auto& failure = model["lastFailureInfo"];
  if (predictor.status == "True" || !failure.is_object()) return;
  if (model["states"]["targetModelState"].str() != "FailedToLoad") return;
  predictor.status = "False";
  predictor.reason = failure["reason"].str();
  predictor.message =
      failure_line(component["latestCreatedRevision"].str(), failure["message"].str(),
                   component["latestReadyRevision"].str());
}

ModelInput model_input(const Observed& o, const json::Value& component, bool ready) {
  ModelInput in;
  in.before = &(*o.isvc)["status"]["modelStatus"];
  in.pods = o.pods;
  in.revision = component["latestCreatedRevision"].str();
  in.ready = ready;
  in.newest_serves = !in.revision.empty() && in.revision == component["latestReadyRevision"].str();
  if (o.knative)
    for (const auto& c : (*o.knative)["status"]["conditions"].array())
      in.knative_failed |= c["status"].str() == "False";
  return in;
}

void addresses(const Observed& o, const json::Value& component, const Config& config,
               json::Value& status) {
  auto urls = knative_urls(*o.isvc, component["url"].str(), config);
  if (!urls.ok()) return;  // the plan said so
  status.ref("address", "url") = urls->address;
  status.set("url", urls->url);
}

}  // namespace

void running_status(const Observed& o, const Config& config, json::Value& status) {
  const auto& before = (*o.isvc)["status"];
  static const json::Value none;
  const json::Value& knative_status = o.knative ? (*o.knative)["status"] : none;
  auto component = predictor_component(before["components"]["predictor"], knative_status);

  auto predictor = from(o.knative, "Ready", "PredictorReady", "");
  auto configuration =
      from(o.knative, "ConfigurationsReady", "PredictorConfigurationReady", "Info");
  auto route = from(o.knative, "RoutesReady", "PredictorRouteReady", "Info");
  if (predictor.status == "True" && !predictor_ready(o.knative)) predictor.status = "Unknown";
  Condition ingress{"IngressReady", "True", "", "", ""};
  if (!o.ingress_made)
    ingress = {"IngressReady", predictor.status == "False" ? "False" : "Unknown",
               "Predictor ingress not created", "", ""};

  const bool ready = predictor.status == "True" && ingress.status == "True";
  const auto input = model_input(o, component, ready);
  auto model = model_status(input);
  apply_failure(model, component, predictor);

  Conditions conditions(before["conditions"], o.now);
  conditions.set(group("LatestDeploymentReady", configuration));
  conditions.set(group("RoutesReady", route));
  if (knative_status["conditions"].size() > 0) {
    conditions.set(configuration);
    conditions.set(route);
  }
  conditions.set(predictor);
  conditions.set(ingress);
  conditions.set({"Stopped", "False", "", "", "Info"});
  if (auto fetched = model_fetched(input, before["conditions"]); !fetched.type.empty())
    conditions.set(fetched);
  conditions.set(roll_up({&predictor, &ingress}));
  status.set("conditions", conditions.take());

  status.set("modelStatus", std::move(model));
  if (ready)
    addresses(o, component, config, status);
  else
    for (const char* kept : {"url", "address"})
      if (before.has(kept)) status.set(kept, before[kept]);
  status.ref("components", "predictor") = std::move(component);
  if (o.knative && observed(*o.knative))
    status.set("observedGeneration", (*o.isvc)["metadata"]["generation"]);
  else if (before.has("observedGeneration"))
    status.set("observedGeneration", before["observedGeneration"]);
}

bool predictor_ready(const json::Value* knative) {
  return knative && observed(*knative) && client::condition_is(*knative, "Ready", "True");
}

json::Value predictor_component(const json::Value& before, const json::Value& knative_status) {
  json::Value out = before.is_object() ? before : json::Value(json::Object{});
  const auto copy = [&](const char* to, const json::Value& v) {
    if (v.is_null() || v.str().empty())
      out.erase(to);
    else
      out.set(to, v);
  };
  const std::string latest = knative_status["latestReadyRevisionName"].str();
  const std::string created = knative_status["latestCreatedRevisionName"].str();
  copy("latestReadyRevision", knative_status["latestReadyRevisionName"]);
  copy("latestCreatedRevision", knative_status["latestCreatedRevisionName"]);
  copy("url", knative_status["url"]);
  if (knative_status["address"].is_object())
    out.set("address", knative_status["address"]);
  else
    out.erase("address");
  const auto& traffic = knative_status["traffic"];
  if (traffic.size() > 0)
    out.set("traffic", traffic);
  else
    out.erase("traffic");

  const std::string rolled = out["latestRolledoutRevision"].str();
  const std::string previous = out["previousRolledoutRevision"].str();
  int64_t of_latest = 0;
  for (const auto& t : traffic.array())
    if (t["revisionName"].str() == latest) of_latest += t["percent"].integer();
  for (const auto& t : traffic.array()) {
    if (latest.empty() || t["revisionName"].str() != latest || !t["latestRevision"].boolean())
      continue;
    const auto percent = t["percent"].integer();
    if (rolled != latest && percent == 100) {  // the newest now has it all
      if (!rolled.empty()) out.set("previousRolledoutRevision", rolled);
      out.set("latestRolledoutRevision", latest);
    } else if (rolled == latest && latest == created && percent < 100 && of_latest == 100 &&
               !previous.empty()) {  // was rolled out, is a canary again: back to the one before
      out.set("latestRolledoutRevision", previous);
    }
  }
  return out;
}

}  // namespace proa::serving
