// ReplicaSet: keeps `spec.replicas` pods of a template alive. plan_replicaset() decides from a
// snapshot; replicaset_controller() observes, carries it out and writes the status once.
//
// The controller runs on the controllers' loop. Reads are never older than its own writes, so it
// needs no record of what it expects to see.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/controller.h"
#include "platform/workloads/objects/common.h"

namespace proa::workloads {

struct ReplicaSetPlan {
  std::vector<Object> adopt;   // pods that match and have no controller
  int64_t create = 0;          // so many pods are missing
  std::vector<Object> remove;  // surplus, worst first
  json::Value status;
  std::optional<Duration> again;  // when a pod will have been ready for minReadySeconds
};

// `pods` are those that the selector chooses, in the ReplicaSet's namespace.
ReplicaSetPlan plan_replicaset(const json::Value& rs, const std::vector<Object>& pods,
                               WallTime now);

// True if `a` should go before `b` when there are too many: not scheduled, pending, not ready,
// lower deletion cost, ready for a shorter time, more restarts, younger.
bool goes_first(const json::Value& a, const json::Value& b);

// The pod that a template asks for, owned by `owner`, its name made by the API server.
json::Value pod_of(const json::Value& owner, const json::Value& pod_template);

client::ControllerSpec replicaset_controller(client::Client& client, Clock& clock);

}  // namespace proa::workloads
