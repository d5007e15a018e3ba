// Workloads: the controllers of Kubernetes' own kinds, all in one list for a ControllerHost.
//
// Deployment, ReplicaSet, Job, Service → EndpointSlice, PersistentVolumeClaim, owner references,
// namespaces, pods that nobody ends. All run on the host's loop; client and clock must outlive it.
#pragma once

#include <string>
#include <vector>

#include "client/controller.h"

namespace proa::workloads {

struct Options {
  // Every kind that is served and may be owned, own or live in a namespace. Events need not be
  // watched for owners, but must be in the list so that a namespace's end removes them.
  std::vector<client::Kind> kinds;
  std::string volumes_dir;  // where claims without a volume get theirs
};

std::vector<client::ControllerSpec> controllers(client::Client& client, Clock& clock,
                                                Options options);

}  // namespace proa::workloads
