// PMML's built-in functions. Private to this folder.
#pragma once

#include <span>
#include <string_view>

#include "models/engines/pmml/core/row.h"

namespace proa::pmml {

using Function = Value (*)(std::span<const Value> arguments, Row& row);
struct BuiltIn {
  std::string_view name;
  size_t least, most;  // arguments
  bool takes_missing;  // else a missing argument makes the result missing
  Function function;
};
const BuiltIn* built_in(std::string_view name);  // null: not known

}  // namespace proa::pmml
