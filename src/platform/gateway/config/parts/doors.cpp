#include "platform/gateway/config/parts/doors.h"

#include <algorithm>

namespace proa::gateway {

void Doors::set(const std::string& source, std::vector<DoorPiece> pieces) {
  auto it = pieces_.find(source);
  if (it == pieces_.end() ? pieces.empty() : it->second == pieces) return;
  changed_ = true;
  if (pieces.empty())
    pieces_.erase(it);
  else
    pieces_[source] = std::move(pieces);
}

bool Doors::taken(const std::string& source, uint16_t port, Protocol protocol) const {
  for (const auto& [other, pieces] : pieces_) {
    if (other == source || other.starts_with("service ")) continue;
    for (const DoorPiece& p : pieces)
      if (!p.cluster && p.port == port && p.protocol != protocol) return true;
  }
  return false;
}

const Listeners& Doors::listeners() {
  if (!std::exchange(changed_, false)) return made_;
  std::map<std::pair<std::string, uint16_t>, Listener> by_port;
  for (const auto& [source, pieces] : pieces_) {
    for (const DoorPiece& p : pieces) {
      auto [it, fresh] = by_port.try_emplace({p.address, p.port});
      Listener& l = it->second;
      if (fresh) l.address = p.address, l.port = p.port, l.protocol = p.protocol;
      if (fresh) l.cluster = p.cluster;
      if (l.protocol != p.protocol || !p.chain) continue;  // another protocol: the first stays
      if (std::find(l.chains.begin(), l.chains.end(), *p.chain) == l.chains.end())
        l.chains.push_back(*p.chain);
    }
  }
  made_.clear();
  for (auto& [key, listener] : by_port) made_.push_back(std::move(listener));
  return made_;
}

}  // namespace proa::gateway
