// Gateway: the ingress and the cluster-local gateway, the activator, and what queue-proxy does.
//
//   client ──▶ StreamServer (one a loop, SO_REUSEPORT) ──▶ Worker ──▶ Exchange ──▶ pod
//                 API objects ──watch──▶ Configuration ──Table──▶ Workers
//
// Used by app/. One worker for each loop given; the loops must outlive the Gateway. A control
// thread of its own reads the watches, builds tables, writes log files and reports to the
// autoscaler once a second, so that none of it delays a request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/async/loop.h"
#include "foundation/http/http.h"
#include "foundation/obs/metrics.h"
#include "platform/gateway/configuration.h"
#include "platform/gateway/handover.h"
#include "platform/gateway/worker.h"
#include "platform/knative/demand.h"

namespace proa::gateway {

struct GatewayOptions {
  std::string bind = "127.0.0.1";
  uint16_t http_port = 0;              // 0: any free one
  std::optional<uint16_t> https_port;  // needs tls
  std::shared_ptr<http::TlsOptions> tls;
  std::optional<uint16_t> admin_port;  // /metrics, /healthz, /routes on 127.0.0.1
  bool cluster_listeners = true;       // on Services' cluster addresses, where permitted
  size_t most_cluster_listeners = 2048;
  std::string pod_log_root;       // "DATA/logs/pods"; "": no queue-proxy logs
  std::string access_log;         // a file; "": none
  uint32_t access_log_every = 1;  // one line for every n-th request
  WorkerOptions worker;
  std::shared_ptr<std::vector<NamedSocket>>
      inherited;  // may be null; from the process that this one replaces
};

class Gateway {
 public:
  // demand and metrics must outlive this.
  Gateway(GatewayOptions options, std::unique_ptr<Configuration> configuration,
          knative::DemandSink& demand, metrics::Registry& metrics);
  ~Gateway();  // after stop()

  // Opens the ports and the watches. Call before the loops run, or not on one of their threads.
  Status start(std::vector<async::Loop*> loops);
  uint16_t http_port() const;
  uint16_t https_port() const;  // 0 if none
  uint16_t admin_port() const;  // 0 if none

  // A pod passes its readiness probe, or does so no more: what queue-proxy tells the activator,
  // ahead of the EndpointSlice. Thread-safe.
  void pod_ready(const std::string& pod_uid, bool ready);

  // A hot restart: new workers behind the same listening sockets; the old ones finish what they
  // have in hand. Thread-safe.
  void restart();
  // Duplicates of the listening sockets, for the process that replaces this one (handover.h).
  std::vector<NamedSocket> sockets();

  // When they have been given: the routes stay as they are, and no API object is read or written
  // any more; then retire(): as stop(), but what still comes by kept connections to the http port,
  // and what waits for an endpoint, goes on to the process that listens now.
  void freeze();
  void retire(Duration most);

  // No new connections; requests in hand finish, at most for `most`; then everything is closed. The
  // loops must still be running, on other threads. Blocks.
  void stop(Duration most = std::chrono::seconds(10));

  // Hosts known, and what the rules ask for that is not carried out. Thread-safe; for messages and
  // tests.
  std::shared_ptr<const Table> table() const;

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace proa::gateway
