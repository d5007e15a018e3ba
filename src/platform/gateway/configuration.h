// Configuration: where the gateway's route table, listeners and backends come from.
//
// gateway/config makes them from API objects; tests may hand in tables of their own. Owned by
// Gateway, which runs it on its control thread: everything but stop() is called there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/async/loop.h"
#include "platform/gateway/backend.h"
#include "platform/gateway/listener.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

class Configuration {
 public:
  // Listeners: nullptr if they are as they were.
  using Publish = std::function<void(std::shared_ptr<const Table>, const Listeners*)>;
  virtual ~Configuration() = default;
  // Before the loop runs. publish is called on the loop's thread, whenever something changed.
  virtual void start(async::Loop& loop, Publish publish) = 0;
  // Any thread, while the loop runs: no call of publish follows.
  virtual void stop() = 0;
  // What queue-proxy tells the activator on a cluster: this pod answers, or does so no more.
  virtual void pod_ready(const std::string& pod_uid, bool ready) = 0;
  // What came of the listeners published last; only those that changed may be told.
  virtual void opened(const std::vector<ListenerState>& states) = 0;
  virtual std::vector<std::shared_ptr<Backend>> backends() const = 0;  // all there are
};

}  // namespace proa::gateway
