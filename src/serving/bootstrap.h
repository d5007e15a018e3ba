// The objects KServe ships: namespace kserve, ConfigMap inferenceservice-config, the
// ClusterServingRuntimes this version can serve; and the Gateway kserve-ingress-gateway, once
// enableGatewayApi asks for it.
//
// Applied once at start by app/, before the controllers. The ConfigMap and the Gateway are only
// created, never overwritten: what an administrator changed stays.
#pragma once

#include <string_view>
#include <vector>

#include "client/client.h"

namespace proa::serving {

json::Value config_map(std::string_view domain);
// KServe's default ones, by its names, and kserve-openvino. docs/FORMATS.md lists them.
std::vector<json::Value> runtimes();

// The Gateway that HTTPRoutes of Standard mode hang on, if it is not there. Used by the controller.
Status ensure_ingress_gateway(client::Client& client);

// Errors: of the client, naming the object.
Status apply_bootstrap(client::Client& client, std::string_view domain);

}  // namespace proa::serving
