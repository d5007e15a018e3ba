// Deployment: rolls a template out over ReplicaSets. plan_deployment() decides one step from a
// snapshot; deployment_controller() carries it out and writes the status once. Every change of a
// ReplicaSet brings the next step.
//
//   new template → new ReplicaSet (NAME-HASH) → up within maxSurge, old ones down within
//   maxUnavailable → complete → history trimmed
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/controller.h"
#include "platform/workloads/objects/common.h"

namespace proa::workloads {

struct Bounds {
  int64_t surge = 0, unavailable = 0;
};

struct Scaling {
  Object set;  // null: the ReplicaSet that this plan creates
  std::string name;
  int64_t from = 0, to = 0;
};

struct DeploymentPlan {
  json::Value create;  // the new ReplicaSet to apply, or null
  std::vector<Scaling> scale;
  std::vector<Object> remove;        // history beyond the limit
  std::string revision;              // the deployment's annotation; "" leaves it as it is
  json::Value set_annotations;       // for the new ReplicaSet when it became current again; or null
  std::optional<int64_t> min_ready;  // the new ReplicaSet's minReadySeconds is another now
  json::Value status;
  std::optional<Duration> again;
};

struct DeploymentSnapshot {
  Object deployment;
  std::vector<Object> sets;  // the ReplicaSets it controls
  int64_t old_pods = 0;      // pods, not finished, of other ReplicaSets than the new (for Recreate)
  WallTime now;
};

// maxSurge (rounded up) and maxUnavailable (rounded down) of so many replicas; never both 0.
Bounds rolling_bounds(const json::Value& deployment);

// The ReplicaSet's name suffix and pod-template-hash of a pod template.
std::string template_hash(const json::Value& pod_template);

// The ReplicaSet with the deployment's present template, or null.
Object find_new_set(const json::Value& deployment, const std::vector<Object>& sets);

DeploymentPlan plan_deployment(const DeploymentSnapshot& snapshot);

client::ControllerSpec deployment_controller(client::Client& client, Clock& clock);

}  // namespace proa::workloads
