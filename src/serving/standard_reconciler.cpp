#include "serving/standard_reconciler.h"

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "serving/bootstrap.h"
#include "serving/spec/metadata.h"
#include "serving/standard/plan.h"
#include "serving/standard/routes.h"

namespace proa::serving {

using client::Object;

struct StandardReconciler::Work {
  const json::Value& isvc;
  const SelectedRuntime* runtime;
  const Config& config;
  standard::Observed& o;
  std::optional<Refusal>& refusal;
  std::string stable, canary;  // names
  std::set<std::string> kept = {};
  standard::Rollout rollout = {};
};

namespace {

Refusal invalid(const Error& error) {
  return {"InvalidPredictorSpec", error.message, error.message};
}

const client::Kind* autoscaler_kind(const json::Value& plan) {
  if (plan["kind"].str() == "PodAutoscaler") return &api::kPodAutoscaler;
  if (plan["kind"].str() == "HorizontalPodAutoscaler") return &api::kHorizontalPodAutoscaler;
  return nullptr;
}

int64_t revision_number(const json::Value& set) {
  return parse_int(set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].str())
      .value_or(0);
}

}  // namespace

Object StandardReconciler::live(const client::Kind& kind, const json::Value& isvc,
                                const std::string& name) const {
  auto found = client_.get(kind, namespace_of(isvc), name);
  if (!found.ok() || client::deleting(**found) || !children_.owns(isvc, **found)) return nullptr;
  return *found;
}

Status StandardReconciler::bring_about(const json::Value& isvc, const SelectedRuntime* runtime,
                                       const Config& config, standard::Observed& o,
                                       std::optional<Refusal>& refusal) {
  const auto& predictor = isvc["spec"]["predictor"];
  Work w{isvc, runtime, config, o, refusal, standard::variant_name(isvc, predictor), ""};
  w.canary = w.stable + "-canary";
  TRY_STATUS(make_variants(w));
  if (refusal) return {};
  TRY_STATUS(make_routes(w));
  if (refusal) return {};
  return clean_up(w);
}

Status StandardReconciler::make_variants(Work& w) {
  auto plan = standard::plan_variant({w.stable, w.isvc, w.runtime}, w.config);
  if (!plan.ok()) {
    w.refusal = invalid(plan.error());
    return {};
  }
  const auto stable = live(api::kDeployment, w.isvc, w.stable);
  const auto canary = live(api::kDeployment, w.isvc, w.canary);
  w.rollout = standard::decide_rollout({plan->fingerprint,
                                        w.isvc["spec"]["predictor"]["canaryTrafficPercent"],
                                        stable.get(), canary.get()});
  w.kept.insert(w.stable);
  TRY_STATUS(make(w, *plan, !w.rollout.hold));
  if (w.rollout.canary) TRY_STATUS(make_canary(w));
  if (w.rollout.promote) w.kept.insert(w.canary);
  for (const auto& canary : w.isvc["spec"]["canary"].array()) {
    TRY_STATUS(make_named(w, canary));
    if (w.refusal) return {};
  }
  TRY(w.o.stable, observe(w.isvc, w.stable));
  if (w.kept.contains(w.canary)) {
    TRY(w.o.canary, observe(w.isvc, w.canary));
  }
  w.o.held = w.rollout.hold;
  return {};
}

Status StandardReconciler::make_canary(Work& w) {
  TRY(auto plan, standard::plan_variant({w.canary, w.isvc, w.runtime}, w.config));
  w.kept.insert(w.canary);
  return make(w, plan, true);
}

Status StandardReconciler::make_named(Work& w, const json::Value& canary) {
  json::Value isvc = w.isvc;
  isvc.ref("spec").set("predictor", canary["predictor"]);
  SelectedRuntime runtime;
  if (canary["predictor"]["model"].is_object()) {
    TRY(auto choice, choose_(isvc));
    if (auto* refused = std::get_if<Refusal>(&choice)) {
      w.refusal = *refused;
      w.refusal->detail = str("canary ", canary["predictor"]["name"].str(), ": ", refused->detail);
      return {};
    }
    runtime = std::get<SelectedRuntime>(std::move(choice));
  }
  const auto name = standard::variant_name(w.isvc, canary["predictor"]);
  auto plan =
      standard::plan_variant({name, std::move(isvc), runtime.object ? &runtime : nullptr,
                              standard::canary_replicas(canary, w.isvc["spec"]["predictor"])},
                             w.config);
  if (!plan.ok()) {
    w.refusal = invalid(plan.error());
    return {};
  }
  w.kept.insert(name);
  TRY_STATUS(make(w, *plan, true));
  standard::NamedCanary seen{
      canary["predictor"]["name"].str(), canary["trafficPercent"].integer(), {}};
  TRY(seen.running, observe(w.isvc, name));
  w.o.canaries.push_back(std::move(seen));
  return {};
}

Status StandardReconciler::make(Work& w, const standard::VariantPlan& plan, bool with_deployment) {
  const auto& name = plan.deployment["metadata"]["name"].str();
  const auto* wanted = autoscaler_kind(plan.autoscaler);
  if (with_deployment) TRY_STATUS(children_.apply(w.isvc, api::kDeployment, plan.deployment));
  // A Service cannot become headless, or cease to be.
  const auto service = live(api::kService, w.isvc, name);
  if (service &&
      ((*service)["spec"]["clusterIP"].str() == "None") != plan.service["spec"].has("clusterIP"))
    TRY_STATUS(children_.remove(w.isvc, api::kService, name));
  TRY_STATUS(children_.apply(w.isvc, api::kService, plan.service));
  for (const auto* kind : {&api::kHorizontalPodAutoscaler, &api::kPodAutoscaler})
    if (!wanted || !(*kind == *wanted)) TRY_STATUS(children_.remove(w.isvc, *kind, name));
  if (!wanted) return {};
  TRY_STATUS(children_.apply(w.isvc, *wanted, plan.autoscaler));
  // A HorizontalPodAutoscaler rests at zero, which a PodAutoscaler may have left behind.
  const auto deployment = live(api::kDeployment, w.isvc, name);
  const auto& replicas = deployment ? (*deployment)["spec"]["replicas"] : json::Value();
  if (*wanted == api::kHorizontalPodAutoscaler && replicas.is_int() && replicas.integer() == 0) {
    json::Value change;
    change.ref("spec", "replicas") = plan.autoscaler["spec"]["minReplicas"];
    TRY_STATUS(client_.patch(api::kDeployment, namespace_of(w.isvc), name, std::move(change)));
  }
  return {};
}

std::vector<standard::Candidate> StandardReconciler::candidates(const Work& w) const {
  const auto& o = w.o;
  std::vector<standard::Candidate> out;
  if (o.canary.deployment) {
    int64_t wanted = w.isvc["spec"]["predictor"]["canaryTrafficPercent"].integer();
    if (w.rollout.promote) {  // it keeps the part it had until the stable one is through
      wanted = 0;
      for (const auto& t : w.isvc["status"]["components"]["predictor"]["traffic"].array())
        if (t["latestRevision"].boolean()) wanted = t["percent"].integer();
    }
    out.push_back({w.canary, wanted, standard::available(o.canary.deployment.get())});
  }
  for (const auto& c : o.canaries)
    out.push_back({standard::variant_name(w.isvc, json::object({{"name", c.name}})), c.percent,
                   standard::available(c.running.deployment.get())});
  return out;
}

// The variant of before, when the predictor was given another name: it serves until the new one
// can.
Result<std::string> StandardReconciler::predecessor(const Work& w) const {
  TRY(auto all, relatives_.list(api::kDeployment, client::key_of(w.isvc)));
  for (const auto& d : all)
    if (!w.kept.contains(name_of(*d)) && children_.owns(w.isvc, *d) && standard::available(d.get()))
      return name_of(*d);
  return std::string();
}

Status StandardReconciler::make_routes(Work& w) {
  const bool ready = standard::available(w.o.stable.deployment.get());
  const auto all = candidates(w);
  std::string fallback;
  if (!ready) {
    TRY(fallback, predecessor(w));
    if (!fallback.empty()) w.kept.insert(fallback);
  }
  w.o.shares = standard::shares(w.stable, ready, all, fallback);
  auto routes = standard::plan_routes(w.isvc, w.o.shares, w.config);
  if (!routes.ok()) {
    w.refusal = invalid(routes.error());
    return {};
  }
  bool any = ready || !fallback.empty();
  for (const auto& c : all) any |= c.ready;
  for (const auto& [kind, name] : standard::route_names(w.isvc))
    any |= live(kind, w.isvc, name) != nullptr;
  if (!any) return {};
  if (w.config.gateway_api && w.config.gateway == Config().gateway)
    TRY_STATUS(ensure_ingress_gateway(client_));
  std::set<std::pair<std::string_view, std::string>> planned;
  for (auto& route : *routes) {
    planned.insert({route.kind.plural, name_of(route.object)});
    TRY(auto made, children_.apply(w.isvc, route.kind, std::move(route.object)));
    w.o.routes.push_back(std::move(made));
  }
  for (const auto& [kind, name] : standard::route_names(w.isvc))
    if (!planned.contains({kind.plural, name})) TRY_STATUS(children_.remove(w.isvc, kind, name));
  w.o.routed = true;
  return {};
}

Status StandardReconciler::clean_up(Work& w) {
  TRY(auto all, relatives_.list(api::kDeployment, client::key_of(w.isvc)));
  for (const auto& d : all)
    if (!w.kept.contains(name_of(*d)) && children_.owns(w.isvc, *d))
      TRY_STATUS(remove_variant(w.isvc, name_of(*d)));
  return {};
}

Status StandardReconciler::remove_variant(const json::Value& isvc, const std::string& name) {
  for (const auto* kind :
       {&api::kHorizontalPodAutoscaler, &api::kPodAutoscaler, &api::kDeployment, &api::kService})
    TRY_STATUS(children_.remove(isvc, *kind, name));
  return {};
}

Status StandardReconciler::remove_all(const json::Value& isvc) {
  for (const auto& [kind, name] : standard::route_names(isvc))
    TRY_STATUS(children_.remove(isvc, kind, name));
  TRY(auto all,
      client_.list(api::kDeployment, {namespace_of(isvc), str(kIsvcLabel, "=", name_of(isvc))}));
  for (const auto& d : all)
    if (children_.owns(isvc, *d)) TRY_STATUS(remove_variant(isvc, name_of(*d)));
  return remove_variant(isvc, standard::variant_name(isvc, isvc["spec"]["predictor"]));
}

Result<standard::Running> StandardReconciler::observe(const json::Value& isvc,
                                                      const std::string& name) {
  standard::Running out;
  out.deployment = live(api::kDeployment, isvc, name);
  if (!out.deployment) return out;
  const auto key = client::key_of(isvc);
  TRY(auto sets, relatives_.list(api::kReplicaSet, key));
  Object newest;
  for (const auto& set : sets) {
    const auto* controller = client::controller_of(*set);
    if (!controller || (*controller)["uid"].str() != client::uid_of(*out.deployment)) continue;
    if (!newest || revision_number(*set) > revision_number(*newest)) newest = set;
  }
  if (!newest) return out;
  out.revision = name_of(*newest);
  const auto& hash = (*newest)["metadata"]["labels"]["pod-template-hash"].str();
  TRY(auto pods, relatives_.list(api::kPod, key));
  for (const auto& pod : pods) {
    const auto& labels = (*pod)["metadata"]["labels"];
    if (labels["app"].str() == "isvc." + name && labels["pod-template-hash"].str() == hash)
      out.pods.push_back(pod);
  }
  return out;
}

}  // namespace proa::serving
