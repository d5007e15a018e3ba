#include "serving/controller.h"

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "serving/bootstrap.h"
#include "serving/children.h"
#include "serving/knative/plan.h"
#include "serving/knative/status.h"
#include "serving/relatives.h"
#include "serving/spec/support.h"
#include "serving/standard/routes.h"
#include "serving/standard_reconciler.h"
#include "serving/status/conditions.h"

namespace proa::serving {
namespace {

using client::Client;
using client::Key;
using client::Object;

constexpr const char* kManager = "inferenceservice-controller";
constexpr const char* kComponent = "v1beta1Controllers";  // KServe's name in events
constexpr const char* kFinalizer = "inferenceservice.finalizers";

class Reconciler {
 public:
  Reconciler(Client& client, Clock& clock)
      : client_(client),
        clock_(clock),
        relatives_(client),
        children_(client),
        standard_(client, children_, relatives_,
                  [this](const json::Value& isvc) { return choose(isvc); }) {}

  Result<client::Outcome> reconcile(const Key& key) {
    auto found = client_.get(api::kInferenceService, key.ns, key.name);
    if (!found.ok()) {
      if (found.error().code != Code::kNotFound) return std::move(found).error();
      children_.forget(key);
      return client::Outcome{};
    }
    Object isvc = *found;
    if (client::deleting(*isvc)) return finish(*isvc, key);
    TRY(isvc, with_finalizer(isvc));
    TRY(auto config, current_config(client_));
    TRY_STATUS(bring_about(*isvc, config));
    return client::Outcome{};
  }

  Relatives& relatives() { return relatives_; }

 private:
  Status bring_about(const json::Value& isvc, const Config& config) {
    const auto mode = deployment_mode(isvc, config);
    const std::string now = rfc3339(clock_.wall());
    std::optional<Refusal> refusal = unsupported(isvc, config);
    SelectedRuntime runtime;
    if (!refusal && isvc["spec"]["predictor"]["model"].is_object()) {
      TRY(auto choice, choose(isvc));
      if (auto* refused = std::get_if<Refusal>(&choice))
        refusal = *refused;
      else
        runtime = std::get<SelectedRuntime>(std::move(choice));
    }
    const auto* selected = runtime.object ? &runtime : nullptr;
    json::Value status;
    status.set("deploymentMode", mode);
    if (selected)
      status.set(selected->cluster ? "clusterServingRuntimeName" : "servingRuntimeName",
                 selected->name);
    if (isvc["metadata"]["annotations"][kStopAnnotation].str() == "true") {
      TRY_STATUS(remove_children(isvc));
      stopped_status(isvc, now, status);
      return write_status(isvc, std::move(status), refusal);
    }
    if (!refusal) {
      if (mode == "Standard") {
        standard::Observed o;
        o.isvc = &isvc;
        o.now = now;
        TRY_STATUS(standard_.bring_about(isvc, selected, config, o, refusal));
        if (!refusal) standard::running_status(o, config, status);
      } else {
        Observed o;
        o.isvc = &isvc;
        o.now = now;
        TRY(auto knative, make_knative(isvc, selected, config, o, refusal));
        o.knative = knative.get();
        if (!refusal) running_status(o, config, status);
      }
    }
    if (refusal) refused_status(isvc, *refusal, now, status);
    return write_status(isvc, std::move(status), refusal);
  }

  Result<RuntimeChoice> choose(const json::Value& isvc) {
    TRY(auto own, client_.list(api::kServingRuntime, {isvc["metadata"]["namespace"].str()}));
    TRY(auto cluster, client_.list(api::kClusterServingRuntime, {}));
    return select_runtime(isvc, own, cluster);
  }

  // Applies what is planned; null (with `refusal` set) if the spec cannot be planned.
  Result<Object> make_knative(const json::Value& isvc, const SelectedRuntime* runtime,
                              const Config& config, Observed& o, std::optional<Refusal>& refusal) {
    const auto& rolled_out =
        isvc["status"]["components"]["predictor"]["latestRolledoutRevision"].str();
    auto plan = plan_knative_service(isvc, runtime, rolled_out, config);
    // Before the service can be reached: templates that give no URL.
    auto urls = knative_urls(isvc, "", config);
    for (const Error* e :
         {plan.ok() ? nullptr : &plan.error(), urls.ok() ? nullptr : &urls.error()})
      if (e) {
        refusal = Refusal{"InvalidPredictorSpec", e->message, e->message};
        return Object{};
      }
    TRY(auto knative, children_.apply(isvc, api::kKnService, *std::move(plan)));
    TRY_STATUS(make_virtual_host(isvc, *knative, config, o));
    const auto& revision = (*knative)["status"]["latestCreatedRevisionName"].str();
    TRY(auto pods, relatives_.list(api::kPod, client::key_of(isvc)));
    for (auto& pod : pods)
      if (!revision.empty() &&
          (*pod)["metadata"]["labels"]["serving.knative.dev/revision"].str() == revision)
        o.pods.push_back(std::move(pod));
    return knative;
  }

  // The InferenceService's own name: made once the predictor is ready, and kept from then on.
  Status make_virtual_host(const json::Value& isvc, const json::Value& knative,
                           const Config& config, Observed& o) {
    const auto key = client::key_of(isvc);
    const bool ready = predictor_ready(&knative);
    if (config.no_virtual_host) {
      TRY_STATUS(children_.remove(isvc, api::kVirtualService, key.name));
      TRY_STATUS(children_.remove(isvc, api::kService, key.name));
      o.ingress_made = ready;
      return {};
    }
    TRY_STATUS(children_.apply(isvc, api::kService, plan_service(isvc, config)));
    auto live = client_.get(api::kVirtualService, key.ns, key.name);
    const auto& url = knative["status"]["url"].str();
    if (!ready && (url.empty() || !live.ok() || !children_.owns(isvc, **live))) return {};
    TRY(auto plan, plan_virtual_service(isvc, external_host(isvc, url, config), config));
    TRY_STATUS(children_.apply(isvc, api::kVirtualService, std::move(plan)));
    o.ingress_made = true;
    return {};
  }

  Status remove_children(const json::Value& isvc) {
    const auto key = client::key_of(isvc);
    TRY_STATUS(children_.remove(isvc, api::kVirtualService, key.name));
    TRY_STATUS(children_.remove(isvc, api::kKnService, predictor_name(isvc)));
    TRY_STATUS(children_.remove(isvc, api::kService, key.name));
    TRY_STATUS(standard_.remove_all(isvc));
    children_.forget(key);
    return {};
  }

  Result<Object> with_finalizer(const Object& isvc) {
    const auto& list = (*isvc)["metadata"]["finalizers"].array();
    for (const auto& f : list)
      if (f.str() == kFinalizer) return isvc;
    json::Array all = list;
    all.push_back(kFinalizer);
    return patch_finalizers(*isvc, std::move(all));
  }

  Result<client::Outcome> finish(const json::Value& isvc, const Key& key) {
    json::Array rest;
    for (const auto& f : isvc["metadata"]["finalizers"].array())
      if (f.str() != kFinalizer) rest.push_back(f);
    children_.forget(key);
    if (rest.size() == isvc["metadata"]["finalizers"].size()) return client::Outcome{};
    auto done = patch_finalizers(isvc, std::move(rest));
    if (!done.ok() && done.error().code != Code::kNotFound) return std::move(done).error();
    return client::Outcome{};
  }

  Result<Object> patch_finalizers(const json::Value& isvc, json::Array finalizers) {
    const auto key = client::key_of(isvc);
    json::Value change;
    change.ref("metadata", "finalizers") = std::move(finalizers);
    return client_.patch(api::kInferenceService, key.ns, key.name, std::move(change));
  }

  Status write_status(const json::Value& isvc, json::Value status,
                      const std::optional<Refusal>& refusal) {
    if (status == isvc["status"]) return {};
    const auto key = client::key_of(isvc);
    json::Value object =
        json::object({{"apiVersion", api::kInferenceService.api_version()},
                      {"kind", "InferenceService"},
                      {"metadata", json::object({{"name", key.name}, {"namespace", key.ns}})}});
    object.set("status", status);
    auto written = client_.apply(api::kInferenceService, std::move(object), {kManager, "status"});
    if (!written.ok()) {
      if (written.error().code == Code::kNotFound) return {};
      return std::move(written).error();
    }
    events(isvc, status, refusal);
    return {};
  }

  void events(const json::Value& isvc, const json::Value& status,
              const std::optional<Refusal>& refusal) {
    const auto& name = isvc["metadata"]["name"].str();
    json::Value after;
    after.set("status", status);
    const bool was = client::condition_is(isvc, "Ready", "True");
    const bool is = client::condition_is(after, "Ready", "True");
    if (!was && is) {
      log::info("serving", "InferenceService is ready",
                {{"name", str(client::key_of(isvc).ns, "/", name)}, {"url", status["url"].str()}});
      client::record_event(client_, isvc, kComponent, "Normal", "InferenceServiceReady",
                           str("InferenceService [", name, "] is Ready"));
    }
    if (was && !is)
      client::record_event(
          client_, isvc, kComponent, "Warning", "InferenceServiceNotReady",
          str("InferenceService [", name, "] is no longer Ready because of: ", not_ready(status)));
    const auto& before = isvc["status"]["modelStatus"]["lastFailureInfo"];
    const auto& now = status["modelStatus"]["lastFailureInfo"];
    if (!now.is_object() ||
        (now["reason"] == before["reason"] && now["message"] == before["message"]))
      return;
    if (refusal)
      client::record_event(client_, isvc, kComponent, "Warning", "InternalError", refusal->detail);
    else
      client::record_event(client_, isvc, kComponent, "Warning", now["reason"].str(),
                           now["message"].str());
  }

  static std::string not_ready(const json::Value& status) {
    std::vector<std::string> out;
    for (const auto& c : status["conditions"].array()) {
      const auto& type = c["type"].str();
      if (type == "Ready" || type == "Stopped" || c["status"].str() == "True") continue;
      if (c["severity"].str() != "Info") out.push_back(type);
    }
    return join(out, ", ");
  }

  Client& client_;
  Clock& clock_;
  Relatives relatives_;
  Children children_;
  StandardReconciler standard_;
};

// A pod concerns its InferenceService when its status changed, came or went.
std::vector<Key> pod_keys(const client::Event& event) {
  static const auto by_label = client::label(std::string(kIsvcLabel));
  if (event.type == client::Event::kModified && event.old &&
      (*event.old)["status"] == (*event.object)["status"] &&
      client::deleting(*event.old) == client::deleting(*event.object))
    return {};
  return by_label(event);
}

// All of them, in one namespace or everywhere: runtimes and the configuration concern any.
std::vector<Key> all_keys(Client& client, const std::string& ns) {
  std::vector<Key> out;
  auto list = client.list(api::kInferenceService, {ns});
  if (!list.ok()) return out;
  for (const auto& o : *list) out.push_back(client::key_of(*o));
  return out;
}

}  // namespace

Result<Config> current_config(const client::Client& client) {
  auto found = client.get(api::kConfigMap, kConfigNamespace, kConfigName);
  if (found.ok()) return parse_config(**found);
  return parse_config(config_map("example.com"));
}

client::ControllerSpec inference_service_controller(client::Client& client, Clock& clock) {
  auto reconciler = std::make_shared<Reconciler>(client, clock);
  client::ControllerSpec spec;
  spec.name = "inferenceservice";
  spec.watches = {{api::kInferenceService, client::self()},
                  {api::kKnService, client::owner(api::kInferenceService), true},
                  {api::kService, client::owner(api::kInferenceService), true},
                  {api::kVirtualService, client::owner(api::kInferenceService), true},
                  {api::kDeployment,
                   [reconciler](const client::Event& e) {
                     static const auto by_owner = client::owner(api::kInferenceService);
                     reconciler->relatives().note(e);
                     return by_owner(e);
                   },
                   true},
                  {api::kReplicaSet,
                   [reconciler](const client::Event& e) {
                     reconciler->relatives().note(e);
                     return std::vector<Key>{};  // the Deployment's status follows
                   }},
                  {standard::kIngressKind, client::owner(api::kInferenceService), true},
                  {standard::kHttpRouteKind, client::owner(api::kInferenceService), true},
                  {api::kPod,
                   [reconciler](const client::Event& e) {
                     reconciler->relatives().note(e);
                     return pod_keys(e);
                   },
                   true},
                  {api::kServingRuntime,
                   [&client](const client::Event& e) {
                     return all_keys(client, (*e.object)["metadata"]["namespace"].str());
                   }},
                  {api::kClusterServingRuntime,
                   [&client](const client::Event&) { return all_keys(client, ""); }},
                  {api::kConfigMap, [&client](const client::Event& e) {
                     const auto key = client::key_of(*e.object);
                     if (key.ns != kConfigNamespace || key.name != kConfigName)
                       return std::vector<Key>{};
                     return all_keys(client, "");
                   }}};
  spec.reconcile = [reconciler](const Key& key) { return reconciler->reconcile(key); };
  return spec;
}

}  // namespace proa::serving
