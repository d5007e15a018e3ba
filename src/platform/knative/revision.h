// Revision: one immutable version. plan_revision() computes its Deployment, Services and
// PodAutoscaler; revision_status() its conditions from what became of them. Both pure.
//
//   ResourcesAvailable ∧ ContainerHealthy = Ready;  Active is for information
//
// A pod that cannot start says so at once (ContainerHealthy False), long before the progress
// deadline; the revision heals by itself as soon as enough pods are ready.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/controller.h"
#include "platform/knative/objects/objects.h"
#include "platform/knative/scaling/scaling_config.h"
#include "platform/knative/settings/settings.h"

namespace proa::knative {

inline constexpr std::string_view kQueueImage =
    "gcr.io/knative-releases/knative.dev/serving/cmd/queue";
inline constexpr int kDefaultPort = 8080;

// The port that the user's container listens on, and its protocol's name: http or h2c.
struct UserPort {
  int64_t number = kDefaultPort;
  std::string name = "http";
};
UserPort user_port(const json::Value& revision);

json::Value revision_deployment(const json::Value& revision, int64_t replicas,
                                const DeploymentSettings& settings = {});
json::Value revision_service(const json::Value& revision, bool is_private);
json::Value revision_autoscaler(const json::Value& revision);

struct PodFailure {
  bool container = true;  // false: the pod's resources (image, configuration) are missing
  std::string reason, message;
};

// The first pod failure that keeps a revision from starting, if any. Init containers count.
std::optional<PodFailure> find_failure(const std::vector<Object>& pods);

struct RevisionSnapshot {
  Object revision, deployment, autoscaler;  // the latter two may be null
  std::vector<Object> pods;
};
json::Value revision_status(const RevisionSnapshot& snapshot, WallTime now);

client::ControllerSpec revision_controller(client::Client& client, Clock& clock);

}  // namespace proa::knative
