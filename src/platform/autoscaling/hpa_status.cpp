#include "platform/autoscaling/hpa_status.h"

#include "foundation/base/strings.h"

namespace proa::autoscaling {

Joined join_proposals(const std::vector<Proposal>& proposals, int64_t current) {
  Joined out;
  out.currents = json::Array();
  const Proposal* first_bad = nullptr;
  size_t bad = 0;
  for (const Proposal& p : proposals) {
    if (!p.trouble.empty()) {
      if (!first_bad) first_bad = &p;
      ++bad;
      continue;
    }
    out.currents.push(p.current);
    if (out.metric.empty() || p.replicas > out.replicas) {
      out.replicas = p.replicas;
      out.metric = p.metric;
    }
  }
  if (bad == proposals.size() || (bad > 0 && out.replicas < current)) {
    out.trouble = str("invalid metrics (", bad, " invalid out of ", proposals.size(),
                      "), first error is: ", first_bad ? first_bad->trouble : "none is given");
    out.active = {"False", first_bad ? first_bad->reason : "InvalidMetricSourceType",
                  str("the HPA was unable to compute the replica count: ",
                      first_bad ? first_bad->trouble : "no metric is given")};
    return out;
  }
  out.active = {
      "True", "ValidMetricFound",
      str("the HPA was able to successfully calculate a replica count from ", out.metric)};
  if (first_bad)  // the others scale on, but the user should know
    out.active.message += str("; ", first_bad->trouble);
  return out;
}

json::Value hpa_status(const json::Value& hpa, const HpaOutcome& o, WallTime now) {
  const std::string at = rfc3339(now);
  json::Value status;
  if (const int64_t generation = hpa["metadata"]["generation"].integer(); generation > 0)
    status.set("observedGeneration", generation);
  status.set("currentReplicas", o.current);
  status.set("desiredReplicas", o.desired);
  const json::Value& before = hpa["status"];
  if (o.scaled)
    status.set("lastScaleTime", at);
  else if (before.has("lastScaleTime"))
    status.set("lastScaleTime", before["lastScaleTime"]);
  const json::Value& currents = o.currents.is_null() ? before["currentMetrics"] : o.currents;
  if (currents.size() > 0) status.set("currentMetrics", currents);
  json::Value conditions = before["conditions"];
  auto say = [&](const char* type, const Explained& e) {
    if (!e.status.empty())
      client::set_condition(conditions, {type, e.status, e.reason, e.message, ""}, at);
  };
  say("AbleToScale", o.able);
  say("ScalingActive", o.active);
  say("ScalingLimited", o.limited);
  if (conditions.size() > 0) status.set("conditions", std::move(conditions));
  return status;
}

}  // namespace proa::autoscaling
