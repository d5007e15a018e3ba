#include "platform/knative/service.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/knative/objects/names.h"

namespace proa::knative {
namespace {

constexpr std::string_view kManager = "service-controller";

json::Value child(const client::Kind& kind, const json::Value& service) {
  json::Value v = shell_of(kind, namespace_of(service), name_of(service));
  json::Value& meta = v.ref("metadata");
  for (const auto& [key, value] : service["metadata"]["labels"].object())
    meta.ref("labels", key) = value;
  meta.ref("labels", kServiceLabel) = name_of(service);
  meta.ref("labels", kServiceUidLabel) = client::uid_of(service);
  for (const auto& [key, value] : service["metadata"]["annotations"].object())
    if (key != kLastApplied) meta.ref("annotations", key) = value;
  meta.set("ownerReferences", json::array({client::owner_reference(service)}));
  return v;
}

bool owned(const Object& child, const json::Value& service) {
  const json::Value* owner = child ? client::controller_of(*child) : nullptr;
  return !child || (owner && (*owner)["uid"].str() == client::uid_of(service));
}

client::Condition part(const json::Value& service, const Object& object, const char* type,
                       const char* kind) {
  if (!object) return {type, "Unknown", "", "", ""};
  if (!owned(object, service))
    return {type, "False", "NotOwned",
            str("There is an existing ", kind, " \"", name_of(*object), "\" that we do not own."),
            ""};
  if ((*object)["status"]["observedGeneration"].integer() != generation_of(*object))
    return {type, "Unknown", "OutOfDate",
            str("The ", kind, " is still working to reflect the latest desired specification."),
            ""};
  client::Condition c = read_condition(*object, "Ready");
  return {type, c.status, c.reason, c.message, ""};
}

// All routes are ready, but do they lead to what was last created?
bool migrated(const json::Value& route, const json::Value& configuration) {
  const std::string& ready = configuration["status"]["latestReadyRevisionName"].str();
  for (const auto& target : route["status"]["traffic"].array())
    if (target["latestRevision"].boolean() && target["revisionName"].str() != ready) return false;
  return true;
}

class ServiceReconciler {
 public:
  ServiceReconciler(client::Client& client, Clock& clock)
      : client_(client), clock_(clock), applier_(client, std::string(kManager)) {}

  Result<client::Outcome> reconcile(const client::Key& key) {
    TRY(Object service, find(client_, api::kKnService, key.ns, key.name));
    if (!service || client::deleting(*service)) {
      applier_.forget(api::kConfiguration, key);
      applier_.forget(api::kRoute, key);
      return client::Outcome{};
    }
    TRY(const bool taken, name_taken(*service));
    TRY(Object configuration, find(client_, api::kConfiguration, key.ns, key.name));
    if (!taken) {
      TRY(configuration, ensure(api::kConfiguration, *service, service_configuration(*service)));
    }
    TRY(Object route, ensure(api::kRoute, *service, service_route(*service)));
    json::Value status = service_status(*service, configuration, route, clock_.wall());
    if (taken) say_taken(*service, status);
    TRY_STATUS(write_status(client_, api::kKnService, *service, std::move(status), kManager));
    return client::Outcome{};
  }

 private:
  // The user's own name for the next revision belongs to another one already.
  Result<bool> name_taken(const json::Value& service) {
    const json::Value& pods = service["spec"]["template"];
    const std::string& name = pods["metadata"]["name"].str();
    if (name.empty()) return false;
    TRY(Object revision, find(client_, api::kRevision, namespace_of(service), name));
    if (!revision) return false;
    if ((*revision)["metadata"]["labels"][kServiceUidLabel].str() != client::uid_of(service))
      return true;
    return (*revision)["spec"]["containers"] != pods["spec"]["containers"];
  }

  void say_taken(const json::Value& service, json::Value& status) {
    const std::string at = rfc3339(clock_.wall());
    json::Value conditions = status["conditions"];
    client::set_condition(
        conditions,
        {"ConfigurationsReady", "False", "RevisionNameTaken",
         str("The revision name \"", service["spec"]["template"]["metadata"]["name"].str(),
             "\" is taken by a conflicting Revision, so traffic will not be "
             "migrated"),
         ""},
        at);
    client::set_condition(conditions, happy(conditions, {"ConfigurationsReady", "RoutesReady"}),
                          at);
    status.set("conditions", std::move(conditions));
  }

  Result<Object> ensure(const client::Kind& kind, const json::Value& service, json::Value fields) {
    TRY(Object have, find(client_, kind, namespace_of(service), name_of(service)));
    if (!owned(have, service)) return have;  // the status says so
    bool created = false;
    auto made = applier_.ensure(kind, std::move(fields), have, &created);
    if (made.ok() && created)
      client::record_event(client_, service, kManager, "Normal", "Created",
                           str("Created ", kind.kind, " \"", name_of(service), "\""));
    return made;
  }

  client::Client& client_;
  Clock& clock_;
  Applier applier_;
};

}  // namespace

json::Value service_configuration(const json::Value& service) {
  json::Value c = child(api::kConfiguration, service);
  c.ref("spec", "template") = service["spec"]["template"];
  return c;
}

json::Value service_route(const json::Value& service) {
  json::Value r = child(api::kRoute, service);
  json::Value traffic = service["spec"]["traffic"];
  if (traffic.size() == 0)
    traffic = json::array({json::object({{"latestRevision", true}, {"percent", 100}})});
  for (auto& target : traffic.make_array())
    if (target["revisionName"].str().empty()) {
      target.set("latestRevision", true);
      target.set("configurationName", name_of(service));
    }
  r.ref("spec", "traffic") = std::move(traffic);
  return r;
}

json::Value service_status(const json::Value& service, const Object& configuration,
                           const Object& route, WallTime now) {
  const std::string at = rfc3339(now);
  json::Value status;
  status.set("observedGeneration", generation_of(service));
  client::Condition configurations =
      part(service, configuration, "ConfigurationsReady", "Configuration");
  client::Condition routes = part(service, route, "RoutesReady", "Route");
  if (configuration && route && configurations.status == "True" && routes.status == "True" &&
      !migrated(*route, *configuration))
    routes = {"RoutesReady", "Unknown", "TrafficNotMigrated",
              "Traffic is not yet migrated to the latest revision.", ""};
  json::Value conditions = service["status"]["conditions"];
  client::set_condition(conditions, configurations, at);
  client::set_condition(conditions, routes, at);
  client::set_condition(conditions, happy(conditions, {"ConfigurationsReady", "RoutesReady"}), at);
  status.set("conditions", std::move(conditions));
  if (configuration && owned(configuration, service))
    for (const char* key : {"latestCreatedRevisionName", "latestReadyRevisionName"})
      if ((*configuration)["status"].has(key)) status.set(key, (*configuration)["status"][key]);
  if (route && owned(route, service))
    for (const char* key : {"url", "address", "traffic"})
      if ((*route)["status"].has(key)) status.set(key, (*route)["status"][key]);
  return status;
}

client::ControllerSpec service_controller(client::Client& client, Clock& clock) {
  auto reconciler = std::make_shared<ServiceReconciler>(client, clock);
  client::ControllerSpec spec;
  spec.name = "knative-service";
  spec.watches.push_back({api::kKnService, client::self()});
  spec.watches.push_back({api::kConfiguration, client::owner(api::kKnService), true});
  spec.watches.push_back({api::kRoute, client::owner(api::kKnService), true});
  spec.reconcile = [reconciler](const client::Key& key) { return reconciler->reconcile(key); };
  return spec;
}

}  // namespace proa::knative
