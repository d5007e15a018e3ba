#include "platform/gateway/config/parts/claims.h"

#include <algorithm>
#include <tuple>

#include "foundation/base/strings.h"

namespace proa::gateway {

void Claims::set(const std::string& source, std::vector<Claim> claims) {
  auto old = of_source_.find(source);
  if (old != of_source_.end()) {
    for (const Name& name : old->second) {
      auto held = names_.find(name);
      if (held == names_.end()) continue;
      std::erase_if(held->second, [&](const Held& h) { return h.source == source; });
      if (held->second.empty()) names_.erase(held);
      dirty_.insert(name);
    }
    of_source_.erase(old);
  }
  if (claims.empty()) return;
  std::vector<Name>& mine = of_source_[source];
  for (Claim& claim : claims) {
    Name name{claim.scope, claim.tunnel != nullptr, claim.name};
    dirty_.insert(name);
    std::vector<Held>& held = names_[name];
    // Of several claims of one object to one name (by two listeners of a port, by two hosts to a
    // *.localhost name) the one with the best rank counts, else the first.
    auto own = std::find_if(held.begin(), held.end(), [&](auto& h) { return h.source == source; });
    if (own != held.end()) {
      if (claim.rank < own->claim.rank) own->claim = std::move(claim);
      continue;
    }
    held.push_back({source, std::move(claim)});
    mine.push_back(std::move(name));
  }
}

std::shared_ptr<const Host> Claims::merged(std::vector<const Held*> held) {
  auto host = std::make_shared<Host>(*held[0]->claim.part->host);
  std::vector<Order> order = held[0]->claim.part->order;
  order.resize(host->rules.size());
  for (size_t i = 1; i < held.size(); ++i) {
    const Part& part = *held[i]->claim.part;
    if (!contains(host->source, part.host->source)) host->source += ", " + part.host->source;
    host->rules.insert(host->rules.end(), part.host->rules.begin(), part.host->rules.end());
    order.insert(order.end(), part.order.begin(), part.order.end());
    order.resize(host->rules.size());
  }
  const Rank rank = held[0]->claim.rank;
  std::vector<size_t> at(host->rules.size());
  for (size_t i = 0; i < at.size(); ++i) at[i] = i;
  auto first = [&](size_t a, size_t b) {
    if (rank != Rank::kVirtualService) return order[a] < order[b];
    // Istio: rules without a match go behind all others.
    return !host->rules[a].matches.empty() && host->rules[b].matches.empty();
  };
  std::stable_sort(at.begin(), at.end(), first);
  std::vector<Rule> rules;
  rules.reserve(at.size());
  for (size_t i : at) rules.push_back(std::move(host->rules[i]));
  host->rules = std::move(rules);
  return host;
}

void Claims::flush(TableEditor& editor) {
  for (const Name& name : dirty_) {
    auto found = names_.find(name);
    if (found == names_.end()) {
      name.tunnel ? editor.set_tunnel(name.scope, name.text, nullptr)
                  : editor.set(name.scope, name.text, nullptr);
      continue;
    }
    std::vector<const Held*> held;
    for (const Held& h : found->second) held.push_back(&h);
    std::sort(held.begin(), held.end(), [](const Held* a, const Held* b) {
      return std::tie(a->claim.rank, a->claim.since, a->source) <
             std::tie(b->claim.rank, b->claim.since, b->source);
    });
    if (name.tunnel) {
      editor.set_tunnel(name.scope, name.text, held[0]->claim.tunnel);
      continue;
    }
    const Rank rank = held[0]->claim.rank;
    const bool together = rank <= Rank::kIngress;
    std::erase_if(held, [&](const Held* h) { return h != held[0] && h->claim.rank != rank; });
    if (!together || held.size() == 1)
      editor.set(name.scope, name.text, held[0]->claim.part->host);
    else
      editor.set(name.scope, name.text, merged(std::move(held)));
  }
  dirty_.clear();
}

}  // namespace proa::gateway
