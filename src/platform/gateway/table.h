// TableEditor makes a changed copy of a route table (route.h: Table) at the cost of what changes.
//
// Used by gateway/config, and by tests, on one thread. The table edited stays as it is.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/gateway/route.h"

namespace proa::gateway {

class TableEditor {
 public:
  explicit TableEditor(const Table* base = nullptr);
  // scope: 0 for what is served everywhere, else a listener's logical port. nullptr removes.
  void set(uint16_t scope, std::string_view name, std::shared_ptr<const Host> host);
  void offer(std::string_view name, std::shared_ptr<const Host> host);  // scope 0; the first stays
  // sni: a name, "*.name", or "*" for every one and for none.
  void set_tunnel(uint16_t scope, std::string_view sni, std::shared_ptr<const Tunnel> tunnel);
  void set_warnings(std::shared_ptr<const std::vector<std::string>> warnings);
  std::shared_ptr<const Table> finish();  // once

 private:
  void put(uint16_t scope, Table::Entry entry, bool tunnel);
  std::shared_ptr<Table> table_;
  Table::Shard& own(uint64_t hash);
  // What is this editor's own, not the base table's.
  std::map<size_t, std::shared_ptr<Table::Branch>> branches_;
  std::map<size_t, std::shared_ptr<Table::Shard>> shards_;
};

}  // namespace proa::gateway
