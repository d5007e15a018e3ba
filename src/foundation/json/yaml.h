// YAML to json::Value, by libyaml's events: one document or a stream of several.
//
// Used for API bodies (application/yaml, apply-patch+yaml), configuration and tests. Tags never
// construct anything; anchors and aliases are taken, with a bound on what they expand to.
// Errors: kInvalid with line and column. Untagged scalars resolve as in YAML 1.2's core schema, and
// yes/no/on/off stay text, as Kubernetes' YAML library of today does for untyped values.
#pragma once

#include <string_view>
#include <vector>

#include "foundation/json/value.h"

namespace proa::json {

Result<Value> parse_yaml(std::string_view text, Limits limits = {});  // exactly one
Result<std::vector<Value>> parse_yaml_stream(std::string_view text, Limits limits = {});
std::string dump_yaml(const Value& v);  // block style, keys sorted

}  // namespace proa::json
