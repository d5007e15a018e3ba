// The objects KServe ships: namespace kserve, ConfigMap inferenceservice-config, the Gateway
// kserve-ingress-gateway, the ClusterServingRuntimes this version can serve.
//
// Applied once at start by app/, before the controllers. The ConfigMap and the Gateway are only
// created, never overwritten: what an administrator changed stays.
#pragma once

#include <string_view>
#include <vector>

#include "client/client.h"

namespace proa::serving {

json::Value config_map(std::string_view domain);
// kserve-sklearnserver, kserve-xgbserver, kserve-lgbserver, kserve-predictiveserver,
// kserve-mlserver.
std::vector<json::Value> runtimes();

// Errors: of the client, naming the object.
Status apply_bootstrap(client::Client& client, std::string_view domain);

}  // namespace proa::serving
