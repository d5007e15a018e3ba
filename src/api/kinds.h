// The resource types by name, as constants for client::Client.
#pragma once

#include "client/client.h"

namespace proa::api {

using client::Kind;

inline constexpr Kind kNamespace{"", "v1", "Namespace", "namespaces", false};
inline constexpr Kind kNode{"", "v1", "Node", "nodes", false};
inline constexpr Kind kPod{"", "v1", "Pod", "pods"};
inline constexpr Kind kService{"", "v1", "Service", "services"};
inline constexpr Kind kConfigMap{"", "v1", "ConfigMap", "configmaps"};
inline constexpr Kind kSecret{"", "v1", "Secret", "secrets"};
inline constexpr Kind kServiceAccount{"", "v1", "ServiceAccount", "serviceaccounts"};
inline constexpr Kind kEvent{"", "v1", "Event", "events"};
inline constexpr Kind kPersistentVolume{"", "v1", "PersistentVolume", "persistentvolumes", false};
inline constexpr Kind kPersistentVolumeClaim{"", "v1", "PersistentVolumeClaim",
                                             "persistentvolumeclaims"};
inline constexpr Kind kEndpointSlice{"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"};
inline constexpr Kind kDeployment{"apps", "v1", "Deployment", "deployments"};
inline constexpr Kind kReplicaSet{"apps", "v1", "ReplicaSet", "replicasets"};
inline constexpr Kind kHorizontalPodAutoscaler{"autoscaling", "v2", "HorizontalPodAutoscaler",
                                               "horizontalpodautoscalers"};
inline constexpr Kind kJob{"batch", "v1", "Job", "jobs"};
inline constexpr Kind kLease{"coordination.k8s.io", "v1", "Lease", "leases"};
inline constexpr Kind kCustomResourceDefinition{
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false};

inline constexpr Kind kInferenceService{"serving.kserve.io", "v1beta1", "InferenceService",
                                        "inferenceservices"};
inline constexpr Kind kServingRuntime{"serving.kserve.io", "v1alpha1", "ServingRuntime",
                                      "servingruntimes"};
inline constexpr Kind kClusterServingRuntime{
    "serving.kserve.io", "v1alpha1", "ClusterServingRuntime", "clusterservingruntimes", false};

inline constexpr Kind kKnService{"serving.knative.dev", "v1", "Service", "services"};
inline constexpr Kind kConfiguration{"serving.knative.dev", "v1", "Configuration",
                                     "configurations"};
inline constexpr Kind kRevision{"serving.knative.dev", "v1", "Revision", "revisions"};
inline constexpr Kind kRoute{"serving.knative.dev", "v1", "Route", "routes"};
inline constexpr Kind kPodAutoscaler{"autoscaling.internal.knative.dev", "v1alpha1",
                                     "PodAutoscaler", "podautoscalers"};

inline constexpr Kind kVirtualService{"networking.istio.io", "v1beta1", "VirtualService",
                                      "virtualservices"};
inline constexpr Kind kGateway{"networking.istio.io", "v1beta1", "Gateway", "gateways"};

}  // namespace proa::api
