// Kubernetes' protobuf bodies (application/vnd.kubernetes.protobuf) to json::Value, by the tables.
//
// Format: "k8s\0", then runtime.Unknown {1: TypeMeta {1: apiVersion, 2: kind}, 2: raw, 3:
// contentEncoding, 4: contentType}; raw is the message of that type. Answers are always JSON, so
// nothing is encoded here. Foreign bytes: bounded, never trusted. Pure and thread-safe.
#pragma once

#include <string_view>

#include "api/schema/schema.h"

namespace proa::api {

bool is_protobuf(std::string_view body);  // starts with the magic

// The object with apiVersion and kind set. kInvalid: broken bytes, deeper than 100, or a
// contentType other than protobuf or JSON; kUnsupportedMedia: a type that is not in the catalog.
Result<json::Value> decode_protobuf(const Catalog& catalog, std::string_view body);

// One message without the envelope.
Result<json::Value> decode_message(const Type& type, std::string_view bytes);

}  // namespace proa::api
