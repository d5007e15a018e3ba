// Worker: what one loop's thread holds of the gateway: the current table, connections to upstreams,
// the exchanges in hand, and log lines not yet handed over.
//
// Everything here is on the loop's thread, except publish(). Workers share Backends, nothing else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "foundation/async/loop.h"
#include "foundation/http/stream.h"
#include "foundation/obs/metrics.h"
#include "platform/gateway/policy.h"
#include "platform/gateway/request_log.h"
#include "platform/gateway/route.h"
#include "platform/knative/demand.h"

namespace proa::gateway {

struct WorkerOptions {
  uint64_t most_body_bytes = 64u << 20;
  size_t repeat_buffer_bytes = 1 << 20;  // a body up to this can be sent again
  int most_tries = 3;
  Duration aside = std::chrono::milliseconds(100);
  Duration refusal_patience = std::chrono::seconds(10);  // of an announced endpoint that refuses
  bool pod_logs = false;
  uint32_t access_log_every = 0;  // 1: every request, n: one of n, 0: none
  size_t most_in_hand = 20000;    // requests of one worker; beyond: 503
};

struct GatewayMetrics {
  explicit GatewayMetrics(metrics::Registry& r);
  metrics::Registry& registry;
  metrics::Counter& requests;  // all
  metrics::Counter& unrouted;  // 404 by the gateway
  metrics::Counter& retries;
  metrics::Counter& upstream_broken;  // 502
  metrics::Counter& shed;             // 503 for overload
  metrics::Counter& mirrored_not;     // copies that were left out
  metrics::Counter& lines_left_out;
  metrics::Gauge& active;
};

// By which port a request came in.
struct Door {
  uint16_t port = 0;          // Listener::port; 0: not known
  std::string fallback_host;  // by which to route when the Host header is unknown
};

// What a request that comes back from the short way has been through.
struct Resume {
  MonoTime began{};
  int tries = 0;
  bool refused = false;
  std::shared_ptr<Endpoint> last;
};

class Exchange;
class Shadow;
class ShortWay;

class Worker {
 public:
  Worker(async::Loop& loop, WorkerOptions options, knative::DemandSink& demand,
         GatewayMetrics& metrics, std::function<void(LogBatch)> logs);
  ~Worker();

  void start();                                      // loop thread or before run(): timers
  void stop();                                       // loop thread: gives up what is in hand
  void publish(std::shared_ptr<const Table> table);  // thread-safe
  void publish_here(std::shared_ptr<const Table> table) { table_.swap(table); }
  // Another process serves from now on: what comes by the http port, or has not been sent, goes
  // there.
  void succeed(std::shared_ptr<const Host> successor);
  const Host* successor() const { return successor_.get(); }
  // A request came in.
  void handle(std::shared_ptr<http::ServerStream> stream, const Door& door);
  void handle(std::shared_ptr<http::ServerStream> stream, const std::string& fallback_host) {
    handle(std::move(stream), Door{0, fallback_host});
  }

  // For exchanges.
  async::Loop& loop() { return loop_; }
  const WorkerOptions& options() const { return options_; }
  const std::shared_ptr<const Table>& table() const { return table_; }
  // nullptr: unknown. `port` is the authority's.
  const Host* find_host(const Door& door, std::string_view authority, std::string& buffer,
                        uint16_t& port) const;
  http::UpstreamPool& pool() { return pool_; }
  knative::DemandSink& demand() { return demand_; }
  GatewayMetrics& metrics() { return metrics_; }
  http::RequestHead& outgoing() {
    return outgoing_;
  }  // to write a head in; its memory is used again
  uint64_t random();
  // Where to, by the endpoint and the backend's policy (may be null).
  http::Upstream upstream(const Endpoint& endpoint, const std::shared_ptr<const Policy>& policy,
                          int client_version, std::string_view host);
  void put_aside(const std::shared_ptr<Backend>& backend, Endpoint& endpoint);
  void outcome(Backend& backend, Endpoint& endpoint, int status) {
    backend.outcome(endpoint, status, loop_.now());
  }
  void record(const RequestRecord& record, const std::shared_ptr<Endpoint>& endpoint);
  void link(std::shared_ptr<Exchange> exchange);
  void unlink(Exchange& exchange);
  size_t in_hand() const;
  bool stopped() const { return stopped_; }
  // Overload: may one more be taken on?
  bool admits() const { return in_hand() < options_.most_in_hand; }
  void resume(Resume from) { resume_ = std::move(from); }
  Resume take_resume() { return resume_.last ? std::exchange(resume_, {}) : Resume{}; }
  void add_way(ShortWay& way) { ways_.push_back(&way); }
  void remove_way(ShortWay& way) { std::erase(ways_, &way); }
  // Sends a copy; what comes back is dropped.
  void mirror(const Mirror& mirror, const http::RequestHead& head, std::string_view body,
              const std::shared_ptr<const Table>& table);
  void unlink(Shadow& shadow);

 private:
  struct Kept {
    std::shared_ptr<const Policy> policy;
    std::shared_ptr<const http::UpstreamSettings> settings;
  };
  void sweep();
  void flush_logs();

  async::Loop& loop_;
  const WorkerOptions options_;
  knative::DemandSink& demand_;
  GatewayMetrics& metrics_;
  std::function<void(LogBatch)> logs_;
  http::UpstreamPool pool_;
  std::shared_ptr<const Table> table_ = std::make_shared<Table>();
  std::shared_ptr<const Host> successor_;
  std::vector<std::shared_ptr<Exchange>> exchanges_;  // each knows its place
  std::vector<std::shared_ptr<Exchange>> over_;  // to be freed when no callback of theirs can run
  std::vector<std::shared_ptr<Shadow>> shadows_;
  std::vector<ShortWay*> ways_;
  std::unordered_map<const Policy*, Kept> settings_;
  Resume resume_;
  LogBatch batch_;
  TimeText time_;
  http::RequestHead outgoing_;
  uint64_t seed_[2];
  uint32_t counted_ = 0;
  async::TimerId sweep_timer_ = 0;
  int flush_in_ = 1;
  bool stopped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proa::gateway
