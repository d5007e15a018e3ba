// Which old revisions of a Configuration go, by config-gc. Pure.
#pragma once

#include <optional>
#include <vector>

#include "platform/knative/objects/objects.h"
#include "platform/knative/settings/settings.h"

namespace proa::knative {

struct GarbagePlan {
  std::vector<Object> remove;
  std::optional<Duration> again;  // when the next one may be old enough
};

// `revisions` are those that the Configuration controls. Those that a Route refers to, the latest
// ready one, those that may still become it, and those marked serving.knative.dev/no-gc stay.
GarbagePlan plan_garbage(const json::Value& configuration, const std::vector<Object>& revisions,
                         const GarbageSettings& settings, WallTime now);

}  // namespace proa::knative
