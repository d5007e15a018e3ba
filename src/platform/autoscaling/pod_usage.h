// PodUsage: what the containers of a pod use of the machine, for who scales by it.
//
// The node implements it; the HPA controller and tests ask. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/client.h"

namespace proa::autoscaling {

struct ContainerUse {
  std::string name;
  double cpu_seconds = 0;     // used since the container began; a restart begins anew
  double memory_bytes = 0;    // what is resident now
  int64_t started_nanos = 0;  // tells one run of the container from the next
};

class PodUsage {
 public:
  virtual ~PodUsage() = default;
  // Of the containers that run as processes now; empty if none does, or the pod is not here.
  virtual std::vector<ContainerUse> usage(const client::Key& pod) = 0;
};

}  // namespace proa::autoscaling
