// Config: what KServe's ConfigMap inferenceservice-config (namespace kserve) says, as a struct.
//
// Read by the admission functions, the pod mutator and the InferenceService controller. Values
// only; unknown keys are ignored, as KServe does. Not synchronised: copy it, or share it as const.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/json/value.h"

namespace proa::serving {

inline constexpr std::string_view kConfigNamespace = "kserve";
inline constexpr std::string_view kConfigName = "inferenceservice-config";
inline constexpr std::string_view kIsvcLabel = "serving.kserve.io/inferenceservice";
inline constexpr std::string_view kModeAnnotation = "serving.kserve.io/deploymentMode";
inline constexpr std::string_view kStopAnnotation = "serving.kserve.io/stop";
inline constexpr std::string_view kAutoscalerAnnotation = "serving.kserve.io/autoscalerClass";
inline constexpr std::string_view kSourceUriAnnotation =
    "internal.serving.kserve.io/storage-initializer-sourceuri";
inline constexpr std::string_view kSourceUrisAnnotation =
    "internal.serving.kserve.io/storage-initializer-sourceuris";
// What spec.predictor.model.storage says, for the pod mutator; the source's scheme comes from the
// secret then.
inline constexpr std::string_view kStorageSpecAnnotation =
    "internal.serving.kserve.io/storage-spec";
inline constexpr std::string_view kStorageParamAnnotation =
    "internal.serving.kserve.io/storage-spec-param";
inline constexpr std::string_view kStorageKeyAnnotation =
    "internal.serving.kserve.io/storage-spec-key";
inline constexpr std::string_view kSchemePlaceholder = "<scheme-placeholder>://";
inline constexpr std::string_view kModelContainer = "kserve-container";
inline constexpr std::string_view kInitContainer = "storage-initializer";
inline constexpr std::string_view kBatcherAnnotation = "internal.serving.kserve.io/batcher";
inline constexpr std::string_view kBatcherSizeAnnotation =
    "internal.serving.kserve.io/batcher-max-batchsize";
inline constexpr std::string_view kBatcherLatencyAnnotation =
    "internal.serving.kserve.io/batcher-max-latency";
inline constexpr std::string_view kModelPath = "/mnt/models";

struct Config {
  // inferenceService.resource; an empty text means no default.
  std::string cpu_limit, memory_limit, cpu_request, memory_request;
  // Annotations and labels that do not go from the InferenceService to what is made of it.
  std::vector<std::string> annotations_disallowed, labels_disallowed;

  std::string default_mode = "Standard";  // Knative, Standard or ModelMesh

  // ingress
  std::string domain = "example.com";
  std::vector<std::string> additional_domains;
  std::string domain_template = "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}";
  std::string path_template;  // "" for none
  bool gateway_api = false;   // HTTPRoutes in Standard mode, not Ingress
  std::string gateway = "kserve/kserve-ingress-gateway";  // NAMESPACE/NAME, of Gateway API
  std::string ingress_class = "istio";
  bool no_virtual_host = false;   // disableIstioVirtualHost: none of the service's own (Knative)
  bool no_ingress = false;        // disableIngressCreation (Standard)
  bool no_route_timeout = false;  // disableHTTPRouteTimeout
  std::string cluster_domain = "cluster.local";
  std::string url_scheme = "http";
  std::string ingress_gateway = "knative-serving/knative-ingress-gateway";
  std::string local_gateway = "knative-serving/knative-local-gateway";
  std::string local_gateway_service = "knative-local-gateway.istio-system.svc.cluster.local";

  // deploy.deploymentRolloutStrategy.defaultRollout, "" for Kubernetes' own (25 %)
  std::string max_surge, max_unavailable;
  bool headless_services = false;  // service.serviceClusterIPNone
  bool mount_token = true;         // security.autoMountServiceAccountToken
  // metricsAggregator: for pods that do not say it themselves
  bool aggregate_metrics = false, prometheus_scraping = false;
  // batcher: for a batcher that does not say it itself
  std::string batch_size = "32", batch_latency = "5000";

  std::string init_image = "kserve/storage-initializer:latest";
  std::string init_cpu_limit = "1", init_memory_limit = "1Gi";
  std::string init_cpu_request = "100m", init_memory_request = "100Mi";
  std::string storage_secret = "storage-config";  // credentials.storageSpecSecretName
  std::string storage_secret_annotation = "serving.kserve.io/storageSecretName";
  std::vector<std::pair<std::string, std::string>> s3;  // credentials.s3: s3Endpoint and its like
  std::string gcs_file = "gcloud-application-credentials.json";
  std::string agent_image = "kserve/agent:latest";
  std::string agent_cpu_limit = "1", agent_memory_limit = "1Gi";
  std::string agent_cpu_request = "100m", agent_memory_request = "100Mi";
  // Added to the storage initializer's environment by this platform; not in the ConfigMap.
  std::vector<std::pair<std::string, std::string>> init_env;

  Config();
};

// Errors: kInvalid naming the key whose text is no JSON object.
Result<Config> parse_config(const json::Value& config_map);

// "RawDeployment" → "Standard", "Serverless" → "Knative"; other names stay.
std::string canonical_mode(std::string_view mode);

// The annotation's mode, else the one in status, else the default; status wins once it is set.
std::string deployment_mode(const json::Value& isvc, const Config& config);

}  // namespace proa::serving
