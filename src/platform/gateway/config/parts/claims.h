// Claims: who says what of which host name, and what the table has of it.
//
// Each object claims names in scopes (RequestFacts::listener); several may claim the same. A change
// of one object's claims touches only the names it had and has. Used by TableBuilder, one thread.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/gateway/table.h"

namespace proa::gateway {

// What goes first when several objects claim one name. The first three are put together, by rank
// and age; of the others the first alone counts.
enum class Rank : uint8_t {
  kVirtualService,
  kGatewayRoute,
  kIngress,
  kAlias,      // a *.localhost name of a VirtualService's host
  kRoute,      // Knative's
  kNameAlias,  // a *.localhost name of a VirtualService
  kService,
  kListener,  // a listener's host that no route takes
};

// Of Gateway API routes: which rule is tried first when several match. Smaller goes first.
struct Order {
  std::array<int64_t, 5> by{};  // path kind, path length, method, headers, query; all as negatives
  std::string since;            // creation time, then name
  uint32_t index = 0;           // of the rule and match within its route
  auto operator<=>(const Order&) const = default;
};

struct Part {
  std::shared_ptr<const Host> host;
  std::vector<Order> order;  // of host->rules; empty: as they are
};

struct Claim {
  uint16_t scope = 0;
  std::string name;
  Rank rank = Rank::kService;
  std::string since;
  std::shared_ptr<const Part> part;  // one of the two
  std::shared_ptr<const Tunnel> tunnel;
};

class Claims {
 public:
  // All that `source` claims from now on.
  void set(const std::string& source, std::vector<Claim> claims);
  bool dirty() const { return !dirty_.empty(); }
  void flush(TableEditor& editor);  // what changed since

 private:
  struct Name {
    uint16_t scope;
    bool tunnel;
    std::string text;
    auto operator<=>(const Name&) const = default;
  };
  struct Held {
    std::string source;
    Claim claim;
  };
  struct NameHash {
    size_t operator()(const Name& n) const {
      return std::hash<std::string>()(n.text) ^ (size_t{n.scope} * 2 + n.tunnel) * 0x9E3779B97F4Aul;
    }
  };
  static std::shared_ptr<const Host> merged(std::vector<const Held*> held);
  std::unordered_map<Name, std::vector<Held>, NameHash> names_;
  std::unordered_map<std::string, std::vector<Name>> of_source_;
  std::set<Name> dirty_;
};

}  // namespace proa::gateway
