// Controllers: level-based reconcilers fed by watches through a work queue, on one loop thread.
//
// A reconciler gets a name, never an event. The same key is never reconciled twice at once; keys
// that come while one runs are merged. An error is retried with back-off (5 ms doubling to 30 s)
// and logged once a retry. Add all specs before start(); everything runs on the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "foundation/async/loop.h"

namespace proa::client {

struct Outcome {
  std::optional<Duration> requeue_after;  // reconcile again then, even without an event
  bool rest_late = false;  // instead, once the loop is idle: what is left to do may wait
};

// Which keys of the controller a change of `kind` concerns. late: what follows from it, a status
// mostly, may wait until the loop has nothing else to do, as after every change of a status alone.
struct WatchSpec {
  Kind kind;
  std::function<std::vector<Key>(const Event&)> keys;
  bool late = false;
};

// Ready-made mappings.
std::function<std::vector<Key>(const Event&)> self();                   // the object's own key
std::function<std::vector<Key>(const Event&)> owner(Kind owner_kind);   // its controller's key
std::function<std::vector<Key>(const Event&)> label(std::string name);  // label's value, same ns

struct ControllerSpec {
  std::string name;  // for logs: "inferenceservice"
  std::vector<WatchSpec> watches;
  std::function<Result<Outcome>(const Key&)> reconcile;
  bool at_once = false;  // never waits, whatever its watches say
};

class ControllerHost {
 public:
  // Client and loop must outlive this. pause: how long a key waits after it was reconciled until it
  // is again. The first change of a quiet object is acted on at once; the many that follow in the
  // next milliseconds, mostly of statuses, are taken together and out of the way of the first; of
  // many objects at once, up to a second later.
  ControllerHost(Client& client, async::Loop& loop, Duration pause = Duration(0));
  ~ControllerHost();
  void add(ControllerSpec spec);
  void start();  // loop thread or before run(): opens the watches
  void enqueue(std::string_view controller, Key key);  // thread-safe
  bool idle() const;  // loop thread: nothing queued (retries and timers aside); for tests

 private:
  struct Runner;
  Client& client_;
  async::Loop& loop_;
  Duration pause_;
  std::shared_ptr<size_t> postponed_ = std::make_shared<size_t>(0);
  std::vector<std::shared_ptr<Runner>> runners_;
};

}  // namespace proa::client
