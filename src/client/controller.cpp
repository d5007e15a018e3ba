#include "client/controller.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "foundation/obs/log.h"

namespace proa::client {
namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds(5);
constexpr Duration kLastRetry = std::chrono::seconds(30);
constexpr int kKeysPerTurn = 16;  // then the loop serves others

Duration back_off(int failures) {
  Duration delay = kFirstRetry;
  for (int i = 1; i < failures && delay < kLastRetry; ++i) delay *= 2;
  return std::min(delay, kLastRetry);
}

}  // namespace

std::function<std::vector<Key>(const Event&)> self() {
  return [](const Event& event) { return std::vector<Key>{key_of(*event.object)}; };
}

std::function<std::vector<Key>(const Event&)> owner(Kind owner_kind) {
  return [owner_kind](const Event& event) {
    std::vector<Key> keys;
    auto add = [&](const Object& object) {
      const json::Value* reference = object ? controller_of(*object) : nullptr;
      if (!reference || (*reference)["kind"].str() != owner_kind.kind) return;
      std::string_view version = (*reference)["apiVersion"].str();
      std::string_view group =
          contains(version, "/") ? version.substr(0, version.find('/')) : std::string_view();
      if (group != owner_kind.group) return;
      Key key{owner_kind.namespaced ? (*object)["metadata"]["namespace"].str() : std::string(),
              (*reference)["name"].str()};
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
    };
    add(event.object);
    add(event.old);
    return keys;
  };
}

std::function<std::vector<Key>(const Event&)> label(std::string name) {
  return [name = std::move(name)](const Event& event) {
    std::vector<Key> keys;
    auto add = [&](const Object& object) {
      if (!object) return;
      const json::Value& meta = (*object)["metadata"];
      const std::string& value = meta["labels"][name].str();
      if (value.empty()) return;
      Key key{meta["namespace"].str(), value};
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
    };
    add(event.object);
    add(event.old);
    return keys;
  };
}

// One controller: its queue is filled by any thread, everything else belongs to the loop's.
//
//   enqueue → queued → (turn) → reconcile → done | timer (retry, requeue_after) → queued …
struct ControllerHost::Runner : std::enable_shared_from_this<ControllerHost::Runner> {
  Runner(ControllerSpec s, async::Loop& l) : spec(std::move(s)), loop(l) {}

  void enqueue(Key key) {
    bool wake = false;
    {
      std::lock_guard lock(mutex);
      if (!queued.insert(key).second) return;
      order.push_back(std::move(key));
      wake = !std::exchange(scheduled, true);
    }
    if (wake) post_turn();
  }

  void post_turn() {
    loop.post([weak = weak_from_this()] {
      if (auto runner = weak.lock()) runner->turn();
    });
  }

  void turn() {
    for (int i = 0; i < kKeysPerTurn; ++i) {
      Key key;
      {
        std::lock_guard lock(mutex);
        if (order.empty() || stopped) {
          scheduled = false;
          return;
        }
        key = std::move(order.front());
        order.pop_front();
        queued.erase(key);  // from here on a change queues it again
      }
      reconcile(key);
    }
    post_turn();
  }

  void reconcile(const Key& key) {
    if (auto timer = timers.find(key); timer != timers.end()) {
      loop.cancel(timer->second);
      timers.erase(timer);
    }
    Result<Outcome> outcome = spec.reconcile(key);
    if (outcome.ok()) {
      failures.erase(key);
      if (outcome->requeue_after) arm(key, *outcome->requeue_after);
      return;
    }
    int count = ++failures[key];
    Duration delay = back_off(count);
    log::warn(spec.name, "reconcile failed, will retry",
              {{"key", key.ns.empty() ? key.name : key.ns + "/" + key.name},
               {"error", outcome.error().message},
               {"attempt", count},
               {"retry_in", format_duration(delay)}});
    arm(key, delay);
  }

  void arm(const Key& key, Duration delay) {
    timers[key] = loop.after(std::max(delay, Duration(0)), [weak = weak_from_this(), key] {
      auto runner = weak.lock();
      if (!runner) return;
      runner->timers.erase(key);
      runner->enqueue(key);
    });
  }

  void stop() {
    watches.clear();  // no callback comes after this
    for (auto& [key, timer] : timers) loop.cancel(timer);
    timers.clear();
    std::lock_guard lock(mutex);
    stopped = true;
    order.clear();
    queued.clear();
  }

  ControllerSpec spec;
  async::Loop& loop;
  std::vector<std::unique_ptr<Watch>> watches;
  std::map<Key, int> failures;
  std::map<Key, async::TimerId> timers;

  std::mutex mutex;
  std::set<Key> queued;  // GUARDED_BY(mutex), as the following
  std::deque<Key> order;
  bool scheduled = false;
  bool stopped = false;
};

ControllerHost::ControllerHost(Client& client, async::Loop& loop) : client_(client), loop_(loop) {}

ControllerHost::~ControllerHost() {
  for (auto& runner : runners_) runner->stop();
}

void ControllerHost::add(ControllerSpec spec) {
  runners_.push_back(std::make_shared<Runner>(std::move(spec), loop_));
}

void ControllerHost::start() {
  for (auto& runner : runners_) {
    for (const WatchSpec& spec : runner->spec.watches) {
      runner->watches.push_back(client_.watch(
          spec.kind, "",
          [weak = std::weak_ptr<Runner>(runner), keys = spec.keys](const Event& event) {
            auto target = weak.lock();
            if (!target) return;
            for (Key& key : keys(event)) target->enqueue(std::move(key));
          }));
    }
  }
}

void ControllerHost::enqueue(std::string_view controller, Key key) {
  for (auto& runner : runners_)
    if (runner->spec.name == controller) runner->enqueue(std::move(key));
}

bool ControllerHost::idle() const {
  for (const auto& runner : runners_) {
    std::lock_guard lock(runner->mutex);
    if (!runner->order.empty()) return false;
  }
  return true;
}

}  // namespace proa::client
