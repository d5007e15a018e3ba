#include "platform/gateway/config/parts/doors.h"

#include <algorithm>
#include <utility>

namespace proa::gateway {

void Doors::set(const std::string& source, std::vector<DoorPiece> pieces) {
  auto it = pieces_.find(source);
  if (it == pieces_.end() ? pieces.empty() : it->second == pieces) return;
  changed_ = true;
  std::set<Address> touched;
  if (it != pieces_.end()) {
    for (const DoorPiece& p : it->second) {
      touched.insert({p.address, p.port});
      sources_[{p.address, p.port}].erase(source);
    }
    pieces_.erase(it);
  }
  for (const DoorPiece& p : pieces) {
    touched.insert({p.address, p.port});
    sources_[{p.address, p.port}].insert(source);
  }
  if (!pieces.empty()) pieces_[source] = std::move(pieces);
  for (const Address& address : touched) remake(address);
}

bool Doors::taken(const std::string& source, uint16_t port, Protocol protocol) const {
  auto it = sources_.find({"", port});
  if (it == sources_.end()) return false;
  for (const std::string& other : it->second) {
    if (other == source) continue;
    for (const DoorPiece& p : pieces_.at(other))
      if (p.address.empty() && p.port == port && p.protocol != protocol) return true;
  }
  return false;
}

void Doors::remake(const Address& address) {
  made_.erase(address);
  auto it = sources_.find(address);
  if (it == sources_.end()) return;
  if (it->second.empty()) {
    sources_.erase(it);
    return;
  }
  Listener& l = made_[address];
  bool fresh = true;
  for (const std::string& source : it->second) {
    for (const DoorPiece& p : pieces_.at(source)) {
      if (p.address != address.first || p.port != address.second) continue;
      if (std::exchange(fresh, false))
        l.address = p.address, l.port = p.port, l.protocol = p.protocol, l.cluster = p.cluster;
      if (l.protocol != p.protocol || !p.chain) continue;  // another protocol: the first stays
      if (std::find(l.chains.begin(), l.chains.end(), *p.chain) == l.chains.end())
        l.chains.push_back(*p.chain);
    }
  }
}

Listeners Doors::take() {
  changed_ = false;
  Listeners out;
  out.reserve(made_.size());
  for (const auto& [address, listener] : made_) out.push_back(listener);
  return out;
}

}  // namespace proa::gateway
