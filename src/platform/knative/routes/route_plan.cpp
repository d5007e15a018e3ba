#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/routes/route.h"

namespace proa::knative {
namespace {

constexpr const char* kLocalGateway = "knative-local-gateway.istio-system.svc.cluster.local";

bool cluster_local(const json::Value& route) {
  return route["metadata"]["labels"][kVisibilityLabel].str() == "cluster-local";
}

std::string url_of(const RouteSnapshot& s, std::string_view tag) {
  const json::Value& route = *s.route;
  const std::string host = tag.empty() ? name_of(route) : str(tag, "-", name_of(route));
  if (cluster_local(route))
    return str("http://", host, ".", namespace_of(route), ".svc.cluster.local");
  return str("http://", host, ".", namespace_of(route), ".", s.domain);
}

struct Resolved {
  json::Value traffic = json::Array();
  client::Condition assigned{"AllTrafficAssigned", "True", "", "", ""};

  // The first trouble is told; a missing thing weighs more than one that is on its way.
  void trouble(const char* status, std::string reason, std::string message) {
    if (assigned.status == "False" || assigned.status == status) return;
    assigned = {"AllTrafficAssigned", status, std::move(reason), std::move(message), ""};
  }
};

template <typename Map>
Object lookup(const Map& map, const std::string& name) {
  auto it = map.find(name);
  return it == map.end() ? nullptr : it->second;
}

std::string resolve_latest(const RouteSnapshot& s, const std::string& name, Resolved& out) {
  const Object configuration = lookup(s.configurations, name);
  if (!configuration) {
    out.trouble("False", "ConfigurationMissing",
                str("Configuration \"", name, "\" referenced in traffic not found."));
    return "";
  }
  const std::string& ready = (*configuration)["status"]["latestReadyRevisionName"].str();
  if (!ready.empty()) return ready;
  if (client::condition_is(*configuration, "Ready", "False"))
    out.trouble("False", "RevisionMissing",
                str("Configuration \"", name, "\" does not have any ready Revision."));
  else
    out.trouble("Unknown", "RevisionMissing",
                str("Configuration \"", name, "\" is waiting for a Revision to become ready."));
  return "";
}

std::string resolve_revision(const RouteSnapshot& s, const std::string& name, Resolved& out) {
  const Object revision = lookup(s.revisions, name);
  const std::string& service = (*s.route)["metadata"]["labels"][kServiceLabel].str();
  if (!revision) {
    out.trouble("False", "RevisionMissing",
                str("Revision \"", name, "\" referenced in traffic not found."));
  } else if (!service.empty() &&
             (*revision)["metadata"]["labels"][kServiceLabel].str() != service) {
    out.trouble("False", "RevisionNotOwned",
                str("Revision \"", name, "\" is not owned by Service \"", service, "\"."));
  } else if (client::condition_is(*revision, "Ready", "True")) {
    return name;
  } else if (client::condition_is(*revision, "Ready", "False")) {
    out.trouble("False", "RevisionMissing", str("Revision \"", name, "\" failed to become ready."));
  } else {
    out.trouble("Unknown", "RevisionMissing", str("Revision \"", name, "\" is not yet ready."));
  }
  return "";
}

Resolved resolve(const RouteSnapshot& s) {
  Resolved out;
  for (const auto& target : (*s.route)["spec"]["traffic"].array()) {
    const std::string& named = target["revisionName"].str();
    const std::string configuration = target["configurationName"].str_or(name_of(*s.route));
    const std::string revision =
        named.empty() ? resolve_latest(s, configuration, out) : resolve_revision(s, named, out);
    if (revision.empty()) continue;
    json::Value t = json::object({{"revisionName", revision}, {"latestRevision", named.empty()}});
    if (target.has("percent")) t.set("percent", target["percent"]);
    if (const std::string& tag = target["tag"].str(); !tag.empty()) {
      t.set("tag", tag);
      t.set("url", url_of(s, tag));
    }
    out.traffic.push(std::move(t));
  }
  return out;
}

json::Value placeholder(const json::Value& route, std::string_view tag) {
  json::Value svc =
      shell_of(api::kService, namespace_of(route),
               tag.empty() ? name_of(route) : child_name(str(tag, "-"), name_of(route)));
  json::Value& meta = svc.ref("metadata");
  for (const auto& [key, value] : route["metadata"]["labels"].object())
    meta.ref("labels", key) = value;
  meta.ref("labels", kRouteLabel) = name_of(route);
  if (!tag.empty()) meta.ref("labels", "serving.knative.dev/tag") = tag;
  meta.set("ownerReferences", json::array({client::owner_reference(route)}));
  json::Value& spec = svc.ref("spec");
  spec.set("type", "ExternalName");
  spec.set("externalName", kLocalGateway);
  spec.set("sessionAffinity", "None");
  spec.set("ports",
           json::array({json::object(
               {{"name", "http2"}, {"port", 80}, {"protocol", "TCP"}, {"targetPort", 80}})}));
  return svc;
}

}  // namespace

RoutePlan plan_route(const RouteSnapshot& s, WallTime now) {
  const json::Value& route = *s.route;
  const std::string at = rfc3339(now);
  Resolved resolved = resolve(s);
  const bool assigned = resolved.assigned.status == "True";
  RoutePlan plan;
  json::Value& status = plan.status;
  status.set("observedGeneration", generation_of(route));
  status.set("url", url_of(s, ""));
  status.ref("address", "url") =
      str("http://", name_of(route), ".", namespace_of(route), ".svc.cluster.local");
  // Requests go on as before until all of the new traffic can be served.
  status.set("traffic", assigned ? std::move(resolved.traffic) : route["status"]["traffic"]);
  if (!status["traffic"].is_array()) status.erase("traffic");
  json::Value conditions = route["status"]["conditions"];
  client::set_condition(conditions, resolved.assigned, at);
  client::set_condition(
      conditions, {"CertificateProvisioned", "True", "TLSNotEnabled", "autoTLS is not enabled", ""},
      at);
  const bool before = client::condition_is(route, "IngressReady", "True");
  client::set_condition(conditions,
                        {"IngressReady", assigned || before ? "True" : "Unknown",
                         assigned || before ? "" : "IngressNotConfigured",
                         assigned || before ? "" : "Ingress has not yet been reconciled.", ""},
                        at);
  client::set_condition(
      conditions,
      happy(conditions, {"AllTrafficAssigned", "CertificateProvisioned", "IngressReady"}), at);
  status.set("conditions", std::move(conditions));
  plan.placeholders.push_back(placeholder(route, ""));
  for (const auto& target : route["spec"]["traffic"].array())
    if (const std::string& tag = target["tag"].str(); !tag.empty())
      plan.placeholders.push_back(placeholder(route, tag));
  return plan;
}

std::map<std::string, std::string> routing_states(const std::vector<Object>& revisions,
                                                  const json::Value& traffic) {
  std::set<std::string> routed;
  int64_t newest = 0;
  for (const auto& target : traffic.array()) routed.insert(target["revisionName"].str());
  for (const auto& r : revisions)
    if (routed.count(name_of(*r))) newest = std::max(newest, generation_label(*r));
  std::map<std::string, std::string> changes;
  for (const auto& r : revisions) {
    const std::string& state = (*r)["metadata"]["labels"][kRoutingStateLabel].str();
    // A revision newer than all that are routed to may still get there: it stays pending.
    std::string want = state;
    if (routed.count(name_of(*r)))
      want = "active";
    else if (state == "active" || generation_label(*r) < newest)
      want = "reserve";
    if (want != state) changes[name_of(*r)] = want;
  }
  return changes;
}

}  // namespace proa::knative
