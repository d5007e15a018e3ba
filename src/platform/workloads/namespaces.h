// Namespaces: one that is being deleted loses everything in it, then its finalizer; one that lives
// gets its service account `default`. And the pod collector: pods that nobody will ever end.
#pragma once

#include <vector>

#include "client/controller.h"
#include "platform/workloads/objects/common.h"

namespace proa::workloads {

client::ControllerSpec namespace_controller(client::Client& client, Clock& clock,
                                            std::vector<client::Kind> namespaced);

enum class PodFate { kKeep, kRemoveNow, kWait };

// A terminating pod without a node, or a pod whose node has been unknown for 40 s: removed at once.
PodFate judge_pod(const json::Value& pod, bool node_exists, Duration node_missing_for);

// Also removes the oldest finished pods beyond `most_finished`.
client::ControllerSpec pod_collector(client::Client& client, Clock& clock,
                                     size_t most_finished = 12500);

}  // namespace proa::workloads
