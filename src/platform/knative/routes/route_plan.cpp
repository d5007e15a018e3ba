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

constexpr const char* kTagHeadersAnnotation = "serving.knative.dev/tag-header-based-routing";
constexpr std::string_view kLocalDomain = "svc.cluster.local";

std::string host_of(const RouteSnapshot& s, std::string_view tag) {
  const json::Value& route = *s.route;
  const json::Value &labels = route["metadata"]["labels"],
                    &notes = route["metadata"]["annotations"];
  std::string name = name_of(route);
  if (!tag.empty())
    name = fill_template(s.network.tag_template, {{"Name", name}, {"Tag", std::string(tag)}},
                         labels, notes)
               .value_or(str(tag, "-", name));
  if (cluster_local(route) || s.domain == kLocalDomain)
    return str(name, ".", namespace_of(route), ".", kLocalDomain);
  const TemplateValues values{
      {"Name", name}, {"Namespace", namespace_of(route)}, {"Domain", s.domain}};
  return fill_template(s.network.domain_template, values, labels, notes)
      .value_or(str(name, ".", namespace_of(route), ".", s.domain));
}

std::string url_of(const RouteSnapshot& s, std::string_view tag) {
  const std::string host = host_of(s, tag);
  return str(host.ends_with(kLocalDomain) ? "http" : s.network.scheme, "://", host);
}

struct Resolved {
  json::Value traffic = json::Array();
  std::vector<Shift> shifts;  // one for each target that follows a Configuration
  bool moving = false;
  std::optional<Duration> again;
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

bool serves(const RouteSnapshot& s, const std::string& name) {
  const Object revision = lookup(s.revisions, name);
  return revision && !client::deleting(*revision) &&
         !client::condition_is(*revision, "Ready", "False");
}

// Where the requests of a target that follows a Configuration go now, on their way to `newest`.
Shift shift_of(const RouteSnapshot& s, const json::Value& target, const std::string& newest,
               const std::vector<Shift>& before, WallTime now, Resolved& out) {
  Shift goal{target["configurationName"].str_or(name_of(*s.route)),
             target["tag"].str(),
             target["percent"].integer(),
             {},
             {}};
  goal.shares = {{newest, goal.percent}};
  Shift last;
  for (const Shift& b : before)
    if (b.configuration == goal.configuration && b.tag == goal.tag) last = b;
  for (const auto& t : (*s.route)["status"]["traffic"].array())
    if (before.empty() && t["latestRevision"].boolean() && t["tag"].str() == goal.tag)
      last.shares = {{t["revisionName"].str(), t["percent"].integer()}};
  // A revision that is gone cannot be left gradually.
  std::erase_if(last.shares,
                [&](const Share& x) { return x.revision != newest && !serves(s, x.revision); });
  return advance(last.shares.empty() ? nullptr : &last, goal, rollout_duration(*s.route, s.network),
                 now, &out.again);
}

void add_target(const RouteSnapshot& s, const json::Value& target, const Share& share, bool latest,
                bool last, Resolved& out) {
  json::Value t =
      json::object({{"revisionName", share.revision}, {"latestRevision", latest && last}});
  if (target.has("percent")) t.set("percent", share.percent);
  const std::string& tag = target["tag"].str();
  if (!tag.empty() && last) {  // a tag's own URL leads to the newest from the start
    t.set("tag", tag);
    t.set("url", url_of(s, tag));
  }
  out.traffic.push(std::move(t));
}

Resolved resolve(const RouteSnapshot& s, WallTime now) {
  Resolved out;
  const auto before = parse_rollout((*s.route)["status"]["annotations"][kRolloutAnnotation].str());
  for (const auto& target : (*s.route)["spec"]["traffic"].array()) {
    const std::string& named = target["revisionName"].str();
    const std::string configuration = target["configurationName"].str_or(name_of(*s.route));
    const std::string revision =
        named.empty() ? resolve_latest(s, configuration, out) : resolve_revision(s, named, out);
    if (revision.empty()) continue;
    if (!named.empty()) {
      add_target(s, target, {revision, target["percent"].integer()}, false, true, out);
      continue;
    }
    Shift shift = shift_of(s, target, revision, before, now, out);
    for (size_t i = 0; i < shift.shares.size(); ++i)
      add_target(s, target, shift.shares[i], true, i + 1 == shift.shares.size(), out);
    out.moving |= shift.since.has_value();
    out.shifts.push_back(std::move(shift));
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

Duration rollout_duration(const json::Value& route, const Network& network) {
  for (const char* key : {"rollout-duration", "rolloutDuration"})
    if (auto d = parse_duration(route["metadata"]["annotations"][str(kServing, key)].str());
        d && *d >= Duration::zero())
      return *d;
  return network.rollout_duration;
}

namespace {

client::Condition ingress(bool assigned, const json::Value& route, bool moving) {
  if (assigned && moving)
    return {"IngressReady", "Unknown", "RolloutInProgress",
            "A gradual rollout of the latest revision(s) is in progress.", ""};
  if (assigned || client::condition_is(route, "IngressReady", "True"))
    return {"IngressReady", "True", "", "", ""};
  return {"IngressReady", "Unknown", "IngressNotConfigured", "Ingress has not yet been reconciled.",
          ""};
}

json::Value route_conditions(const json::Value& route, const Resolved& resolved, WallTime now) {
  const std::string at = rfc3339(now);
  json::Value conditions = route["status"]["conditions"];
  client::set_condition(conditions, resolved.assigned, at);
  client::set_condition(
      conditions, {"CertificateProvisioned", "True", "TLSNotEnabled", "autoTLS is not enabled", ""},
      at);
  client::set_condition(conditions,
                        ingress(resolved.assigned.status == "True", route, resolved.moving), at);
  client::set_condition(
      conditions,
      happy(conditions, {"AllTrafficAssigned", "CertificateProvisioned", "IngressReady"}), at);
  return conditions;
}

}  // namespace

RoutePlan plan_route(const RouteSnapshot& s, WallTime now) {
  const json::Value& route = *s.route;
  Resolved resolved = resolve(s, now);
  const bool assigned = resolved.assigned.status == "True";
  RoutePlan plan;
  plan.again = resolved.again;
  json::Value& status = plan.status;
  status.set("observedGeneration", generation_of(route));
  status.set("url", url_of(s, ""));
  status.ref("address", "url") =
      str("http://", name_of(route), ".", namespace_of(route), ".", kLocalDomain);
  // Requests go on as before until all of the new traffic can be served.
  status.set("traffic", assigned ? std::move(resolved.traffic) : route["status"]["traffic"]);
  if (!status["traffic"].is_array()) status.erase("traffic");
  const json::Value& notes = route["status"]["annotations"];
  if (notes.is_object()) status.set("annotations", notes);
  if (assigned && resolved.moving)
    status.ref("annotations", kRolloutAnnotation) = dump_rollout(resolved.shifts);
  else if (assigned && status["annotations"].is_object())
    status.ref("annotations").erase(kRolloutAnnotation);
  if (s.tag_headers)  // the gateway reads it here
    status.ref("annotations", kTagHeadersAnnotation) = "enabled";
  else if (status["annotations"].is_object())
    status.ref("annotations").erase(kTagHeadersAnnotation);
  if (status["annotations"].size() == 0) status.erase("annotations");
  status.set("conditions", route_conditions(route, resolved, now));
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
