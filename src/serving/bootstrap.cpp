#include "serving/bootstrap.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "serving/config.h"

namespace proa::serving {
namespace {

json::Value runtime_container(std::string_view image) {
  json::Value resources = json::object({{"cpu", "1"}, {"memory", "2Gi"}});
  return json::object(
      {{"name", std::string(kModelContainer)},
       {"image", image},
       {"args",
        json::array({"--model_name={{.Name}}", "--model_dir=/mnt/models", "--http_port=8080"})},
       {"securityContext",
        json::object({{"allowPrivilegeEscalation", false},
                      {"capabilities", json::object({{"drop", json::array({"ALL"})}})},
                      {"privileged", false},
                      {"runAsNonRoot", true}})},
       {"resources", json::object({{"limits", resources}, {"requests", resources}})}});
}

json::Value ingress(std::string_view domain) {
  return json::object(
      {{"enableGatewayApi", false},
       {"ingressGateway", "knative-serving/knative-ingress-gateway"},
       {"knativeLocalGatewayService", "knative-local-gateway.istio-system.svc.cluster.local"},
       {"localGateway", "knative-serving/knative-local-gateway"},
       {"localGatewayService", "knative-local-gateway.istio-system.svc.cluster.local"},
       {"ingressDomain", domain},
       {"ingressClassName", "istio"},
       {"domainTemplate", "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}"},
       {"urlScheme", "http"}});
}

}  // namespace

json::Value config_map(std::string_view domain) {
  const json::Value service =
      json::object({{"resource", json::object({{"cpuLimit", "1"},
                                               {"memoryLimit", "2Gi"},
                                               {"cpuRequest", "1"},
                                               {"memoryRequest", "2Gi"}})}});
  const json::Value initializer = json::object({{"image", "kserve/storage-initializer:latest"},
                                                {"memoryRequest", "100Mi"},
                                                {"memoryLimit", "1Gi"},
                                                {"cpuRequest", "100m"},
                                                {"cpuLimit", "1"}});
  const json::Value credentials = json::object(
      {{"gcs", json::object({{"gcsCredentialFileName", "gcloud-application-credentials.json"}})}});
  return json::object(
      {{"apiVersion", "v1"},
       {"kind", "ConfigMap"},
       {"metadata", json::object({{"name", kConfigName}, {"namespace", kConfigNamespace}})},
       {"data", json::object({{"inferenceService", json::pretty(service)},
                              {"storageInitializer", json::pretty(initializer)},
                              {"credentials", json::pretty(credentials)},
                              {"ingress", json::pretty(ingress(domain))},
                              {"deploy", json::pretty(json::object(
                                             {{"defaultDeploymentMode", "Knative"}}))}})}});
}

json::Value sklearn_runtime() {
  return json::object(
      {{"apiVersion", "serving.kserve.io/v1alpha1"},
       {"kind", "ClusterServingRuntime"},
       {"metadata", json::object({{"name", "kserve-sklearnserver"}})},
       {"spec",
        json::object(
            {{"annotations", json::object({{"prometheus.kserve.io/port", "8080"},
                                           {"prometheus.kserve.io/path", "/metrics"}})},
             {"supportedModelFormats", json::array({json::object({{"name", "sklearn"},
                                                                  {"version", "1"},
                                                                  {"autoSelect", true},
                                                                  {"priority", 1}})})},
             {"protocolVersions", json::array({"v1", "v2"})},
             {"containers", json::array({runtime_container("kserve/sklearnserver:latest")})}})}});
}

Status apply_bootstrap(client::Client& client, std::string_view domain) {
  const client::ApplyOptions options{"kserve-bootstrap", "", true};
  const auto apply = [&](const client::Kind& kind, json::Value object) -> Status {
    const std::string what = str("make ", kind.kind, " ", object["metadata"]["name"].str());
    auto done = client.apply(kind, std::move(object), options);
    if (!done.ok()) return std::move(done).error().with_context(what);
    return {};
  };
  TRY_STATUS(apply(api::kNamespace,
                   json::object({{"apiVersion", "v1"},
                                 {"kind", "Namespace"},
                                 {"metadata", json::object({{"name", kConfigNamespace}})}})));
  if (!client.get(api::kConfigMap, kConfigNamespace, kConfigName).ok())
    TRY_STATUS(apply(api::kConfigMap, config_map(domain)));
  return apply(api::kClusterServingRuntime, sklearn_runtime());
}

}  // namespace proa::serving
