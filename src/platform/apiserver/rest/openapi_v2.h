// /openapi/v2 in its protobuf form (package openapi.v2 of gnostic), the only one that kubectl asks
// for. Pure.
#pragma once

#include <string>

#include "foundation/json/value.h"

namespace proa::apiserver {

inline constexpr std::string_view kOpenapiV2Protobuf =
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";  // as asked for
inline constexpr std::string_view kOpenapiV2Answer =
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";  // "@" is no token

// `document` as api::openapi_v2() makes it.
std::string openapi_v2_protobuf(const json::Value& document);

}  // namespace proa::apiserver
