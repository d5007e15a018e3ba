#include "platform/workloads/deployment/deployment_status.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::workloads {
namespace {

struct Counts {
  int64_t specified = 0, replicas = 0, updated = 0, ready = 0, available = 0;
};

Counts count(const DeploymentStatusInput& in) {
  Counts c;
  for (const auto& set : in.sets) {
    const json::Value& status = (*set)["status"];
    c.specified += (*set)["spec"]["replicas"].integer();
    c.replicas += status["replicas"].integer();
    c.ready += status["readyReplicas"].integer();
    c.available += status["availableReplicas"].integer();
  }
  if (in.new_set) c.updated = (*in.new_set)["status"]["replicas"].integer();
  return c;
}

// A Deployment's conditions also have lastUpdateTime, which moves whenever one says something new.
void set(json::Value& conditions, const json::Value& before, client::Condition next, WallTime now,
         bool moved) {
  json::Value list = conditions;
  client::set_condition(list, next, rfc3339(now));
  for (auto& c : list.make_array()) {
    if (c["type"].str() != next.type) continue;
    const bool same =
        before["status"].str() == next.status && before["reason"].str() == next.reason;
    c.set("lastUpdateTime", same && !moved && before.has("lastUpdateTime")
                                ? before["lastUpdateTime"]
                                : json::Value(rfc3339(now)));
  }
  conditions = std::move(list);
}

std::string called(const DeploymentStatusInput& in) {
  const std::string name = in.new_set ? name_of(*in.new_set) : in.created;
  return name.empty() ? str("Deployment \"", name_of(*in.deployment), "\"")
                      : str("ReplicaSet \"", name, "\"");
}

bool moved_on(const Counts& now, const json::Value& before) {
  const int64_t old_before = before["replicas"].integer() - before["updatedReplicas"].integer();
  return now.updated > before["updatedReplicas"].integer() ||
         now.replicas - now.updated < old_before || now.ready > before["readyReplicas"].integer() ||
         now.available > before["availableReplicas"].integer();
}

void progressing(const DeploymentStatusInput& in, const Counts& c, json::Value& conditions,
                 std::optional<Duration>* again) {
  const json::Value& d = *in.deployment;
  const json::Value before = client::condition(d, "Progressing");
  const int64_t deadline = d["spec"]["progressDeadlineSeconds"].integer(600);
  auto say = [&](const char* status, const char* reason, std::string message, bool moved) {
    set(conditions, before, {"Progressing", status, reason, std::move(message), ""}, in.now, moved);
  };
  if (d["spec"]["paused"].boolean()) {
    if (before["reason"].str() != "DeploymentPaused")
      say("Unknown", "DeploymentPaused", "Deployment is paused", false);
    return;
  }
  if (!in.created.empty())
    return say("True", "NewReplicaSetCreated", str("Created new replica set \"", in.created, "\""),
               true);
  if (before["reason"].str() == "DeploymentPaused")
    return say("Unknown", "DeploymentResumed", "Deployment is resumed", true);
  const json::Value& status = d["status"];
  const bool done_before = before["reason"].str() == "NewReplicaSetAvailable" &&
                           status["replicas"].integer() == status["updatedReplicas"].integer() &&
                           c.replicas == c.updated;
  if (done_before) return;
  if (c.updated == in.want && c.replicas == in.want && c.available == in.want)
    return say("True", "NewReplicaSetAvailable", called(in) + " has successfully progressed.",
               false);
  if (moved_on(c, status))
    return say("True", "ReplicaSetUpdated", called(in) + " is progressing.", true);
  if (before.is_null() && in.new_set)
    return say("True", "FoundNewReplicaSet",
               str("Found new replica set \"", name_of(*in.new_set), "\""), true);
  auto since = time_at(before, "lastUpdateTime");
  if (!since || before["reason"].str() == "ProgressDeadlineExceeded") return;
  const Duration left = std::chrono::seconds(deadline) - (in.now - *since);
  if (left < Duration::zero())
    say("False", "ProgressDeadlineExceeded", called(in) + " has timed out progressing.", false);
  else if (!*again || left < **again)
    *again = left + std::chrono::milliseconds(10);
}

}  // namespace

json::Value deployment_status(const DeploymentStatusInput& in, std::optional<Duration>* again) {
  const json::Value& d = *in.deployment;
  const Counts c = count(in);
  json::Value status;
  status.set("observedGeneration", generation_of(d));
  set_count(status, "replicas", c.replicas);
  set_count(status, "updatedReplicas", c.updated);
  set_count(status, "readyReplicas", c.ready);
  set_count(status, "availableReplicas", c.available);
  set_count(status, "unavailableReplicas", std::max<int64_t>(0, c.specified - c.available));
  json::Value conditions = d["status"]["conditions"];
  const json::Value before = client::condition(d, "Available");
  if (c.available >= in.want - in.may_miss)
    set(conditions, before,
        {"Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.",
         ""},
        in.now, false);
  else
    set(conditions, before,
        {"Available", "False", "MinimumReplicasUnavailable",
         "Deployment does not have minimum availability.", ""},
        in.now, false);
  progressing(in, c, conditions, again);
  // A ReplicaSet that cannot make its pods says so for the Deployment too.
  std::string failure, reason;
  if (in.new_set) {
    failure = client::condition(*in.new_set, "ReplicaFailure")["message"].str();
    reason = client::condition(*in.new_set, "ReplicaFailure")["reason"].str();
  }
  json::Array kept;
  for (const auto& one : conditions.array())
    if (one["type"].str() != "ReplicaFailure") kept.push_back(one);
  conditions = json::Value(std::move(kept));
  if (!failure.empty())
    set(conditions, client::condition(d, "ReplicaFailure"),
        {"ReplicaFailure", "True", reason, failure, ""}, in.now, false);
  status.set("conditions", std::move(conditions));
  return status;
}

}  // namespace proa::workloads
