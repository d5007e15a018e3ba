#include "platform/knative/garbage.h"

#include <algorithm>

#include "platform/knative/objects/names.h"

namespace proa::knative {
namespace {

WallTime created(const json::Value& revision) {
  return parse_rfc3339(revision["metadata"]["creationTimestamp"].str()).value_or(WallTime());
}

// The last time that a Route began or ceased to refer to it.
WallTime last_active(const json::Value& revision) {
  auto t = parse_rfc3339(revision["metadata"]["annotations"][kRoutingModified].str());
  return t ? *t : created(revision);
}

bool stays(const json::Value& configuration, const json::Value& revision) {
  const json::Value& meta = revision["metadata"];
  return meta["labels"][kRoutingStateLabel].str() != "reserve" || client::deleting(revision) ||
         name_of(revision) == configuration["status"]["latestReadyRevisionName"].str() ||
         name_of(revision) == configuration["status"]["latestCreatedRevisionName"].str() ||
         meta["annotations"]["serving.knative.dev/no-gc"].str() == "true";
}

}  // namespace

GarbagePlan plan_garbage(const json::Value& configuration, const std::vector<Object>& revisions,
                         const GarbageSettings& g, WallTime now) {
  GarbagePlan plan;
  std::vector<Object> idle;
  for (const auto& r : revisions)
    if (!stays(configuration, *r)) idle.push_back(r);
  std::sort(idle.begin(), idle.end(), [](const Object& a, const Object& b) {
    if (last_active(*a) != last_active(*b)) return last_active(*a) < last_active(*b);
    return generation_label(*a) < generation_label(*b);
  });
  int64_t left = static_cast<int64_t>(idle.size());
  std::vector<Object> kept;
  for (const auto& r : idle) {
    // Both ages must have passed; where both are disabled none is too old.
    Duration missing = g.since_create || g.since_active ? Duration::zero() : Duration::max();
    if (g.since_create) missing = std::max(missing, *g.since_create - (now - created(*r)));
    if (g.since_active) missing = std::max(missing, *g.since_active - (now - last_active(*r)));
    if (left > g.min_non_active && missing <= Duration::zero()) {
      plan.remove.push_back(r);
      --left;
      continue;
    }
    if (left > g.min_non_active && missing != Duration::max() &&
        (!plan.again || missing < *plan.again))
      plan.again = missing + std::chrono::seconds(1);
    kept.push_back(r);
  }
  for (size_t i = 0; g.max_non_active && left > *g.max_non_active && i < kept.size(); ++i, --left)
    plan.remove.push_back(kept[i]);
  return plan;
}

}  // namespace proa::knative
