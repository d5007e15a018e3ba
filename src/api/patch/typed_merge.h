// Merging an applied configuration into an object by its type: structs and maps by member, lists by
// their keys, everything atomic as a whole.
//
// Used by server-side apply. Pure, thread-safe.
#pragma once

#include "api/schema/type.h"

namespace proa::api {

void typed_merge(const Type& type, json::Value& object, const json::Value& applied);

// True if merging would change nothing: each value of `applied` is in the object already.
bool covers(const Type& type, const json::Value& object, const json::Value& applied);

}  // namespace proa::api
