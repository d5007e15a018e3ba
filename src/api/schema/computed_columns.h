// Columns of built-in kinds that no JSON path can say: pod readiness, service ports, …
//
// Used by columns.cpp; names are those after '=' in src/api/kinds/builtin.kinds. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "api/schema/columns.h"

namespace proa::api {

// The cell, or nullopt if the name is unknown (a mistake in the tables; a test looks for them).
std::optional<json::Value> computed_cell(std::string_view name, const json::Value& object,
                                         WallTime now);
std::optional<json::Value> pod_cell(std::string_view name, const json::Value& object, WallTime now);

// The age of a timestamp, "<unknown>" if there is none.
std::string since(const json::Value& timestamp, WallTime now);

}  // namespace proa::api
