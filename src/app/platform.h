// Platform: all parts of `proa up`, made in order, wired, started and stopped.
//
//   api loop ─ ApiServer        control loop ─ controllers, autoscaler, DNS
//   node loop ─ Node            gateway loops ─ Gateway
//
// Used by up.cpp alone. The zygote must have been forked before this is made, while the process had
// one thread. start() blocks until everything is ready; stop() until nothing is left.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/options.h"
#include "foundation/base/result.h"
#include "platform/node/zygote/zygote.h"

namespace proa::app {

struct Endpoints {
  std::string api, http, kubeconfig;  // URLs and a path
};

class Platform {
 public:
  Platform(const UpOptions& options, node::Zygote& zygote);
  ~Platform();
  Result<Endpoints> start();
  void stop();
  // New gateway workers behind the same listening sockets; the old ones finish what they have.
  void restart_gateway();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace proa::app
