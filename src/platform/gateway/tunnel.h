// Tunnels: connections whose bytes go to an endpoint as they are, for TCP listeners and for TLS
// that is passed through by its name or ended here (TlsChain::to_tunnel).
//
//   accepted socket ──▶ Tunnel ──acquire──▶ connect ──▶ bytes both ways ──▶ both ended
//
// Half-closes are passed on. A slow reader stops the other side's reading. Without an endpoint a
// connection waits as a request does, and wakes a service from zero. Loop thread only, but for
// Waiter::granted; owned by its Worker's Door in Ports.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "foundation/http/tls.h"
#include "platform/gateway/worker.h"

namespace proa::gateway {

class Connection;  // one tunnel

class Tunnels {
 public:
  Tunnels(Worker& worker, uint16_t port) : worker_(worker), port_(port) {}
  ~Tunnels();
  // sni: "" for TCP. context: TLS is ended here.
  void take(Fd fd, const std::string& peer, const std::string& sni, http::SslContext context);
  void tick(MonoTime now);
  size_t size() const { return open_.size(); }
  Worker& worker() { return worker_; }
  void remove(Connection& connection);

  static constexpr size_t kMost = 10000;

 private:
  Worker& worker_;
  const uint16_t port_;
  std::vector<std::shared_ptr<Connection>> open_;
};

}  // namespace proa::gateway
