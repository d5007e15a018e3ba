// Rollout: how the newest revision takes over from the one before, all at once or gradually
// (serving.knative.dev/rollout-duration). Pure; the state travels in the Route's
// status.annotations, so that a restart goes on where it was.
//
// The newest revision begins with 1 %, and grows in whole percents, evenly over the duration; what
// it gains the oldest of the others loses first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/json/value.h"

namespace proa::knative {

inline constexpr const char* kRolloutAnnotation = "serving.knative.dev/rollout";

struct Share {
  std::string revision;
  int64_t percent = 0;
  bool operator==(const Share&) const = default;
};

// One traffic target that follows a Configuration.
struct Shift {
  std::string configuration, tag;
  int64_t percent = 100;          // of the Route's requests, all shares together
  std::vector<Share> shares;      // oldest first, the newest revision last
  std::optional<WallTime> since;  // set: still moving
  bool operator==(const Shift&) const = default;
};

std::vector<Shift> parse_rollout(std::string_view text);  // what cannot be read counts as nothing
std::string dump_rollout(const std::vector<Shift>& shifts);

// `goal`: configuration, tag, percent, and the newest revision as its only share. `before` may be
// null. *again: when the next percent is due.
Shift advance(const Shift* before, const Shift& goal, Duration duration, WallTime now,
              std::optional<Duration>* again);

}  // namespace proa::knative
