// Autoscaler: Knative's KPA over the PodAutoscaler objects, those of Revisions and those that stand
// before a plain Deployment alike. The gateway reports demand; every 2 s, and at once when a
// request waits for a revision with no pod, it decides and scales the Deployment.
//
//   gateway threads ── waiting(), report() ──> windows (one mutex, short)
//   controllers' loop ── tick, wake-up ──> decide ──> step ──> Deployment.spec.replicas, then
//   status
//
// waiting() and report() are thread-safe and return at once; all else runs on the controllers'
// loop. Client, loop, clock and registry must outlive it, and it must outlive the host it gave
// controller() to; stop() (or the destructor) on the loop's thread, or after the loop ended.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/controller.h"
#include "foundation/async/loop.h"
#include "foundation/obs/metrics.h"
#include "platform/knative/demand.h"
#include "platform/knative/scaling/revision_scaler.h"
#include "platform/knative/settings/live.h"

namespace proa::knative {

class Autoscaler : public DemandSink {
 public:
  Autoscaler(client::Client& client, async::Loop& loop, Clock& clock, metrics::Registry& registry);
  ~Autoscaler() override;

  void waiting(const client::Key& revision, int requests) override;
  void report(const client::Key& revision, int64_t unix_second, double concurrency,
              double requests) override;

  client::ControllerSpec controller();       // "podautoscaler", to add to the host
  void start(client::ControllerHost& host);  // opens the ticks; host must outlive them
  void stop();
  void tick();  // one round of decisions, as every 2 s

  static constexpr Duration kTick = std::chrono::seconds(2);
  static constexpr size_t kMostRevisions = 10000;  // more are not scaled, with a line in the log

 private:
  struct Entry;
  struct Gauges;
  Moment now() const;
  Entry* entry_for(const client::Key& revision);  // with mutex_ held; null if there are too many
  void wake(const client::Key& revision);
  void arm();
  Result<client::Outcome> reconcile(const client::Key& key);
  Status scale(const client::Key& key, const std::string& deployment, const StepResult& step);
  Result<std::vector<client::Object>> pods_of(const json::Value& pa,
                                              const client::Object& deployment) const;
  StepResult decide_step(const json::Value& pa, const client::Object& deployment, int64_t ready,
                         bool* initialized, std::optional<Duration>* cold_start);
  void first_sight(Entry& entry, const json::Value& pa, Moment moment, int64_t ready);
  void tell_cold_start(const json::Value& pa, const client::Object& deployment, Duration took);
  void drop(const client::Key& key);
  std::vector<client::Key> scalers_of(const client::Key& deployment) const;
  json::Value status_of(const json::Value& pa, const StepResult& step, bool initialized,
                        int64_t ready) const;
  void show(Entry& entry, const client::Key& key, const json::Value& pa);

  client::Client& client_;
  async::Loop& loop_;
  Clock& clock_;
  metrics::Registry& registry_;
  client::ControllerHost* host_ = nullptr;
  std::optional<async::TimerId> timer_;
  std::shared_ptr<bool> alive_;  // loop tasks look whether we still are

  Live<AutoscalerConfig> config_{"config-autoscaler", parse_autoscaler_config};

  mutable std::mutex mutex_;
  std::map<client::Key, std::unique_ptr<Entry>> entries_;
  std::multimap<client::Key, std::string> by_deployment_;  // PodAutoscalers without a Revision
};

}  // namespace proa::knative
