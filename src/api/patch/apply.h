// Server-side apply and the upkeep of metadata.managedFields.
//
// Used by the API server for every write. Pure, thread-safe; on the cold-start path, so an apply
// that changes nothing is found out without a copy of the object. Rules: KEP-555.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema/schema.h"

namespace proa::api {

struct Writer {
  std::string_view manager;
  std::string_view subresource;  // "" or "status" or "scale"
  std::string_view now;          // RFC 3339
};

struct Conflict {
  std::string manager;  // as printed: `"kubectl" using apps/v1 at 2026-…`
  std::string path;     // ".spec.replicas"
};

struct Applied {
  bool changed = false;             // false: nothing to write, `object` is null
  json::Value object;               // with its managedFields
  std::vector<Conflict> conflicts;  // not empty only without force; then nothing is changed
};

// `live` null: creates. Prune `fields` first; defaults come after. kInvalid: managedFields in the
// applied object, no manager, … Without the status subresource named, the status of `fields` is
// ignored where the kind has that subresource; with it, only status counts.
Result<Applied> server_side_apply(const KindDef& kind, const json::Value& live,
                                  const json::Value& fields, const Writer& writer, bool force);

// `Apply failed with 1 conflict: conflict with "a": .spec.replicas`
std::string conflict_message(const std::vector<Conflict>& conflicts);
json::Value conflict_status(const KindDef& kind, std::string_view name,
                            const std::vector<Conflict>& conflicts);  // 409, reason Conflict

// After a create, update or patch by `writer` (live null: create): who owns what now. Sets
// object.metadata.managedFields. The list that the object itself carries is the starting point (a
// client may edit it); live's if it carries none; [{}] clears it, as in Kubernetes.
void track_update(const KindDef& kind, const json::Value& live, json::Value& object,
                  const Writer& writer);

// Equal but for metadata.managedFields' times and metadata.resourceVersion: the write can be
// skipped.
bool same_object(const json::Value& a, const json::Value& b);

}  // namespace proa::api
