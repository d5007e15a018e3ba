// What a pod may ask about itself: fieldRef and resourceFieldRef, and quantities ("500m", "2Gi").
//
// Used by environment variables and by downwardAPI volumes. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/json/value.h"

namespace proa::node {

// Kubernetes' resource quantity as a number of units: "500m" → 0.5, "2Gi" → 2147483648.
std::optional<double> parse_quantity(std::string_view text);
double quantity(const json::Value& v, double otherwise = 0);  // text or number

struct PodFacts {
  std::string pod_ip, host_ip, node_name;
  double cpu = 1, memory_bytes = 0;  // of the node: what "no limit" means
};

// metadata.name, .namespace, .uid, .labels['x'], .annotations['x'], .labels, .annotations,
// spec.nodeName, spec.serviceAccountName, status.hostIP(s), status.podIP(s).
Result<std::string> pod_field(const json::Value& pod, const PodFacts& facts, std::string_view path);

// limits.cpu, limits.memory, requests.cpu, … with `divisor`, rounded up.
Result<std::string> resource_field(const json::Value& container, const PodFacts& facts,
                                   const json::Value& ref);

}  // namespace proa::node
