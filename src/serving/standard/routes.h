// How requests get to an InferenceService in Standard mode: an Ingress, or HTTPRoutes with
// enableGatewayApi; where an Ingress cannot say it (shares, paths, names of the cluster), an Istio
// VirtualService.
//
// Used by the controller; pure.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "serving/spec/config.h"
#include "serving/standard/rollout.h"

namespace proa::serving::standard {

inline constexpr client::Kind kIngressKind{"networking.k8s.io", "v1", "Ingress", "ingresses"};
inline constexpr client::Kind kHttpRouteKind{"gateway.networking.k8s.io", "v1", "HTTPRoute",
                                             "httproutes"};

struct PlannedRoute {
  client::Kind kind;
  json::Value object;
};

// The routes for these shares, none if the service is only for the cluster (and not split) or
// disableIngressCreation says so. Errors: kInvalid, from the domain and path templates.
Result<std::vector<PlannedRoute>> plan_routes(const json::Value& isvc,
                                              const std::vector<Share>& shares,
                                              const Config& config);

// Every route that plan_routes may make, by kind and name: what is not planned any more goes away.
std::vector<std::pair<client::Kind, std::string>> route_names(const json::Value& isvc);

// IngressReady for these routes as they are: an HTTPRoute has to be accepted by its Gateway.
client::Condition routes_ready(const std::vector<client::Object>& live);

struct RouteUrls {
  std::string url, component;
};
Result<RouteUrls> route_urls(const json::Value& isvc, const Config& config);

}  // namespace proa::serving::standard
