// OpenAPI v3 as kubectl reads it (apply, explain, create --validate): an index with hashes, one
// document for each group-version, and one type as a structural schema.
//
// Made on demand from the catalog; callers may cache by Catalog::generation(). Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "api/schema/schema.h"

namespace proa::api {

// GET /openapi/v3: {"paths": {"apis/apps/v1": {"serverRelativeURL":
// "/openapi/v3/apis/apps/v1?hash=…"}}}
json::Value openapi_index(const Catalog& catalog);

// GET /openapi/v3/api/v1 or /openapi/v3/apis/G/V; `path` is "api/v1" or "apis/apps/v1".
// kNotFound if no kind is there. As text, since the core document is large.
Result<std::string> openapi_document(const Catalog& catalog, std::string_view path);

// Changes with every change of what the catalog says.
std::string openapi_hash(const Catalog& catalog, std::string_view path);

// GET /openapi/v2, JSON form: the patch operation of every kind with its query parameters, which is
// what kubectl looks for there (whether a kind takes fieldValidation). Types are in v3 only.
json::Value openapi_v2(const Catalog& catalog);

// The type written out (no $ref), as in a CRD's openAPIV3Schema. Deeper than `depth` structs become
// open objects.
json::Value structural_schema(const Type& type, int depth = 12);

}  // namespace proa::api
