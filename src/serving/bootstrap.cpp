#include "serving/bootstrap.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "serving/spec/config.h"

namespace proa::serving {
namespace {

json::Value ingress(std::string_view domain) {
  return json::object(
      {{"enableGatewayApi", false},
       {"kserveIngressGateway", "kserve/kserve-ingress-gateway"},
       {"ingressGateway", "knative-serving/knative-ingress-gateway"},
       {"knativeLocalGatewayService", "knative-local-gateway.istio-system.svc.cluster.local"},
       {"localGateway", "knative-serving/knative-local-gateway"},
       {"localGatewayService", "knative-local-gateway.istio-system.svc.cluster.local"},
       {"ingressDomain", domain},
       {"ingressClassName", "istio"},
       {"domainTemplate", "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}"},
       {"urlScheme", "http"}});
}

constexpr client::Kind kGatewayClass{"gateway.networking.k8s.io", "v1", "GatewayClass",
                                     "gatewayclasses", false};
constexpr client::Kind kGatewayKind{"gateway.networking.k8s.io", "v1", "Gateway", "gateways"};

// What the HTTPRoutes of Standard mode hang on with enableGatewayApi.
json::Value gateway_class() {
  return json::object(
      {{"apiVersion", kGatewayClass.api_version()},
       {"kind", "GatewayClass"},
       {"metadata", json::object({{"name", "proa"}})},
       {"spec", json::object({{"controllerName", "proa.dev/gateway-controller"}})}});
}

json::Value ingress_gateway() {
  const json::Value from_all = json::object({{"namespaces", json::object({{"from", "All"}})}});
  const json::Value listener = json::object(
      {{"name", "http"}, {"port", 80}, {"protocol", "HTTP"}, {"allowedRoutes", from_all}});
  return json::object(
      {{"apiVersion", kGatewayKind.api_version()},
       {"kind", "Gateway"},
       {"metadata",
        json::object({{"name", "kserve-ingress-gateway"}, {"namespace", kConfigNamespace}})},
       {"spec",
        json::object({{"gatewayClassName", "proa"}, {"listeners", json::array({listener})}})}});
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
  const json::Value agent = json::object({{"image", "kserve/agent:latest"},
                                          {"memoryRequest", "100Mi"},
                                          {"memoryLimit", "1Gi"},
                                          {"cpuRequest", "100m"},
                                          {"cpuLimit", "1"}});
  const json::Value batcher = json::object({{"maxBatchSize", 32}, {"maxLatency", 5000}});
  const json::Value metrics =
      json::object({{"enableMetricAggregation", "false"}, {"enablePrometheusScraping", "false"}});
  const json::Value credentials = json::object(
      {{"gcs", json::object({{"gcsCredentialFileName", "gcloud-application-credentials.json"}})}});
  return json::object(
      {{"apiVersion", "v1"},
       {"kind", "ConfigMap"},
       {"metadata", json::object({{"name", kConfigName}, {"namespace", kConfigNamespace}})},
       {"data",
        json::object(
            {{"inferenceService", json::pretty(service)},
             {"storageInitializer", json::pretty(initializer)},
             {"agent", json::pretty(agent)},
             {"batcher", json::pretty(batcher)},
             {"metricsAggregator", json::pretty(metrics)},
             {"service", json::pretty(json::object({{"serviceClusterIPNone", false}}))},
             {"credentials", json::pretty(credentials)},
             {"ingress", json::pretty(ingress(domain))},
             {"deploy", json::pretty(json::object({{"defaultDeploymentMode", "Knative"}}))}})}});
}

Status ensure_ingress_gateway(client::Client& client) {
  const client::ApplyOptions options{"kserve-bootstrap", "", true};
  if (!client.get(kGatewayClass, "", "proa").ok())
    TRY_STATUS(client.apply(kGatewayClass, gateway_class(), options));
  if (!client.get(kGatewayKind, kConfigNamespace, "kserve-ingress-gateway").ok())
    TRY_STATUS(client.apply(kGatewayKind, ingress_gateway(), options));
  return {};
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
  for (json::Value& runtime : runtimes())
    TRY_STATUS(apply(api::kClusterServingRuntime, std::move(runtime)));
  return {};
}

}  // namespace proa::serving
