// Reading a VirtualService (networking.istio.io/v1, v1beta1) into rules. Pure.
//
// Destinations stay names here; Cluster resolves them. A field that this gateway does not carry out
// is never silently dropped: it is named in `warnings`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "foundation/json/value.h"
#include "platform/gateway/config/parts/names.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

struct NamedDestination {
  std::string host;  // as written
  uint16_t port = 0;
  std::string subset;
  uint32_t weight = 0;  // of a mirror: parts of a million
  HeaderChange request, response;
};

struct RuleSource {
  Rule rule;  // without destinations
  std::vector<NamedDestination> to, mirrors;
  std::optional<client::Key> delegate;
  bool has_timeout = false;
};

// A tls or tcp route.
struct ByteRule {
  struct Match {
    std::vector<std::string> hosts;  // SNI; empty for tcp
    uint16_t port = 0;               // 0: any
    std::vector<std::string> gateways;
  };
  std::vector<Match> matches;  // empty: all of tcp
  std::vector<NamedDestination> to;
};

struct VirtualService {
  std::string ns, name, created;
  std::vector<std::string> hosts;  // lower case
  std::vector<std::string> gateways;
  std::vector<RuleSource> rules;
  std::vector<ByteRule> bytes;
  std::vector<std::string> warnings;  // each begins with the field's path
};

VirtualService read_virtual_service(const json::Value& object);

// Its rules with those that delegate replaced by the delegates' (one level, as Istio has it). find:
// nullptr if there is none. What cannot be combined goes to `warnings`.
std::vector<RuleSource> with_delegates(
    const VirtualService& vs, const std::function<const VirtualService*(const client::Key&)>& find,
    Uses& uses, std::vector<std::string>& warnings);

// Parts of its readers that HTTPRoutes need too.
HeaderChange read_header_change(const json::Value& operations);
std::shared_ptr<const Pattern> read_pattern(const std::string& text, std::string_view where,
                                            std::vector<std::string>& warnings);
uint32_t share_of(double percent);  // parts of a million

}  // namespace proa::gateway
