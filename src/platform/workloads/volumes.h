// Volumes: binds every PersistentVolumeClaim at once, to the volume it names, to one that is free
// and big enough (only if the claim wants no provisioning: storageClassName ""), or to a new
// hostPath volume `pvc-UID` below a folder of the platform. Volumes made here go with their claim,
// data included.
#pragma once

#include <string>
#include <vector>

#include "client/controller.h"
#include "platform/workloads/objects/common.h"

namespace proa::workloads {

struct VolumePlan {
  json::Value create;   // the PersistentVolume to make, or null
  std::string bind;     // the volume to bind to; "" means wait (the claim stays Pending)
  std::string waiting;  // why, for the event
};

// Pure. `volumes` are all PersistentVolumes; `root` is where new ones keep their data.
VolumePlan plan_volume(const json::Value& claim, const std::vector<Object>& volumes,
                       std::string_view root);

// "1Gi" → 1073741824; nullopt if it is no quantity.
std::optional<double> quantity(std::string_view text);

client::ControllerSpec claim_controller(client::Client& client, std::string root);
client::ControllerSpec volume_controller(client::Client& client, std::string root);

}  // namespace proa::workloads
