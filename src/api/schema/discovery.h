// Discovery documents: /api, /apis, /apis/G, /api/v1, /apis/G/V, and aggregated discovery v2.
//
// Pure functions of the catalog, thread-safe; callers may cache by Catalog::generation().
#pragma once

#include <string_view>

#include "api/schema/schema.h"

namespace proa::api {

json::Value api_versions(std::string_view server_address);                      // GET /api
json::Value api_group_list(const Catalog& catalog);                             // GET /apis
Result<json::Value> api_group(const Catalog& catalog, std::string_view group);  // GET /apis/G
// GET /api/v1 or /apis/G/V, with subresources (status, scale, pods/log, …).
Result<json::Value> api_resource_list(const Catalog& catalog, std::string_view group,
                                      std::string_view version);
// GET /api or /apis with Accept …;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList
json::Value aggregated_discovery(const Catalog& catalog, bool core);

}  // namespace proa::api
