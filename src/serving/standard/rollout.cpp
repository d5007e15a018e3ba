#include "serving/standard/rollout.h"

#include <algorithm>

#include "client/client.h"
#include "serving/standard/plan.h"

namespace proa::serving::standard {

bool available(const json::Value* d) { return d && client::condition_is(*d, "Available", "True"); }

bool rolled_out(const json::Value* d) {
  if (!available(d)) return false;
  const auto& status = (*d)["status"];
  return status["observedGeneration"].integer() >= (*d)["metadata"]["generation"].integer(1) &&
         client::condition(*d, "Progressing")["reason"].str() == "NewReplicaSetAvailable" &&
         status["updatedReplicas"].integer() == status["replicas"].integer();
}

Rollout decide_rollout(const RolloutInput& in) {
  Rollout out;
  if (!in.stable) return out;
  const auto has = [&](const json::Value* d) {
    return d && (*d)["metadata"]["annotations"][kTemplateAnnotation].str() == in.fingerprint;
  };
  const bool changed = !has(in.stable);
  if (changed && in.percent.is_int() && in.percent.integer() < 100) {
    out.hold = out.canary = true;
  } else if (has(in.canary)) {
    out.promote = changed || !rolled_out(in.stable);
  }
  return out;
}

std::vector<Share> shares(const std::string& stable, bool stable_ready,
                          const std::vector<Candidate>& candidates, const std::string& fallback) {
  if (!stable_ready && !fallback.empty()) return {{fallback, 100}};
  int64_t rest = 100;
  std::vector<Share> out;
  for (const auto& c : candidates) {
    const auto percent = c.ready ? std::clamp<int64_t>(c.wanted, 0, rest) : 0;
    if (!stable_ready && c.ready) return {{c.service, 100}};
    rest -= percent;
    if (c.ready) out.push_back({c.service, percent});
  }
  out.insert(out.begin(), Share{stable, rest});
  return out;
}

int64_t canary_replicas(const json::Value& canary, const json::Value& stable_predictor) {
  const auto& own = canary["predictor"]["minReplicas"];
  if (own.is_int() && own.integer() > 0) return own.integer();
  const auto stable = std::max<int64_t>(1, stable_predictor["minReplicas"].integer(1));
  return std::max<int64_t>(1, (stable * canary["trafficPercent"].integer() + 99) / 100);
}

}  // namespace proa::serving::standard
