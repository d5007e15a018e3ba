// Control: the gateway's own thread. Runs the configuration; tables, reports and log lines out.
//
// Owned by Gateway. post_*() are thread-safe; everything else happens on its thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/gateway/configuration.h"
#include "platform/gateway/request_log.h"
#include "platform/gateway/worker.h"

namespace proa::gateway {

struct ControlOptions {
  std::string pod_log_root, access_log;
};

class Control {
 public:
  using Publish = Configuration::Publish;
  Control(ControlOptions options, std::unique_ptr<Configuration> configuration,
          knative::DemandSink& demand, GatewayMetrics& metrics, Publish publish);
  ~Control();
  void start();
  void freeze();  // ends the configuration alone
  void stop();    // ends the configuration and the thread; what is queued is written
  void post_logs(LogBatch batch);
  void post_ready(std::string pod_uid, bool ready);
  void post_opened(std::vector<ListenerState> states);
  std::shared_ptr<const Table> table() const;

 private:
  void publish(std::shared_ptr<const Table> table, const Listeners* listeners);
  void report();
  void write_logs(const LogBatch& batch);

  const ControlOptions options_;
  knative::DemandSink& demand_;
  GatewayMetrics& metrics_;
  Publish publish_;
  async::Loop loop_;
  std::unique_ptr<Configuration> configuration_;
  LogFiles files_;
  std::thread thread_;
  std::atomic<size_t> log_bytes_{0};  // handed over, not yet written
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_ = std::make_shared<Table>();  // guarded by mutex_
};

}  // namespace proa::gateway
