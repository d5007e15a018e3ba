// Route: which revisions get which share of the requests. plan_route() resolves spec.traffic
// against Configurations and Revisions; the gateway reads the status that comes of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/controller.h"
#include "platform/knative/objects/objects.h"
#include "platform/knative/routes/rollout.h"
#include "platform/knative/settings/settings.h"

namespace proa::knative {

struct RouteSnapshot {
  Object route;
  std::map<std::string, Object> configurations;  // those that the traffic names; null: not there
  std::map<std::string, Object> revisions;       // those that may be routed to; null: not there
  std::string domain;                            // example.com
  Network network;
  bool tag_headers = false;  // config-features: tag-header-based-routing
};

struct RoutePlan {
  json::Value status;
  std::vector<json::Value> placeholders;  // Services ROUTE and TAG-ROUTE
  std::optional<Duration> again;          // a gradual rollout's next step
};
// How long a new revision takes to get all of the traffic, by the Route's annotation or the
// network's default.
Duration rollout_duration(const json::Value& route, const Network& network);

RoutePlan plan_route(const RouteSnapshot& snapshot, WallTime now);

// How the labels of the revisions of a Route's configurations should read: name → active | reserve.
// Revisions that need no change are left out.
std::map<std::string, std::string> routing_states(const std::vector<Object>& revisions,
                                                  const json::Value& traffic);

// `domain`: where config-domain says none.
client::ControllerSpec route_controller(client::Client& client, Clock& clock, std::string domain);

}  // namespace proa::knative
