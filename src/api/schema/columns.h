// Tables (meta.k8s.io/v1 Table): what `kubectl get` prints, made by the server.
//
// Pure, thread-safe. `now` decides the AGE texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema/schema.h"
#include "foundation/base/clock.h"

namespace proa::api {

enum class IncludeObject { kNone, kMetadata, kObject };  // ?includeObject=, "" is Metadata
Result<IncludeObject> parse_include_object(std::string_view text);

// A Table of the objects, in their order. with_definitions false: rows of a watch after the first.
json::Value table(const KindDef& kind, const std::vector<client::Object>& objects,
                  const json::Value& list_metadata, IncludeObject include, WallTime now,
                  bool with_definitions = true);
json::Value table_row(const KindDef& kind, const json::Value& object, IncludeObject include,
                      WallTime now);

// meta.k8s.io/v1 PartialObjectMetadata of an object (Accept …;as=PartialObjectMetadata).
json::Value partial_metadata(const json::Value& object);

std::string age_text(Duration age);  // "5s", "3m12s", "2d4h", as kubectl

struct PodSummary {
  int64_t ready = 0, total = 0, restarts = 0;
  std::string status;         // Running, Init:0/1, CrashLoopBackOff, Completed, Terminating, …
  std::string restarts_text;  // "3 (5m ago)"
};
PodSummary summarize_pod(const json::Value& pod, WallTime now);

}  // namespace proa::api
