#include "serving/spec/config.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::serving {
namespace {

void take(const json::Value& from, std::string_view key, std::string& to) {
  if (from[key].is_string() && !from[key].str().empty()) to = from[key].str();
}

void take_list(const json::Value& from, std::string_view key, std::vector<std::string>& to) {
  for (const auto& item : from[key].array())
    if (item.is_string()) to.push_back(item.str());
}

void take_bool(const json::Value& from, std::string_view key, bool& to) {
  if (from[key].is_bool()) to = from[key].boolean();
  if (from[key].is_string()) to = from[key].str() == "true";
}

void take_count(const json::Value& from, std::string_view key, std::string& to) {
  if (from[key].is_int()) to = str(from[key].integer());
  take(from, key, to);
}

void take_service(const json::Value& v, Config& c) {
  const auto& resource = v["resource"];
  take(resource, "cpuLimit", c.cpu_limit);
  take(resource, "memoryLimit", c.memory_limit);
  take(resource, "cpuRequest", c.cpu_request);
  take(resource, "memoryRequest", c.memory_request);
  take_list(v, "serviceAnnotationDisallowedList", c.annotations_disallowed);
  take_list(v, "serviceLabelDisallowedList", c.labels_disallowed);
}

void take_ingress(const json::Value& v, Config& c) {
  take(v, "ingressDomain", c.domain);
  take(v, "urlScheme", c.url_scheme);
  take(v, "ingressGateway", c.ingress_gateway);
  take(v, "localGateway", c.local_gateway);
  take(v, "localGatewayService", c.local_gateway_service);
  take(v, "knativeLocalGatewayService", c.local_gateway_service);
  take_list(v, "additionalIngressDomains", c.additional_domains);
  take(v, "domainTemplate", c.domain_template);
  take(v, "pathTemplate", c.path_template);
  take_bool(v, "enableGatewayApi", c.gateway_api);
  take(v, "kserveIngressGateway", c.gateway);
  take(v, "ingressClassName", c.ingress_class);
  take_bool(v, "disableIstioVirtualHost", c.no_virtual_host);
  take_bool(v, "disableIngressCreation", c.no_ingress);
  take_bool(v, "disableHTTPRouteTimeout", c.no_route_timeout);
}

void take_deploy(const json::Value& v, Config& c) {
  take(v, "defaultDeploymentMode", c.default_mode);
  const auto& rollout = v["deploymentRolloutStrategy"]["defaultRollout"];
  take_count(rollout, "maxSurge", c.max_surge);
  take_count(rollout, "maxUnavailable", c.max_unavailable);
}

void take_initializer(const json::Value& v, Config& c) {
  take(v, "image", c.init_image);
  take(v, "cpuLimit", c.init_cpu_limit);
  take(v, "memoryLimit", c.init_memory_limit);
  take(v, "cpuRequest", c.init_cpu_request);
  take(v, "memoryRequest", c.init_memory_request);
}

void take_agent(const json::Value& v, Config& c) {
  take(v, "image", c.agent_image);
  take(v, "cpuLimit", c.agent_cpu_limit);
  take(v, "memoryLimit", c.agent_memory_limit);
  take(v, "cpuRequest", c.agent_cpu_request);
  take(v, "memoryRequest", c.agent_memory_request);
}

void take_credentials(const json::Value& v, Config& c) {
  take(v["gcs"], "gcsCredentialFileName", c.gcs_file);
  take(v, "storageSpecSecretName", c.storage_secret);
  take(v, "storageSecretNameAnnotation", c.storage_secret_annotation);
  for (const auto& [name, value] : v["s3"].object())
    if (!value.str().empty()) c.s3.emplace_back(name, value.str());
}

}  // namespace

Config::Config()
    : annotations_disallowed{"autoscaling.knative.dev/min-scale",
                             "autoscaling.knative.dev/max-scale",
                             std::string(kSourceUriAnnotation),
                             std::string(kSourceUrisAnnotation),
                             "kubectl.kubernetes.io/last-applied-configuration",
                             "modelFormat"} {}

Result<Config> parse_config(const json::Value& config_map) {
  static constexpr std::string_view kKeys[] = {
      "inferenceService", "ingress", "deploy",  "storageInitializer",
      "credentials",      "agent",   "service", "metricsAggregator",
      "security",         "batcher"};
  Config c;
  for (const auto& [key, text] : config_map["data"].object()) {
    if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) continue;
    TRY(auto v, json::parse(text.str()).context(str("ConfigMap ", kConfigName, " key ", key)));
    if (key == "inferenceService") take_service(v, c);
    if (key == "ingress") take_ingress(v, c);
    if (key == "storageInitializer") take_initializer(v, c);
    if (key == "agent") take_agent(v, c);
    if (key == "deploy") take_deploy(v, c);
    if (key == "credentials") take_credentials(v, c);
    if (key == "service") take_bool(v, "serviceClusterIPNone", c.headless_services);
    if (key == "security") take_bool(v, "autoMountServiceAccountToken", c.mount_token);
    if (key == "metricsAggregator") {
      take_bool(v, "enableMetricAggregation", c.aggregate_metrics);
      take_bool(v, "enablePrometheusScraping", c.prometheus_scraping);
    }
    if (key == "batcher") {
      take_count(v, "maxBatchSize", c.batch_size);
      take_count(v, "maxLatency", c.batch_latency);
    }
  }
  c.default_mode = canonical_mode(c.default_mode);
  return c;
}

std::string canonical_mode(std::string_view mode) {
  if (mode == "RawDeployment") return "Standard";
  if (mode == "Serverless") return "Knative";
  return std::string(mode);
}

std::string deployment_mode(const json::Value& isvc, const Config& config) {
  const auto& status = isvc["status"]["deploymentMode"].str();
  if (!status.empty()) return canonical_mode(status);
  const auto& annotation = isvc["metadata"]["annotations"][kModeAnnotation].str();
  return annotation.empty() ? config.default_mode : canonical_mode(annotation);
}

}  // namespace proa::serving
