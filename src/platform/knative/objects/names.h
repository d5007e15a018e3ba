// Knative's names: labels, annotations, child names, hosts. Pure.
#pragma once

#include <string>
#include <string_view>

namespace proa::knative {

inline constexpr std::string_view kServing = "serving.knative.dev/";
inline constexpr const char* kServiceLabel = "serving.knative.dev/service";
inline constexpr const char* kServiceUidLabel = "serving.knative.dev/serviceUID";
inline constexpr const char* kConfigurationLabel = "serving.knative.dev/configuration";
inline constexpr const char* kConfigurationUidLabel = "serving.knative.dev/configurationUID";
inline constexpr const char* kGenerationLabel = "serving.knative.dev/configurationGeneration";
inline constexpr const char* kRevisionLabel = "serving.knative.dev/revision";
inline constexpr const char* kRevisionUidLabel = "serving.knative.dev/revisionUID";
inline constexpr const char* kRouteLabel = "serving.knative.dev/route";
inline constexpr const char* kRoutingStateLabel = "serving.knative.dev/routingState";
inline constexpr const char* kVisibilityLabel = "networking.knative.dev/visibility";
inline constexpr const char* kServiceTypeLabel = "networking.internal.knative.dev/serviceType";
inline constexpr const char* kRoutingModified = "serving.knative.dev/routingStateModified";
inline constexpr const char* kRoutesAnnotation = "serving.knative.dev/routes";
inline constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

// PARENT + SUFFIX, shortened with a hash if it would pass 63 characters.
std::string child_name(std::string_view parent, std::string_view suffix);
std::string revision_name(std::string_view configuration, int64_t generation);  // NAME-00001

}  // namespace proa::knative
