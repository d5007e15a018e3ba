// Doors: the listeners that all Gateways and Services together ask for.
//
// Each object says which pieces of which ports it wants; pieces of one port become one Listener.
// Used by TableBuilder, one thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "platform/gateway/listener.h"

namespace proa::gateway {

struct DoorPiece {
  std::string address;
  uint16_t port = 0;
  Protocol protocol = Protocol::kHttp;
  std::optional<TlsChain> chain;  // for kHttps
  bool cluster = false;
  bool operator==(const DoorPiece&) const = default;
};

class Doors {
 public:
  void set(const std::string& source, std::vector<DoorPiece> pieces);
  // Whether another object holds this port with another protocol.
  bool taken(const std::string& source, uint16_t port, Protocol protocol) const;
  // What there is, and whether that changed since the last take().
  bool changed() const { return changed_; }
  Listeners take();

 private:
  using Address = std::pair<std::string, uint16_t>;
  void remake(const Address& address);
  std::map<std::string, std::vector<DoorPiece>> pieces_;  // by source
  std::map<Address, std::set<std::string>> sources_;
  std::map<Address, Listener> made_;
  bool changed_ = true;
};

}  // namespace proa::gateway
