#include "platform/autoscaling/behavior.h"

#include <algorithm>
#include <cmath>

namespace proa::autoscaling {
namespace {

constexpr size_t kMostRemembered = 2000;  // an hour of decisions, and some

int64_t changes(const std::deque<ScaleEvent>& events, MonoTime since) {
  int64_t sum = 0;
  for (const auto& e : events)
    if (e.at > since) sum += e.change;
  return sum;
}

int64_t up_limit(const ScalingRules& rules, const History& h, int64_t current, MonoTime now) {
  if (rules.select == ScalingRules::kDisabled) return current;
  const bool least = rules.select == ScalingRules::kMin;
  int64_t limit = least ? INT32_MAX : INT32_MIN;
  for (const auto& p : rules.policies) {
    const MonoTime since = now - p.period;
    const int64_t before = current - changes(h.ups, since) + changes(h.downs, since);
    const int64_t allowed =
        p.percent ? static_cast<int64_t>(std::ceil(static_cast<double>(before) *
                                                   (1 + static_cast<double>(p.value) / 100)))
                  : before + p.value;
    limit = least ? std::min(limit, allowed) : std::max(limit, allowed);
  }
  return std::max(limit, current);
}

int64_t down_limit(const ScalingRules& rules, const History& h, int64_t current, MonoTime now) {
  if (rules.select == ScalingRules::kDisabled) return current;
  const bool least = rules.select == ScalingRules::kMin;  // the least change: the largest limit
  int64_t limit = least ? INT32_MIN : INT32_MAX;
  for (const auto& p : rules.policies) {
    const MonoTime since = now - p.period;
    const int64_t before = current - changes(h.ups, since) + changes(h.downs, since);
    const int64_t allowed = p.percent
                                ? static_cast<int64_t>(static_cast<double>(before) *
                                                       (1 - static_cast<double>(p.value) / 100))
                                : before - p.value;
    limit = least ? std::max(limit, allowed) : std::min(limit, allowed);
  }
  return std::min(limit, current);
}

int64_t stabilized(const HpaSpec& spec, History& h, int64_t current, int64_t recommended,
                   MonoTime now) {
  int64_t low = recommended, high = recommended;
  for (const auto& r : h.recommendations) {
    if (r.at > now - spec.up.window) low = std::min(low, r.replicas);
    if (r.at > now - spec.down.window) high = std::max(high, r.replicas);
  }
  const Duration longest = std::max(spec.up.window, spec.down.window);
  while (!h.recommendations.empty() && (h.recommendations.front().at <= now - longest ||
                                        h.recommendations.size() >= kMostRemembered))
    h.recommendations.pop_front();
  h.recommendations.push_back({now, recommended});
  int64_t out = current;
  if (out < low) out = low;
  if (out > high) out = high;
  return out;
}

}  // namespace

Normalized normalize(const HpaSpec& spec, History& h, int64_t current, int64_t recommended,
                     MonoTime now) {
  Normalized out;
  const int64_t wanted = stabilized(spec, h, current, recommended, now);
  if (wanted == recommended)
    out.able = {"True", "ReadyForNewScale", "recommended size matches current size"};
  else if (recommended >= current)
    out.able = {"True", "ScaleUpStabilized",
                "recent recommendations were lower than current one, applying the lowest recent "
                "recommendation"};
  else
    out.able = {"True", "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent "
                "recommendation"};
  out.replicas = wanted;
  out.limited = {"False", "DesiredWithinRange", "the desired count is within the acceptable range"};
  if (wanted > current) {
    const int64_t rate = up_limit(spec.up, h, current, now);
    if (wanted > std::min(rate, spec.max))
      out.limited = rate < spec.max
                        ? Explained{"True", "ScaleUpLimit",
                                    "the desired replica count is increasing faster than the "
                                    "maximum scale rate"}
                        : Explained{"True", "TooManyReplicas",
                                    "the desired replica count is more than the maximum replica "
                                    "count"};
    out.replicas = std::min({wanted, rate, spec.max});
  } else if (wanted < current) {
    const int64_t rate = down_limit(spec.down, h, current, now);
    if (wanted < std::max(rate, spec.min))
      out.limited = rate > spec.min
                        ? Explained{"True", "ScaleDownLimit",
                                    "the desired replica count is decreasing faster than the "
                                    "maximum scale rate"}
                        : Explained{"True", "TooFewReplicas",
                                    "the desired replica count is less than the minimum replica "
                                    "count"};
    out.replicas = std::max({wanted, rate, spec.min});
  }
  return out;
}

void note_change(const HpaSpec& spec, History& h, int64_t from, int64_t to, MonoTime now) {
  auto note = [&](std::deque<ScaleEvent>& events, const ScalingRules& rules, int64_t change) {
    Duration longest{};
    for (const auto& p : rules.policies) longest = std::max(longest, p.period);
    for (const auto& p : (&rules == &spec.up ? spec.down : spec.up).policies)
      longest = std::max(longest, p.period);
    while (!events.empty() &&
           (events.front().at <= now - longest || events.size() >= kMostRemembered))
      events.pop_front();
    events.push_back({now, change});
  };
  if (to > from) note(h.ups, spec.up, to - from);
  if (to < from) note(h.downs, spec.down, from - to);
}

}  // namespace proa::autoscaling
