// A `proa up` that replaces a running one on the same data folder, without a failed request.
//
//   old: listens at DATA/gateway.sock ─ asked ─▶ ends its controllers, its node, its API server
//        ─ Estate ─▶ new: opens the store; goes on with the pods and the listening sockets
//   old: finishes what its connections have in hand ─▶ ends
//
// Blocking; called by up.cpp on the main thread. Connections that come meanwhile wait in the
// listening sockets' backlog.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "platform/gateway/handover.h"
#include "platform/node/handover.h"

namespace proa::app {

// What goes from one process to the other.
struct Estate {
  std::vector<gateway::NamedSocket> sockets;  // the gateway's
  node::Inheritance node;
  Fd lock;   // of the data folder
  Fd claim;  // of the loopback networks
  int pods_network = 0, services_network = 0;
  uint16_t api_port = 0;
};

// Where the running instance waits for one that takes over. Keep it as long as that is wanted.
class HandoverPoint {
 public:
  static Result<HandoverPoint> open(const std::string& data_dir);
  int fd() const { return listening_.get(); }
  Result<Fd> accept();  // after fd() became readable
 private:
  Fd folder_, listening_;
};

Status hand_over(int to, Estate estate);

// nullopt: no instance runs there.
Result<std::optional<Estate>> take_over(const std::string& data_dir);

}  // namespace proa::app
