// Sets of fields in the fieldsV1 form that metadata.managedFields keeps:
// {"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}}}}}
//
// "." means the node itself, an empty object is a leaf. All functions work on that JSON itself, so
// nothing is converted. Pure, thread-safe. Format: KEP-555, structured-merge-diff.
#pragma once

#include <string>
#include <vector>

#include "api/schema/type.h"

namespace proa::api {

using FieldSet = json::Value;

FieldSet fields_of(const Type& type, const json::Value& object);  // every field that is there
bool empty_set(const FieldSet& set);
FieldSet set_union(const FieldSet& a, const FieldSet& b);
FieldSet set_minus(const FieldSet& a, const FieldSet& b);  // leaves of a that are not in b
FieldSet set_common(const FieldSet& a, const FieldSet& b);

// Fields of `after` that are new or differ, and fields of `before` that are gone.
struct Comparison {
  FieldSet changed, removed;
  bool same() const;
};
Comparison compare(const Type& type, const json::Value& before, const json::Value& after);

// Takes the set's fields out of the object.
void remove_fields(const Type& type, json::Value& object, const FieldSet& set);

// ".spec.containers[name=\"a\"].image" for each leaf, as in conflict messages.
std::vector<std::string> paths_of(const FieldSet& set);

// The `k:{…}` name of an item of a map-like list; "" if a key is missing and has no default.
std::string item_key(const Type& list, const json::Value& item);

}  // namespace proa::api
