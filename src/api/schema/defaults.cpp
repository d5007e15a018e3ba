#include "api/schema/validate.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

void fill(const Type& type, json::Value& v, bool builtin) {
  switch (type.base) {
    case Base::kStruct:
      if (!v.is_object()) return;
      for (const Field& f : type.fields)
        if (f.fallback && (builtin || !f.builtin_fallback) && !v.has(f.name))
          v.set(f.name, *f.fallback);
      for (auto& [key, item] : v.make_object())
        if (const Field* f = type.field(key)) fill(*f->type, item, builtin);
      return;
    case Base::kMap:
      if (!v.is_object() || type.item->base > Base::kList) return;
      for (auto& [key, item] : v.make_object()) fill(*type.item, item, builtin);
      return;
    case Base::kList:
      if (!v.is_array() || type.item->base > Base::kList) return;
      for (json::Value& item : v.make_array()) fill(*type.item, item, builtin);
      return;
    default:
      return;
  }
}

void put(json::Value& object, std::string_view key, json::Value v) {
  if (!object.has(key)) object.set(key, std::move(v));
}

// The tag of an image: "latest" if there is none and no digest.
bool is_latest(std::string_view image) {
  if (contains(image, "@")) return false;
  size_t slash = image.rfind('/');
  std::string_view name = slash == image.npos ? image : image.substr(slash + 1);
  size_t colon = name.rfind(':');
  return colon == name.npos || name.substr(colon + 1) == "latest";
}

void container(json::Value& c) {
  put(c, "imagePullPolicy", is_latest(c["image"].str()) ? "Always" : "IfNotPresent");
  // A limit is the request where none is given.
  if (!c["resources"]["limits"].is_object()) return;
  json::Object limits = c["resources"]["limits"].object();
  json::Value& requests = c.ref("resources", "requests");
  for (const auto& [name, limit] : limits) put(requests, name, limit);
}

void each_container(json::Value& spec, void (*f)(json::Value&)) {
  for (const char* list : {"containers", "initContainers"})
    if (spec[list].is_array())
      for (json::Value& c : spec.ref(list).make_array())
        if (c.is_object()) f(c);
}

void pod_spec(json::Value& spec) {
  each_container(spec, container);
  if (spec["serviceAccountName"].is_string())
    put(spec, "serviceAccount", spec["serviceAccountName"]);
  else if (spec["serviceAccount"].is_string())
    put(spec, "serviceAccountName", spec["serviceAccount"]);
  if (!spec["volumes"].is_array()) return;
  for (json::Value& volume : spec.ref("volumes").make_array())
    if (volume.is_object() && volume.size() == 1) volume.set("emptyDir", json::object({}));
}

void deployment(json::Value& spec) {
  json::Value& strategy = spec.ref("strategy");
  put(strategy, "type", "RollingUpdate");
  if (strategy["type"].str() != "RollingUpdate") return;
  json::Value& rolling = strategy.ref("rollingUpdate");
  put(rolling, "maxSurge", "25%");
  put(rolling, "maxUnavailable", "25%");
}

void stateful_set(json::Value& spec) {
  json::Value& strategy = spec.ref("updateStrategy");
  put(strategy, "type", "RollingUpdate");
  if (strategy["type"].str() == "RollingUpdate") put(strategy.ref("rollingUpdate"), "partition", 0);
  json::Value& policy = spec.ref("persistentVolumeClaimRetentionPolicy");
  put(policy, "whenDeleted", "Retain");
  put(policy, "whenScaled", "Retain");
}

void daemon_set(json::Value& spec) {
  json::Value& strategy = spec.ref("updateStrategy");
  put(strategy, "type", "RollingUpdate");
  if (strategy["type"].str() != "RollingUpdate") return;
  json::Value& rolling = strategy.ref("rollingUpdate");
  put(rolling, "maxSurge", 0);
  put(rolling, "maxUnavailable", 1);
}

void job(json::Value& spec) {
  if (!spec.has("completions") && !spec.has("parallelism")) {
    spec.set("completions", 1);
    spec.set("parallelism", 1);
  }
  put(spec, "parallelism", 1);
  if (!spec.has("backoffLimit"))
    spec.set("backoffLimit", spec.has("backoffLimitPerIndex") ? int64_t{2147483647} : int64_t{6});
}

void service(json::Value& spec) {
  const std::string type = spec["type"].str();
  if (type != "ExternalName") put(spec, "internalTrafficPolicy", "Cluster");
  if (type == "NodePort" || type == "LoadBalancer") put(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") put(spec, "allocateLoadBalancerNodePorts", true);
  if (!spec["ports"].is_array()) return;
  for (json::Value& port : spec.ref("ports").make_array())
    if (port.is_object() && port["port"].is_int()) put(port, "targetPort", port["port"]);
}

void secret(json::Value& object) {
  if (!object["stringData"].is_object()) return;
  json::Object text = object["stringData"].object();
  for (const auto& [key, v] : text) object.ref("data").set(key, base64(v.str()));
  object.erase("stringData");
}

void network_policy(json::Value& spec) {
  if (spec.has("policyTypes")) return;
  json::Value types = json::array({"Ingress"});
  if (spec["egress"].size()) types.push("Egress");
  spec.set("policyTypes", std::move(types));
}

// A template's labels stand in for a selector and for labels that are not given.
void pod_template_of(json::Value& object) {
  if (object["spec"]["template"]["spec"].is_object())
    pod_spec(object.ref("spec", "template", "spec"));
}

}  // namespace

void default_fields(const KindDef& kind, json::Value& object) {
  fill(*kind.type, object, !kind.crd);
  if (kind.crd || !object.is_object()) return;
  std::string_view name = kind.kind.kind, group = kind.kind.group;
  if (group.empty() && name == "Secret") return secret(object);
  if (!object["spec"].is_object()) return;
  json::Value& spec = object.ref("spec");
  if (group.empty() && name == "Pod") return pod_spec(spec);
  if (group.empty() && name == "Service") return service(spec);
  if (group == "networking.k8s.io" && name == "NetworkPolicy") return network_policy(spec);
  if (group == "apps" || group == "batch" || name == "ReplicationController") {
    if (name == "Deployment") deployment(spec);
    if (name == "StatefulSet") stateful_set(spec);
    if (name == "DaemonSet") daemon_set(spec);
    if (name == "Job") job(spec);
    if (name == "CronJob" && spec["jobTemplate"]["spec"]["template"]["spec"].is_object())
      return pod_spec(spec.ref("jobTemplate", "spec", "template", "spec"));
    pod_template_of(object);
  }
}

}  // namespace proa::api
