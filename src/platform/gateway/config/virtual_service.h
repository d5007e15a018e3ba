// Reading a VirtualService (networking.istio.io/v1, v1beta1) into rules. Pure.
//
// Destinations stay names here; table_builder.h resolves them. A field that this gateway does not
// carry out is never silently dropped: it is named in `warnings`.
#pragma once

#include <string>
#include <vector>

#include "foundation/json/value.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

struct NamedDestination {
  std::string host;  // as written
  uint16_t port = 0;
  uint32_t weight = 0;
  HeaderChange request, response;
};

struct RuleSource {
  Rule rule;  // without destinations
  std::vector<NamedDestination> to;
};

struct VirtualService {
  std::string ns, name, created;
  std::vector<std::string> hosts;  // lower case
  std::vector<std::string> gateways;
  std::vector<RuleSource> rules;
  std::vector<std::string> warnings;
};

VirtualService read_virtual_service(const json::Value& object);

}  // namespace proa::gateway
