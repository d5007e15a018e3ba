// The status of a Deployment: counts, and the conditions Available and Progressing with Kubernetes'
// reasons. Pure; used by plan_deployment().
#pragma once

#include "platform/workloads/objects/common.h"

namespace proa::workloads {

struct DeploymentStatusInput {
  Object deployment;
  std::vector<Object> sets;
  Object new_set;       // null if there is none (yet)
  std::string created;  // the name of one that is being created now, or ""
  int64_t want = 1;
  int64_t may_miss = 0;  // maxUnavailable
  WallTime now;
};

// *again: when progressDeadlineSeconds will have passed.
json::Value deployment_status(const DeploymentStatusInput& in, std::optional<Duration>* again);

}  // namespace proa::workloads
