// Strategic merge of pod fields, and the placeholders in a runtime's strings.
//
// Used by the planner. Pure.
#pragma once

#include <string_view>

#include "foundation/json/value.h"

namespace proa::serving {

// Merges `patch` into `base`: objects by key, lists of named things (containers, env, volumes,
// volumeMounts, ports, …) by their merge key with new ones appended, other lists replaced.
// A null removes. `field` is the name of the field that holds them ("" for a container or pod
// spec).
void strategic_merge(json::Value& base, const json::Value& patch, std::string_view field = "");

// Fills {{.Name}}, {{.Namespace}}, {{.Labels.x}}, {{.Annotations.x}}, {{index .Labels "x"}} (also
// Annotations) in every string below `v`, from an object's metadata. A label or annotation that is
// not there gives "<no value>", as Go's templates do. Errors: kInvalid naming the placeholder.
Status fill_placeholders(json::Value& v, const json::Value& metadata);

}  // namespace proa::serving
