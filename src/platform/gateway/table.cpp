#include "platform/gateway/table.h"

#include <algorithm>
#include <functional>

namespace proa::gateway {

namespace {

// The next wider wildcard name that takes `host`: "a.b.c" → "*.b.c" → "*.c" → "*"; false at the
// end.
bool widen(std::string_view host, size_t& dot, std::string& name) {
  if (dot == std::string_view::npos) return false;
  dot = host.find('.', dot);
  if (dot == std::string_view::npos) {
    name = "*";
    return true;
  }
  name.assign("*").append(host.substr(dot));
  ++dot;
  return true;
}

}  // namespace

uint64_t Table::hash_of(uint16_t scope, std::string_view name, bool tunnel) {
  uint64_t h = std::hash<std::string_view>()(name);
  h ^= (uint64_t{scope} * 2 + tunnel) * 0x9E3779B97F4A7C15ull;
  return h;
}

const Table::Entry* Table::entry(uint16_t scope, std::string_view name, bool tunnel) const {
  const uint64_t hash = hash_of(scope, name, tunnel);
  const Branch* branch = branches_[hash % kBranches].get();
  const Shard* shard = branch ? branch->shards[hash / kBranches % kShards].get() : nullptr;
  if (!shard) return nullptr;
  for (size_t i = 0; i < shard->hashes.size(); ++i)
    if (shard->hashes[i] == hash && shard->entries[i].name == name) return &shard->entries[i];
  return nullptr;
}

const Host* Table::find(std::string_view host, uint16_t listener) const {
  uint16_t scopes[2] = {listener, 0};
  size_t count = listener == 80 || listener == 443 ? 2 : 1;
  if (listener == 0) scopes[1] = 80, count = 2;
  bool wild = false;
  for (size_t i = 0; i < count; ++i) {
    if (const Entry* e = entry(scopes[i], host, false)) return e->host.get();
    wild = wild || wildcards_.contains(scopes[i]);
  }
  if (!wild) return nullptr;
  std::string name;
  for (size_t dot = 0; widen(host, dot, name);)
    for (size_t i = 0; i < count; ++i)
      if (const Entry* e = entry(scopes[i], name, false)) return e->host.get();
  return nullptr;
}

const Tunnel* Table::tunnel(uint16_t listener, std::string_view sni) const {
  if (const Entry* e = entry(listener, sni, true)) return e->tunnel.get();
  std::string name;
  for (size_t dot = 0; widen(sni, dot, name);)
    if (const Entry* e = entry(listener, name, true)) return e->tunnel.get();
  return nullptr;
}

std::vector<std::string> Table::hosts(size_t most) const {
  std::vector<std::string> out;
  for (const auto& branch : branches_) {
    if (!branch) continue;
    for (const auto& shard : branch->shards)
      for (size_t i = 0; shard && i < shard->entries.size() && out.size() < most; ++i)
        if (shard->entries[i].host) out.push_back(shard->entries[i].name);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

const std::vector<std::string>& Table::warnings() const {
  static const std::vector<std::string> kNone;
  return warnings_ ? *warnings_ : kNone;
}

TableEditor::TableEditor(const Table* base)
    : table_(base ? std::make_shared<Table>(*base) : std::make_shared<Table>()) {}

// The shard of this hash, copied from the base table at the first call.
Table::Shard& TableEditor::own(uint64_t hash) {
  const size_t at = hash % Table::kBranches, below = hash / Table::kBranches % Table::kShards;
  auto& branch = branches_[at];
  if (!branch) {
    const auto& base = table_->branches_[at];
    branch = base ? std::make_shared<Table::Branch>(*base) : std::make_shared<Table::Branch>();
    table_->branches_[at] = branch;
  }
  auto& shard = shards_[at * Table::kShards + below];
  if (!shard) {
    const auto& base = branch->shards[below];
    shard = base ? std::make_shared<Table::Shard>(*base) : std::make_shared<Table::Shard>();
    branch->shards[below] = shard;
  }
  return *shard;
}

void TableEditor::put(uint16_t scope, Table::Entry entry, bool tunnel) {
  Table& table = *table_;
  const bool remove = !entry.host && !entry.tunnel;
  const uint64_t hash = Table::hash_of(scope, entry.name, tunnel);
  if (remove && !table.entry(scope, entry.name, tunnel)) return;
  Table::Shard* own = &this->own(hash);
  size_t i = 0;
  while (i < own->hashes.size() && (own->hashes[i] != hash || own->entries[i].name != entry.name))
    ++i;
  const bool there = i < own->hashes.size();
  const bool wild = !tunnel && entry.name.starts_with('*');
  if (remove) {
    if (wild && --table.wildcards_[scope] == 0) table.wildcards_.erase(scope);
    own->hashes.erase(own->hashes.begin() + static_cast<ptrdiff_t>(i));
    own->entries.erase(own->entries.begin() + static_cast<ptrdiff_t>(i));
    --table.size_;
  } else if (there) {
    own->entries[i] = std::move(entry);
  } else {
    if (wild) ++table.wildcards_[scope];
    own->hashes.push_back(hash);
    own->entries.push_back(std::move(entry));
    ++table.size_;
  }
}

void TableEditor::set(uint16_t scope, std::string_view name, std::shared_ptr<const Host> host) {
  put(scope, {std::string(name), std::move(host), nullptr}, false);
}

void TableEditor::offer(std::string_view name, std::shared_ptr<const Host> host) {
  if (!table_->entry(0, name, false)) set(0, name, std::move(host));
}

void TableEditor::set_tunnel(uint16_t scope, std::string_view sni,
                             std::shared_ptr<const Tunnel> tunnel) {
  put(scope, {std::string(sni), nullptr, std::move(tunnel)}, true);
}

void TableEditor::set_warnings(std::shared_ptr<const std::vector<std::string>> warnings) {
  table_->warnings_ = std::move(warnings);
}

std::shared_ptr<const Table> TableEditor::finish() {
  branches_.clear(), shards_.clear();
  return std::move(table_);
}

}  // namespace proa::gateway
