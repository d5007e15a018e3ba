#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/revision.h"

namespace proa::knative {
namespace {

// These change while a revision lives; were they in the pod template, each change would roll the
// pods.
bool passes_to_pods(std::string_view key) {
  return key != kRoutingStateLabel && key != kRoutingModified && key != kRoutesAnnotation &&
         key != kLastApplied && key != "serving.knative.dev/lastPinned" &&
         key != "serving.knative.dev/creator" && key != "serving.knative.dev/lastModifier";
}

json::Value child_labels(const json::Value& revision) {
  json::Value labels;
  for (const auto& [key, value] : revision["metadata"]["labels"].object())
    if (passes_to_pods(key)) labels.set(key, value);
  labels.set(kRevisionLabel, name_of(revision));
  labels.set(kRevisionUidLabel, client::uid_of(revision));
  labels.set("app", name_of(revision));
  return labels;
}

json::Value child_annotations(const json::Value& revision) {
  json::Value annotations = json::Object();
  for (const auto& [key, value] : revision["metadata"]["annotations"].object())
    if (passes_to_pods(key)) annotations.set(key, value);
  return annotations;
}

json::Value child(const client::Kind& kind, const json::Value& revision, std::string name) {
  json::Value v = shell_of(kind, namespace_of(revision), name);
  json::Value& meta = v.ref("metadata");
  meta.set("labels", child_labels(revision));
  meta.set("annotations", child_annotations(revision));
  meta.set("ownerReferences", json::array({client::owner_reference(revision)}));
  return v;
}

json::Value env(std::string_view name, json::Value value) {
  return json::object({{"name", name}, {"value", std::move(value)}});
}

size_t serving_container(const json::Value& revision) {
  const json::Array& all = revision["spec"]["containers"].array();
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i]["ports"].size() > 0) return i;
  return 0;
}

json::Value user_container(const json::Value& revision, size_t index, size_t serving) {
  json::Value c = revision["spec"]["containers"][index];
  if (c["name"].str().empty())
    c.set("name", index == serving ? "user-container" : str("user-container-", index));
  const json::Value& labels = revision["metadata"]["labels"];
  if (index == serving) {
    const UserPort port = user_port(revision);
    c.set("ports",
          json::array({json::object({{"name", port.name == "h2c" ? "user-port-h2c" : "user-port"},
                                     {"containerPort", port.number},
                                     {"protocol", "TCP"}})}));
    c.ref("env").push(env("PORT", str(port.number)));
    json::Value& probe = c.ref("readinessProbe");
    if (!probe.is_object() || probe.size() == 0)
      probe = json::object({{"successThreshold", 1}, {"tcpSocket", json::object({{"port", 0}})}});
    for (const char* action : {"tcpSocket", "httpGet", "grpc"})
      if (probe.has(action) && probe[action]["port"].integer() == 0 &&
          probe[action]["port"].str().empty())
        probe.ref(action, "port") = port.number;
    // Knative's zero means "as fast as it can"; the shortest that Kubernetes knows is a second.
    if (probe["periodSeconds"].integer() == 0) probe.set("periodSeconds", 1);
  }
  json::Value& vars = c.ref("env");
  vars.push(env("K_REVISION", name_of(revision)));
  vars.push(env("K_CONFIGURATION", labels[kConfigurationLabel]));
  vars.push(env("K_SERVICE", labels[kServiceLabel].str()));
  if (!c.has("terminationMessagePolicy"))
    c.set("terminationMessagePolicy", "FallbackToLogsOnError");
  return c;
}

json::Value queue_proxy(const json::Value& revision, const DeploymentSettings& settings) {
  const json::Value& labels = revision["metadata"]["labels"];
  const json::Value& spec = revision["spec"];
  json::Value c = json::object({{"name", "queue-proxy"}, {"image", settings.queue_image}});
  auto port = [](const char* name, int number) {
    return json::object({{"name", name}, {"containerPort", number}, {"protocol", "TCP"}});
  };
  const bool h2c = user_port(revision).name == "h2c";
  c.set("ports", json::array({port("http-queueadm", 8022), port("http-autometric", 9090),
                              port("http-usermetric", 9091), port("queue-port", h2c ? 8013 : 8012),
                              port("https-port", 8112)}));
  if (!settings.queue_cpu_request.empty())
    c.ref("resources", "requests", "cpu") = settings.queue_cpu_request;
  json::Value& vars = c.ref("env");
  vars.push(env("SERVING_NAMESPACE", namespace_of(revision)));
  vars.push(env("SERVING_SERVICE", labels[kServiceLabel].str()));
  vars.push(env("SERVING_CONFIGURATION", labels[kConfigurationLabel].str()));
  vars.push(env("SERVING_REVISION", name_of(revision)));
  vars.push(env("QUEUE_SERVING_PORT", h2c ? "8013" : "8012"));
  vars.push(env("CONTAINER_CONCURRENCY", str(spec["containerConcurrency"].integer())));
  vars.push(env("REVISION_TIMEOUT_SECONDS", str(spec["timeoutSeconds"].integer(300))));
  vars.push(env("USER_PORT", str(user_port(revision).number)));
  return c;
}

json::Value pod_spec(const json::Value& revision, const DeploymentSettings& settings) {
  json::Value spec = revision["spec"];
  for (const char* key : {"containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds",
                          "idleTimeoutSeconds"})
    spec.erase(key);
  const size_t serving = serving_container(revision);
  json::Value containers = json::Array();
  for (size_t i = 0; i < revision["spec"]["containers"].size(); ++i)
    containers.push(user_container(revision, i, serving));
  containers.push(queue_proxy(revision, settings));
  spec.set("containers", std::move(containers));
  spec.set("terminationGracePeriodSeconds", revision["spec"]["timeoutSeconds"].integer(300));
  if (!spec.has("enableServiceLinks")) spec.set("enableServiceLinks", false);
  return spec;
}

int64_t progress_deadline(const json::Value& revision, const DeploymentSettings& settings) {
  const std::string& text =
      revision["metadata"]["annotations"]["serving.knative.dev/progress-deadline"].str();
  auto d = parse_duration(text);
  if (!d || *d < std::chrono::seconds(1)) d = settings.progress_deadline;
  return std::chrono::duration_cast<std::chrono::seconds>(*d).count();
}

}  // namespace

UserPort user_port(const json::Value& revision) {
  const json::Value& port = revision["spec"]["containers"][serving_container(revision)]["ports"][0];
  UserPort out;
  out.number = port["containerPort"].integer(kDefaultPort);
  if (port["name"].str() == "h2c") out.name = "h2c";
  return out;
}

json::Value revision_deployment(const json::Value& revision, int64_t replicas,
                                const DeploymentSettings& settings) {
  json::Value d = child(api::kDeployment, revision, child_name(name_of(revision), "-deployment"));
  json::Value& spec = d.ref("spec");
  spec.set("replicas", replicas);
  spec.ref("selector", "matchLabels", kRevisionUidLabel) = client::uid_of(revision);
  spec.set("progressDeadlineSeconds", progress_deadline(revision, settings));
  spec.ref("strategy", "type") = "RollingUpdate";
  spec.ref("strategy", "rollingUpdate", "maxUnavailable") = 0;
  spec.ref("template", "metadata", "labels") = child_labels(revision);
  spec.ref("template", "metadata", "annotations") = child_annotations(revision);
  spec.ref("template", "spec") = pod_spec(revision, settings);
  return d;
}

json::Value revision_service(const json::Value& revision, bool is_private) {
  const std::string& name = name_of(revision);
  json::Value s = child(api::kService, revision, is_private ? child_name(name, "-private") : name);
  s.ref("metadata", "labels", kServiceTypeLabel) = is_private ? "Private" : "Public";
  const UserPort port = user_port(revision);
  json::Value p = json::object({{"name", port.name == "h2c" ? "h2c" : "http"},
                                {"port", 80},
                                {"protocol", "TCP"},
                                {"targetPort", port.number}});
  p.set("appProtocol", port.name == "h2c" ? "kubernetes.io/h2c" : "http");
  json::Value& spec = s.ref("spec");
  spec.set("type", "ClusterIP");
  spec.set("ports", json::array({std::move(p)}));
  // The public one is the gateway's: requests to it may have to wait for a pod.
  if (is_private) spec.ref("selector", kRevisionUidLabel) = client::uid_of(revision);
  return s;
}

json::Value revision_autoscaler(const json::Value& revision) {
  json::Value pa = child(api::kPodAutoscaler, revision, name_of(revision));
  json::Value& spec = pa.ref("spec");
  spec.set("containerConcurrency", revision["spec"]["containerConcurrency"].integer());
  spec.set("protocolType", user_port(revision).name == "h2c" ? "h2c" : "http1");
  const std::string& state = revision["metadata"]["labels"][kRoutingStateLabel].str();
  spec.set("reachability", state == "active"    ? "Reachable"
                           : state == "reserve" ? "Unreachable"
                                                : "Unknown");
  spec.set("scaleTargetRef",
           json::object({{"apiVersion", "apps/v1"},
                         {"kind", "Deployment"},
                         {"name", child_name(name_of(revision), "-deployment")}}));
  return pa;
}

}  // namespace proa::knative
