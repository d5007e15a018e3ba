#include "platform/workloads/workloads.h"

#include <algorithm>

#include "api/kinds.h"
#include "platform/workloads/deployment/deployment.h"
#include "platform/workloads/endpoints.h"
#include "platform/workloads/event_age.h"
#include "platform/workloads/garbage.h"
#include "platform/workloads/job.h"
#include "platform/workloads/namespaces.h"
#include "platform/workloads/replicaset.h"
#include "platform/workloads/volumes.h"

namespace proa::workloads {

std::vector<client::ControllerSpec> controllers(client::Client& client, Clock& clock,
                                                Options options) {
  std::vector<client::Kind> kinds, owned;
  for (const auto& kind : options.kinds) {
    // A kind may be served in several versions; its objects are the same.
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    kinds.push_back(kind);
    if (!(kind == api::kEvent)) owned.push_back(kind);
  }
  // In the order in which a start from zero goes through them.
  std::vector<client::ControllerSpec> all;
  all.push_back(replicaset_controller(client, clock));
  all.push_back(endpoints_controller(client));
  all.push_back(deployment_controller(client, clock));
  all.push_back(job_controller(client, clock));
  all.push_back(claim_controller(client, options.volumes_dir));
  all.push_back(volume_controller(client, options.volumes_dir));
  all.push_back(namespace_controller(client, clock, std::move(kinds)));
  all.push_back(pod_collector(client, clock));
  all.push_back(garbage_controller(client, std::move(owned)));
  all.push_back(event_age_controller(client, clock));
  return all;
}

}  // namespace proa::workloads
