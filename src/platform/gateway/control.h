// Control: the gateway's own thread. Watches in, tables, endpoints, reports and log lines out.
//
// Owned by Gateway. post_*() are thread-safe; everything else happens on its thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "platform/gateway/request_log.h"
#include "platform/gateway/table_builder.h"
#include "platform/gateway/worker.h"

namespace proa::gateway {

struct ControlOptions {
  BuilderOptions table;
  std::string pod_log_root, access_log;
};

class Control {
 public:
  using Publish =
      std::function<void(std::shared_ptr<const Table>, const std::set<ServiceListener>&)>;
  Control(ControlOptions options, client::Client& client, knative::DemandSink& demand,
          GatewayMetrics& metrics, Publish publish);
  ~Control();
  void start();
  void stop();  // ends the watches and the thread; what is queued is written
  void post_logs(LogBatch batch);
  void post_ready(std::string pod_uid, bool ready);
  std::shared_ptr<const Table> table() const;

 private:
  void open_watches();
  void on_event(const client::Kind& kind, const client::Event& event);
  void schedule_build();
  void build();
  void report();
  void write_logs(const LogBatch& batch);

  const ControlOptions options_;
  client::Client& client_;
  knative::DemandSink& demand_;
  GatewayMetrics& metrics_;
  Publish publish_;
  async::Loop loop_;
  TableBuilder builder_;
  LogFiles files_;
  std::vector<std::unique_ptr<client::Watch>> watches_;
  std::thread thread_;
  bool scheduled_ = false;
  Duration last_build_{0};
  std::atomic<size_t> log_bytes_{0};  // handed over, not yet written
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_ = std::make_shared<Table>();  // guarded by mutex_
  std::set<std::string> warned_;
};

}  // namespace proa::gateway
