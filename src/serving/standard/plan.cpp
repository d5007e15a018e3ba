#include "serving/standard/plan.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "serving/spec/container.h"
#include "serving/spec/metadata.h"
#include "serving/spec/server_defaults.h"
#include "serving/standard/autoscaler.h"

namespace proa::serving::standard {
namespace {

constexpr int64_t kPort = 8080;

// FNV-1a: the same text has the same fingerprint in every version and on every machine.
std::string fingerprint_of(const std::string& text) {
  uint64_t h = 14695981039346656037ull;
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  std::string bytes;
  for (int i = 7; i >= 0; --i) bytes.push_back(static_cast<char>(h >> (8 * i)));
  return hex(bytes);
}

bool http2_port(const json::Value& port) {
  const auto& name = port["name"].str();
  return name == "h2c" || name == "grpc" || name.starts_with("h2c-") || name.starts_with("grpc-");
}

const json::Value& serving_container(const json::Value& pod) {
  for (const auto& c : pod["containers"].array())
    if (c["name"].str() == kModelContainer) return c;
  return pod["containers"][0];
}

int64_t port_of(const json::Value& pod) {
  return serving_container(pod)["ports"][0]["containerPort"].integer(kPort);
}

// What Knative does for its pods, KServe does for a Deployment's.
void complete_pod(json::Value& pod, const Config& config) {
  const int64_t port = port_of(pod);
  for (auto& c : pod.ref("containers").make_array()) {
    if (c["imagePullPolicy"].is_null()) c.set("imagePullPolicy", "IfNotPresent");
    if (c["name"].str() != kModelContainer || c.has("readinessProbe")) continue;
    c.set("readinessProbe", json::object({{"tcpSocket", json::object({{"port", port}})},
                                          {"timeoutSeconds", 1},
                                          {"periodSeconds", 10},
                                          {"successThreshold", 1},
                                          {"failureThreshold", 3}}));
  }
  if (!config.mount_token && !pod.has("automountServiceAccountToken"))
    pod.set("automountServiceAccountToken", false);
}

json::Value count_or_percent(const std::string& text) {
  if (text.empty()) return "25%";
  if (auto n = parse_int(text)) return *n;
  return text;
}

json::Value strategy_of(const json::Value& predictor, const Config& config) {
  const auto& given = predictor["deploymentStrategy"];
  if (given["type"].str() == "Recreate") return given;
  json::Value rolling =
      json::object({{"maxSurge", count_or_percent(config.max_surge)},
                    {"maxUnavailable", count_or_percent(config.max_unavailable)}});
  for (const auto& [key, value] : given["rollingUpdate"].object()) rolling.set(key, value);
  return json::object({{"type", "RollingUpdate"}, {"rollingUpdate", std::move(rolling)}});
}

json::Value service_port(const json::Value& port, std::string name, int64_t number) {
  json::Value out = json::object(
      {{"name", std::move(name)},
       {"port", number},
       {"protocol", port["protocol"].str().empty() ? std::string("TCP") : port["protocol"].str()},
       {"targetPort", port["containerPort"].integer(kPort)}});
  if (http2_port(port)) out.set("appProtocol", "kubernetes.io/h2c");
  return out;
}

json::Value service_spec(const Variant& v, const json::Value& pod, const Config& config) {
  const auto& ports = serving_container(pod)["ports"];
  json::Value list = json::array({service_port(ports[0], v.name, 80)});
  for (size_t i = 1; i < ports.size(); ++i)
    list.push(service_port(ports[i], ports[i]["name"].str(), ports[i]["containerPort"].integer()));
  json::Value spec = json::object({{"type", "ClusterIP"},
                                   {"ports", std::move(list)},
                                   {"selector", json::object({{"app", "isvc." + v.name}})}});
  if (config.headless_services) spec.set("clusterIP", "None");
  return spec;
}

json::Value object_of(const Variant& v, const char* api_version, const char* kind,
                      const Marks& marks, json::Value spec) {
  auto metadata = metadata_for(v.isvc, v.name);
  metadata.set("labels", marks.labels);
  metadata.set("annotations", marks.annotations);
  return json::object({{"apiVersion", api_version},
                       {"kind", kind},
                       {"metadata", std::move(metadata)},
                       {"spec", std::move(spec)}});
}

json::Value deployment_spec(const Variant& v, const Marks& marks, json::Value pod,
                            const Config& config) {
  json::Value meta = json::object({{"name", v.name},
                                   {"namespace", namespace_of(v.isvc)},
                                   {"labels", marks.labels},
                                   {"annotations", marks.annotations}});
  json::Value spec = json::object(
      {{"selector", json::object({{"matchLabels", json::object({{"app", marks.labels["app"]}})}})},
       {"strategy", strategy_of(v.isvc["spec"]["predictor"], config)},
       {"template", json::object({{"metadata", std::move(meta)}, {"spec", std::move(pod)}})}});
  if (v.replicas >= 0)
    spec.set("replicas", v.replicas);
  else if (fixed_scale(v.isvc))
    spec.set("replicas", v.isvc["spec"]["predictor"]["minReplicas"].integer(1));
  return spec;
}

}  // namespace

std::string variant_name(const json::Value& isvc, const json::Value& predictor) {
  const auto& name = predictor["name"].str();
  return str(name_of(isvc), name.empty() ? "" : "-", name, "-predictor");
}

Result<VariantPlan> plan_variant(const Variant& given, const Config& config) {
  Variant v = given;
  v.isvc = with_server_defaults(given.isvc, v.runtime ? v.runtime->name : "");
  TRY(auto pod, predictor_pod_spec(v.isvc, v.runtime ? &(*v.runtime->object)["spec"] : nullptr));
  complete_pod(pod, config);
  TRY(auto marks, predictor_marks(v.isvc, v.runtime, config));
  marks.labels.set("app", "isvc." + v.name);
  const bool http2 = http2_port(serving_container(pod)["ports"][0]);

  VariantPlan out;
  out.service = object_of(v, "v1", "Service", marks, service_spec(v, pod, config));
  if (v.replicas < 0) {
    Marks own = marks;
    auto scaler = plan_autoscaler(v.isvc, v.name, http2, own.annotations);
    if (!scaler.is_null())
      out.autoscaler = object_of(v, scaler["apiVersion"].str().c_str(),
                                 scaler["kind"].str().c_str(), own, scaler["spec"]);
    if (scaler["kind"].str() == "PodAutoscaler")
      out.service.ref("metadata", "annotations", kActivatorAnnotation) = v.name;
  }
  out.deployment = object_of(v, "apps/v1", "Deployment", marks,
                             deployment_spec(v, marks, std::move(pod), config));
  // The name is no part of it: the same template under another name is the same rollout.
  auto content = out.deployment["spec"]["template"];
  content.ref("metadata").erase("name");
  content.ref("metadata", "labels").erase("app");
  out.fingerprint = fingerprint_of(json::dump(content));
  out.deployment.ref("metadata", "annotations", kTemplateAnnotation) = out.fingerprint;
  return out;
}

std::string service_url(const json::Value& isvc, std::string_view service, const Config& config) {
  return str("http://", service, ".", namespace_of(isvc), ".svc.", config.cluster_domain,
             config.headless_services ? ":8080" : "");
}

}  // namespace proa::serving::standard
