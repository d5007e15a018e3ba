#include "platform/knative/routes/route.h"

#include <mutex>
#include <set>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/settings/config_watch.h"
#include "platform/knative/settings/live.h"

namespace proa::knative {
namespace {

constexpr std::string_view kManager = "route-controller";

// Which Routes refer to a Configuration or Revision; read by watch callbacks. Thread-safe.
class References {
 public:
  void set(const client::Key& route, std::set<std::string> targets) {
    std::lock_guard lock(mutex_);
    for (const auto& old : targets_[route]) routes_[{route.ns, old}].erase(route.name);
    for (const auto& target : targets) routes_[{route.ns, target}].insert(route.name);
    for (const auto& old : targets_[route])
      if (auto it = routes_.find({route.ns, old}); it != routes_.end() && it->second.empty())
        routes_.erase(it);
    if (targets.empty())
      targets_.erase(route);
    else
      targets_[route] = std::move(targets);
  }
  std::vector<client::Key> of(const client::Key& target) const {
    std::vector<client::Key> keys;
    std::lock_guard lock(mutex_);
    if (auto it = routes_.find(target); it != routes_.end())
      for (const auto& name : it->second) keys.push_back({target.ns, name});
    return keys;
  }

 private:
  mutable std::mutex mutex_;
  std::map<client::Key, std::set<std::string>> routes_, targets_;
};

class RouteReconciler {
 public:
  RouteReconciler(client::Client& client, Clock& clock, std::string domain)
      : client_(client),
        clock_(clock),
        domain_(std::move(domain)),
        applier_(client, std::string(kManager)) {}

  References& references() { return references_; }

  Result<client::Outcome> reconcile(const client::Key& key) {
    RouteSnapshot s;
    TRY(s.route, find(client_, api::kRoute, key.ns, key.name));
    if (!s.route || client::deleting(*s.route)) {
      references_.set(key, {});
      return client::Outcome{};
    }
    s.domain = settings_.domains.get(&client_)->of((*s.route)["metadata"]["labels"], domain_);
    s.network = *settings_.network.get(&client_);
    s.tag_headers = settings_.features.get(&client_)->tag_headers;
    TRY_STATUS(observe(s, key));
    RoutePlan plan = plan_route(s, clock_.wall());
    TRY_STATUS(label_revisions(s, plan.status["traffic"], key));
    TRY_STATUS(ensure_placeholders(s, plan, key));
    TRY_STATUS(write_status(client_, api::kRoute, *s.route, std::move(plan.status), kManager));
    return client::Outcome{plan.again};
  }

 private:
  Status observe(RouteSnapshot& s, const client::Key& key) {
    std::set<std::string> names;
    for (const auto& target : (*s.route)["spec"]["traffic"].array()) {
      if (const std::string& revision = target["revisionName"].str(); !revision.empty()) {
        names.insert(revision);
        TRY(s.revisions[revision], find(client_, api::kRevision, key.ns, revision));
      } else {
        const std::string configuration = target["configurationName"].str_or(key.name);
        names.insert(configuration);
        TRY(s.configurations[configuration],
            find(client_, api::kConfiguration, key.ns, configuration));
      }
    }
    TRY_STATUS(observe_left(s, key, names));
    references_.set(key, std::move(names));
    return {};
  }

  // Those that get requests now, and that a gradual rollout may be leaving.
  Status observe_left(RouteSnapshot& s, const client::Key& key, std::set<std::string>& names) {
    const json::Value& status = (*s.route)["status"];
    std::set<std::string> more;
    for (const auto& target : status["traffic"].array()) more.insert(target["revisionName"].str());
    for (const Shift& shift : parse_rollout(status["annotations"][kRolloutAnnotation].str()))
      for (const Share& share : shift.shares) more.insert(share.revision);
    for (const std::string& name : more)
      if (names.insert(name).second) {
        TRY(s.revisions[name], find(client_, api::kRevision, key.ns, name));
      }
    return {};
  }

  Status label_revisions(const RouteSnapshot& s, const json::Value& traffic,
                         const client::Key& key) {
    std::set<std::string> configurations;
    for (const auto& [name, object] : s.configurations)
      if (object) configurations.insert(name);
    for (const auto& [name, object] : s.revisions)
      if (object) configurations.insert((*object)["metadata"]["labels"][kConfigurationLabel].str());
    std::vector<Object> revisions;
    for (const auto& name : configurations) {
      TRY(auto some,
          client_.list(api::kRevision, {key.ns, str(kConfigurationLabel, "=", name), ""}));
      revisions.insert(revisions.end(), some.begin(), some.end());
    }
    for (const auto& [name, state] : routing_states(revisions, traffic)) {
      json::Value patch;
      patch.ref("metadata", "labels", kRoutingStateLabel) = state;
      patch.ref("metadata", "annotations", kRoutingModified) = rfc3339(clock_.wall());
      patch.ref("metadata", "annotations", kRoutesAnnotation) =
          state == "active" ? json::Value(key.name) : json::Value();
      auto done = client_.patch(api::kRevision, key.ns, name, std::move(patch));
      if (!done.ok() && done.error().code != Code::kNotFound)
        return std::move(done).error().with_context("label Revision " + name);
    }
    return {};
  }

  Status ensure_placeholders(const RouteSnapshot& s, const RoutePlan& plan,
                             const client::Key& key) {
    std::set<std::string> keep;
    for (const json::Value& service : plan.placeholders) {
      keep.insert(name_of(service));
      TRY(Object have, find(client_, api::kService, key.ns, name_of(service)));
      const json::Value* owner = have ? client::controller_of(*have) : nullptr;
      if (have && (!owner || (*owner)["uid"].str() != client::uid_of(*s.route)))
        return error(Code::kConflict, str("there is already a Service \"", name_of(service),
                                          "\" that is not this Route's"));
      TRY(have, applier_.ensure(api::kService, service, have));
    }
    if ((*s.route)["status"]["observedGeneration"].integer() == generation_of(*s.route)) return {};
    TRY(auto all, client_.list(api::kService, {key.ns, str(kRouteLabel, "=", key.name), ""}));
    for (const auto& service : all) {
      const json::Value* owner = client::controller_of(*service);
      if (keep.count(name_of(*service)) || !owner ||
          (*owner)["uid"].str() != client::uid_of(*s.route))
        continue;
      applier_.forget(api::kService, client::key_of(*service));
      Status done = client_.remove(api::kService, key.ns, name_of(*service));
      if (!done.ok() && done.error().code != Code::kNotFound) return done;
    }
    return {};
  }

  client::Client& client_;
  Clock& clock_;
  const std::string domain_;
  Applier applier_;
  References references_;
  LiveSettings settings_;
};

}  // namespace

client::ControllerSpec route_controller(client::Client& client, Clock& clock, std::string domain) {
  auto reconciler = std::make_shared<RouteReconciler>(client, clock, std::move(domain));
  auto referring = [reconciler](const client::Event& event) {
    return reconciler->references().of(client::key_of(*event.object));
  };
  client::ControllerSpec spec;
  spec.name = "route";
  auto config = std::make_shared<ConfigWatch>(
      std::vector<std::string>{"config-network", "config-domain", "config-features"});
  config->add_to(spec, api::kRoute);
  spec.watches.push_back({api::kConfiguration, referring, true});
  spec.watches.push_back({api::kRevision, referring, true});
  spec.watches.push_back({api::kService, client::owner(api::kRoute), true});
  spec.reconcile = [reconciler](const client::Key& key) { return reconciler->reconcile(key); };
  return spec;
}

}  // namespace proa::knative
