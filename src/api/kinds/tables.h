// The tables of all kinds, as text embedded in the program (*.kinds here; format: kinds/README.md).
//
// Read by Catalog::built_in only. The text lives in the program's read-only pages.
#pragma once

#include <string_view>
#include <vector>

namespace proa::api {

struct KindTable {
  std::string_view file;  // "core.kinds"
  std::string_view text;
};

std::vector<KindTable> kind_tables();

}  // namespace proa::api
