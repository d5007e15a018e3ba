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
constexpr size_t kFew = 16;
constexpr Duration kLongestPause = std::chrono::seconds(1);
constexpr int kKeysPerTurn = 16;  // then the loop serves others

// The spec is as it was.
bool is_status_alone(const Event& event) {
  if (event.type != Event::kModified || !event.old) return false;
  const json::Value &now = (*event.object)["metadata"], &before = (*event.old)["metadata"];
  return now["generation"].is_int() && now["generation"] == before["generation"] &&
         now["deletionTimestamp"] == before["deletionTimestamp"] &&
         now["labels"] == before["labels"] && now["annotations"] == before["annotations"];
}

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
//                              └ late, or in its pause → timer → idle → reconcile
struct ControllerHost::Runner : std::enable_shared_from_this<ControllerHost::Runner> {
  Runner(ControllerSpec s, async::Loop& l, Duration p, std::shared_ptr<size_t> c)
      : spec(std::move(s)), loop(l), pause(spec.at_once ? Duration(0) : p), crowd(std::move(c)) {}

  void enqueue(Key key, bool late = false) {
    bool wake = false;
    {
      std::lock_guard lock(mutex);
      auto [it, added] = queued.emplace(key, late);
      if (!added) it->second &= late;
      if (!added) return;
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
      bool late = false;
      {
        std::lock_guard lock(mutex);
        if (order.empty() || stopped) {
          scheduled = false;
          return;
        }
        key = std::move(order.front());
        order.pop_front();
        late = queued.extract(key).mapped();  // from here on a change queues it again
      }
      if (Duration wait = left_of_pause(key); late || wait.count() > 0)
        postpone(key, std::max(wait, pause_of_a_crowd()));
      else
        reconcile(key);
    }
    post_turn();
  }

  Duration left_of_pause(const Key& key) {
    if (pause.count() == 0) return {};
    MonoTime now = loop.clock().mono();
    while (!recent.empty() && now - recent.front().first >= pause) {
      last.erase(recent.front().second);
      recent.pop_front();
    }
    auto it = last.find(key);
    return it == last.end() ? Duration(0) : pause - (now - it->second);
  }

  // Many that wait are a burst of starts, whose machine has better things to do.
  Duration pause_of_a_crowd() const {
    if (*crowd <= kFew) return Duration(0);
    return std::min(pause * static_cast<int64_t>(*crowd / (kFew / 2)), kLongestPause);
  }

  // Until the pause is over, and then until the loop is idle.
  void postpone(const Key& key, Duration wait) {
    if (!postponed.insert(key).second) return;
    ++*crowd;
    if (wait.count() == 0) return when_idle(key);
    cancel_timer(key);
    when_over(key, wait, Duration(0));
  }

  // The first of a crowd do not know yet that it is one.
  void when_over(const Key& key, Duration wait, Duration waited) {
    timers[key] = loop.after(wait, [weak = weak_from_this(), key, waited = waited + wait] {
      auto runner = weak.lock();
      if (!runner) return;
      runner->timers.erase(key);
      const Duration more = runner->pause_of_a_crowd() - waited;
      if (more.count() > 0) return runner->when_over(key, more, waited);
      runner->when_idle(key);
    });
  }

  void when_idle(const Key& key) {
    ++waiting;
    loop.post_idle([weak = weak_from_this(), key] {
      auto runner = weak.lock();
      if (!runner) return;
      --runner->waiting;
      if (runner->postponed.contains(key)) runner->reconcile(key);
    });
  }

  void cancel_timer(const Key& key) {
    auto timer = timers.find(key);
    if (timer == timers.end()) return;
    loop.cancel(timer->second);
    timers.erase(timer);
  }

  void reconcile(const Key& key) {
    cancel_timer(key);
    *crowd -= postponed.erase(key);
    if (pause.count() > 0) {
      MonoTime now = loop.clock().mono();
      last.insert_or_assign(key, now);
      recent.emplace_back(now, key);
    }
    Result<Outcome> outcome = spec.reconcile(key);
    if (outcome.ok()) {
      failures.erase(key);
      if (outcome->rest_late)
        postpone(key, std::max(pause, pause_of_a_crowd()));
      else if (outcome->requeue_after)
        arm(key, *outcome->requeue_after);
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
    *crowd -= postponed.size();
    postponed.clear();
    std::lock_guard lock(mutex);
    stopped = true;
    order.clear();
    queued.clear();
  }

  ControllerSpec spec;
  async::Loop& loop;
  std::vector<std::unique_ptr<Watch>> watches;
  Duration pause;
  std::map<Key, MonoTime> last;                 // reconciled less than `pause` ago
  std::deque<std::pair<MonoTime, Key>> recent;  // the same, the oldest first
  std::set<Key> postponed;
  std::shared_ptr<size_t> crowd;  // the size of every controller's `postponed`
  int waiting = 0;                // for an idle loop
  std::map<Key, int> failures;
  std::map<Key, async::TimerId> timers;

  std::mutex mutex;
  std::map<Key, bool> queued;  // and whether late; GUARDED_BY(mutex), as the following
  std::deque<Key> order;
  bool scheduled = false;
  bool stopped = false;
};

ControllerHost::ControllerHost(Client& client, async::Loop& loop, Duration pause)
    : client_(client), loop_(loop), pause_(pause) {}

ControllerHost::~ControllerHost() {
  for (auto& runner : runners_) runner->stop();
}

void ControllerHost::add(ControllerSpec spec) {
  runners_.push_back(std::make_shared<Runner>(std::move(spec), loop_, pause_, postponed_));
}

void ControllerHost::start() {
  for (auto& runner : runners_) {
    for (const WatchSpec& spec : runner->spec.watches) {
      runner->watches.push_back(client_.watch(
          spec.kind, "",
          [weak = std::weak_ptr<Runner>(runner), keys = spec.keys,
           late = spec.late](const Event& event) {
            auto target = weak.lock();
            if (!target) return;
            auto all = keys(event);
            if (all.empty()) return;
            const bool wait = !target->spec.at_once && (late || is_status_alone(event));
            for (Key& key : all) target->enqueue(std::move(key), wait);
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
    if (!runner->order.empty() || runner->waiting > 0) return false;
  }
  return true;
}

}  // namespace proa::client
