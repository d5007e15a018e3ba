// Job: runs pods to completion. plan_job() decides from a snapshot; job_controller() carries it
// out.
//
//   pods up to parallelism → Complete | Failed (backoffLimit, activeDeadlineSeconds) → removed
//   after ttlSecondsAfterFinished. Counts of finished pods never go down, so that a pod which
//   somebody removed stays counted.
//
// completionMode Indexed is served too: each pod gets its index as label, annotation and variable.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/controller.h"
#include "platform/workloads/objects/common.h"

namespace proa::workloads {

struct JobEvent {
  std::string type, reason, message;
};

struct JobPlan {
  json::Value defaults;         // merge patch that the Job needs first (selector, labels); or null
  std::vector<int64_t> create;  // one pod each; its index, or -1 if the Job is not Indexed
  std::vector<Object> remove;
  bool remove_job = false;  // ttlSecondsAfterFinished has passed
  json::Value status;
  std::vector<JobEvent> events;
  std::optional<Duration> again;
};

// `pods`: those the Job controls. Pure.
JobPlan plan_job(const json::Value& job, const std::vector<Object>& pods, WallTime now);

// What Kubernetes fills in once a Job has a uid: selector, and the template's labels. Null if
// nothing is missing, else a merge patch.
json::Value job_defaults(const json::Value& job);

json::Value job_pod(const json::Value& job, int64_t index);

client::ControllerSpec job_controller(client::Client& client, Clock& clock);

}  // namespace proa::workloads
