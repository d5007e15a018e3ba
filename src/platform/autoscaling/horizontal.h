// Horizontal: the controller of HorizontalPodAutoscaler objects (autoscaling/v2). Every few seconds
// it measures the pods of each one's target through PodUsage, decides, and scales the target.
//
//   auto horizontal = std::make_unique<autoscaling::Horizontal>(client, loop, clock, usage);
//   host.add(horizontal->controller());
//   horizontal->start(host);
//
// All of it runs on the controllers' loop. Client, loop, clock and usage must outlive it, and it
// must outlive the host that it gave controller() to; stop() on the loop's thread, or after it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "client/controller.h"
#include "foundation/async/loop.h"
#include "platform/autoscaling/hpa_status.h"
#include "platform/autoscaling/usage_log.h"

namespace proa::autoscaling {

class Horizontal {
 public:
  Horizontal(client::Client& client, async::Loop& loop, Clock& clock, PodUsage& usage);
  ~Horizontal();

  client::ControllerSpec controller();       // "horizontalpodautoscaler"
  void start(client::ControllerHost& host);  // opens the rounds; host must outlive them
  void stop();

  // Kubernetes looks every 15 s at figures of the last 15 s or more; here they are at hand.
  static constexpr Duration kRound = std::chrono::seconds(5);
  static constexpr size_t kMost = 10000;  // more are refused by an event

 private:
  struct Target {
    client::Object object;
    std::optional<client::Kind> kind;
    std::string trouble;
  };
  struct Entry {
    History history;
    std::string uid;
    MonoTime decided;  // the last decision: a status write must not bring the next at once
    int64_t generation = 0;
  };
  void arm();
  Result<client::Outcome> reconcile(const client::Key& key);
  Target target_of(const json::Value& hpa) const;
  HpaOutcome decide(const json::Value& hpa, const Target& target, Entry& entry);
  void decide_by_metrics(const json::Value& hpa, const Target& target, const HpaSpec& spec,
                         Entry& entry, HpaOutcome& out, std::string& why);
  void carry_out(const json::Value& hpa, const Target& target, Entry& entry, const HpaSpec& spec,
                 const std::string& why, HpaOutcome& out);
  PodSamples measure(const std::vector<client::Object>& pods);

  client::Client& client_;
  async::Loop& loop_;
  Clock& clock_;
  PodUsage& usage_;
  client::ControllerHost* host_ = nullptr;
  std::optional<async::TimerId> timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<client::Key, Entry> entries_;
  UsageLog log_;
};

}  // namespace proa::autoscaling
