// Reads the tables of kinds (format: src/api/kinds/README.md) into types and kinds.
//
// Used by Catalog::built_in only, once, on one thread. The texts must outlive the store.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds/tables.h"
#include "api/schema/schema.h"

namespace proa::api {

class TableReader {
 public:
  explicit TableReader(TypeStore& store) : store_(store) {}  // store must outlive this

  Status read(const std::vector<KindTable>& tables);

  std::vector<KindDef> kinds;
  std::vector<std::pair<std::string, std::string>> packages;  // apiVersion, full name

 private:
  struct Package {
    std::string_view alias, full, group, version;
  };
  struct Line {
    std::string_view text;
    const Package* package;
    std::string_view file;
    int number;
  };
  struct Message {
    Type* type;
    const Package* package;
    std::vector<Line> lines;
    int state = 0;
  };

  Status scan(const KindTable& table);
  Status directive(const Line& line);
  Status add_kind(const Line& line, const std::vector<std::string_view>& words);
  Status fill(Message& message);
  Status add_field(Message& message, const Line& line);
  Status inline_fields(Message& message, const Line& line,
                       const std::vector<std::string_view>& words);
  Status flag(Field& field, Rules& rules, bool& ruled, std::string_view word, const Line& line);
  Result<Type*> type_of(std::string_view text, const Line& line);
  Result<Message*> message_of(std::string_view name, const Line& line);
  static Error broken(const Line& line, std::string_view what);

  TypeStore& store_;
  std::map<std::string_view, Package> packages_;          // by alias
  std::map<std::string, Message, std::less<>> messages_;  // "alias.Name"
  const Package* current_ = nullptr;
  Message* open_ = nullptr;
};

}  // namespace proa::api
