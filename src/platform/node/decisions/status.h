// A pod's status as a pure function of what the node observes.
//
// Used by PodWorker; the same for the same input, so that an unchanged status is never written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/json/value.h"

namespace proa::node {

struct Terminated {
  int exit_code = 0;
  int signal = 0;
  std::string reason;  // Completed, Error, OOMKilled, StartError, ContainerStatusUnknown, …
  std::string message;
  std::string started_at, finished_at;  // RFC 3339
  std::string container_id;
};

struct ContainerObserved {
  enum class State { kWaiting, kRunning, kTerminated };
  std::string name, image, container_id;
  State state = State::kWaiting;
  std::string reason = "ContainerCreating", message;  // while waiting
  std::string started_at;                             // while running
  Terminated terminated;                              // when terminated
  std::optional<Terminated> last;
  int restarts = 0;
  bool ready = false, started = false;
  bool sidecar = false;  // an init container that goes on running
  std::string progress;  // of a download: bytes, rate, time left; "" if none takes long
};

struct PodObserved {
  std::vector<ContainerObserved> init, containers;
  std::string pod_ip, host_ip, start_time, now;
  bool sandbox_ready = false;                 // address and volumes are there
  std::string failed_reason, failed_message;  // the node ended it: DeadlineExceeded, …
};

Terminated read_terminated(const json::Value& state);  // as a status has it

std::string pod_phase(const json::Value& pod, const PodObserved& observed);
std::string qos_class(const json::Value& pod);

// `before`: the status last written, whose transition times are kept where nothing changed.
json::Value pod_status(const json::Value& pod, const PodObserved& observed,
                       const json::Value& before);

// Whether a container that ended so is started again.
bool should_restart(const json::Value& pod, bool sidecar, bool init, int exit_code);

}  // namespace proa::node
