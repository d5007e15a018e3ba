#include "platform/autoscaling/usage_log.h"

#include <algorithm>

namespace proa::autoscaling {
namespace {

constexpr Duration kShortest = std::chrono::seconds(1);  // less says too little of a rate
constexpr size_t kMostLooks = 64;

}  // namespace

std::vector<Sample> UsageLog::look(PodUsage& source, const client::Key& key, MonoTime now,
                                   WallTime wall) {
  std::vector<Sample> out;
  std::vector<ContainerUse> uses = source.usage(key);
  if (uses.empty()) {
    pods_.erase(key);
    return out;
  }
  Pod& pod = pods_[key];
  pod.at = now;
  for (const ContainerUse& use : uses) {
    Run& run = pod.runs[use.name];
    if (run.started != use.started_nanos) run = {use.started_nanos, {}};
    while (run.looks.size() > 1 &&
           (run.looks[1].at <= now - kWindow || run.looks.size() >= kMostLooks))
      run.looks.pop_front();
    if (run.looks.empty() || run.looks.back().at < now) run.looks.push_back({now, use.cpu_seconds});
    Sample s{use.name, std::nullopt, use.memory_bytes, wall, kWindow};
    if (const Duration since = now - run.looks.front().at; since >= kShortest)
      s.cpu_millis =
          std::max(0.0, use.cpu_seconds - run.looks.front().cpu_seconds) * 1000 / seconds(since);
    out.push_back(std::move(s));
  }
  return out;
}

void UsageLog::forget_before(MonoTime time) {
  std::erase_if(pods_, [&](const auto& p) { return p.second.at < time; });
}

}  // namespace proa::autoscaling
