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
#include <optional>
#include <string>

#include "app/options.h"
#include "app/take_over.h"
#include "foundation/base/result.h"
#include "platform/node/zygote/zygote.h"

namespace proa::app {

struct Endpoints {
  std::string api, http, kubeconfig;  // URLs and a path
};

class Platform {
 public:
  // estate: of the instance that this one replaces.
  Platform(const UpOptions& options, node::Zygote& zygote, std::optional<Estate> estate = {});
  ~Platform();
  Result<Endpoints> start();
  void stop();
  // Instead of stop(), when another process takes over: in two steps. estate() ends everything but
  // the gateway's connections; retire() waits for those.
  Result<Estate> estate();
  void retire(Duration most);
  // New gateway workers behind the same listening sockets; the old ones finish what they have.
  void restart_gateway();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace proa::app
