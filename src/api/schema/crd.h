// CustomResourceDefinition objects: shown for the kinds we serve as custom resources, and read when
// a user posts one. Pure, thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "api/schema/schema.h"

namespace proa::api {

// The CRD object of a group's plural (all its versions in the catalog), with structural schemas,
// columns and the conditions Established and NamesAccepted. kNotFound if it is no custom resource.
Result<json::Value> to_crd(const Catalog& catalog, std::string_view group, std::string_view plural,
                           std::string_view now);
std::vector<json::Value> all_crds(const Catalog& catalog, std::string_view now);

// One KindDef for each served version; Catalog::add gives them the type of metadata. kUnprocessable
// with the field and the cause.
Result<std::vector<KindDef>> from_crd(const json::Value& crd);

// status {conditions, acceptedNames, storedVersions} of a CRD that was taken.
void accept_crd(json::Value& crd, std::string_view now);

// An OpenAPI v3 structural schema as Type, in `store`.
Result<const Type*> type_from_openapi(const json::Value& schema, TypeStore& store);

}  // namespace proa::api
