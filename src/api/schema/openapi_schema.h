// Types as OpenAPI schemas: with $ref to named ones (API documents), or written out (CRDs).
//
// Used by openapi.cpp and crd.cpp. Pure.
#pragma once

#include <set>
#include <string>

#include "api/schema/type.h"

namespace proa::api {

class SchemaWriter {
 public:
  // refs: named structs become $ref and are noted in `wanted`; else written out down to `depth`.
  SchemaWriter(bool refs, int depth) : refs_(refs), depth_(depth) {}

  json::Value write(const Type& type, int level = 0);  // the struct itself, never a $ref
  json::Value reference(const Type& type, int level);  // as a field's or item's schema
  std::set<const Type*> wanted;
  std::set<std::string> scalars;  // names of shared scalar schemas that were referred to

  static json::Value scalar_component(std::string_view name);  // Time, Quantity, …

 private:
  json::Value field(const Field& f, int level);
  json::Value list(const Type& type, int level);
  json::Value scalar(Base base);

  bool refs_;
  int depth_;
};

void add_rules(const Rules& rules, json::Value& schema);

}  // namespace proa::api
