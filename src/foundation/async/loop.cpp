#include "foundation/async/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "foundation/base/check.h"
#include "foundation/base/file.h"

namespace proa::async {

namespace {
constexpr Duration kLongestIdleWait = std::chrono::seconds(1);
}

struct Loop::State {
  Fd epoll, wake;
  std::atomic<bool> stopped{false};
  std::atomic<std::thread::id> thread{};

  std::mutex mutex;
  std::vector<Task> inbox;  // guarded by mutex
  bool woken = false;       // guarded by mutex: the eventfd is already readable

  std::vector<Task> local;  // posted from the loop's own thread
  std::map<std::pair<MonoTime, TimerId>, Task> timers;
  std::unordered_map<TimerId, MonoTime> deadlines;
  std::deque<std::pair<MonoTime, Task>> idle;  // and when each is to run at the latest
  TimerId next_timer = 1;

  struct Watch {
    IoCallback callback;
    bool dead = false;
  };
  std::unordered_map<int, std::shared_ptr<Watch>> watches;
};

Loop::Loop(Clock& clock) : clock_(clock), now_(clock.mono()), state_(std::make_unique<State>()) {
  state_->epoll = Fd(::epoll_create1(EPOLL_CLOEXEC));
  state_->wake = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  CHECK(state_->epoll && state_->wake);
  epoll_event event{EPOLLIN, {}};
  event.data.ptr = nullptr;
  CHECK(::epoll_ctl(state_->epoll.get(), EPOLL_CTL_ADD, state_->wake.get(), &event) == 0);
}

Loop::~Loop() = default;

bool Loop::in_loop() const { return state_->thread.load() == std::this_thread::get_id(); }

void Loop::post(Task task) {
  if (in_loop()) {
    state_->local.push_back(std::move(task));
    return;
  }
  std::lock_guard lock(state_->mutex);
  state_->inbox.push_back(std::move(task));
  if (std::exchange(state_->woken, true)) return;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(state_->wake.get(), &one, sizeof one);
}

void Loop::post_idle(Task task) {
  state_->idle.emplace_back(clock_.mono() + kLongestIdleWait, std::move(task));
}

void Loop::stop() {
  state_->stopped = true;
  std::lock_guard lock(state_->mutex);
  state_->woken = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(state_->wake.get(), &one, sizeof one);
}

TimerId Loop::after(Duration delay, Task task) {
  TimerId id = state_->next_timer++;
  MonoTime when = clock_.mono() + std::max(delay, Duration(0));
  state_->timers.emplace(std::pair{when, id}, std::move(task));
  state_->deadlines.emplace(id, when);
  return id;
}

void Loop::cancel(TimerId id) {
  auto it = state_->deadlines.find(id);
  if (it == state_->deadlines.end()) return;
  state_->timers.erase({it->second, id});
  state_->deadlines.erase(it);
}

void Loop::watch(int fd, uint32_t events, IoCallback callback) {
  auto entry = std::make_shared<State::Watch>();
  entry->callback = std::move(callback);
  epoll_event event{events, {}};
  event.data.ptr = entry.get();
  CHECK(state_->watches.emplace(fd, entry).second);
  CHECK(::epoll_ctl(state_->epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Loop::modify(int fd, uint32_t events) {
  auto it = state_->watches.find(fd);
  CHECK(it != state_->watches.end());
  epoll_event event{events, {}};
  event.data.ptr = it->second.get();
  CHECK(::epoll_ctl(state_->epoll.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void Loop::unwatch(int fd) {
  auto it = state_->watches.find(fd);
  if (it == state_->watches.end()) return;
  it->second->dead = true;
  // Freed after this turn: an event for it may already be in hand.
  state_->local.push_back([keep = std::move(it->second)] {});
  state_->watches.erase(it);
  ::epoll_ctl(state_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
}

bool Loop::run_once(Duration most) {
  State& s = *state_;
  s.thread = std::this_thread::get_id();
  if (s.stopped) return false;

  bool busy = false;
  now_ = clock_.mono();
  while (!s.timers.empty() && s.timers.begin()->first.first <= now_) {
    auto node = s.timers.extract(s.timers.begin());
    s.deadlines.erase(node.key().second);
    node.mapped()();
    busy = true;
  }

  Duration wait = most;
  if (!s.local.empty() || !s.idle.empty())
    wait = Duration(0);
  else if (!s.timers.empty())
    wait = std::min(wait, s.timers.begin()->first.first - now_);
  wait = std::max(wait, Duration(0));
  timespec timeout{static_cast<time_t>(wait.count() / 1'000'000'000),
                   static_cast<long>(wait.count() % 1'000'000'000)};
  epoll_event events[128];
  int n = ::epoll_pwait2(s.epoll.get(), events, 128, &timeout, nullptr);
  now_ = clock_.mono();
  for (int i = 0; i < n; ++i) {
    auto* entry = static_cast<State::Watch*>(events[i].data.ptr);
    if (entry) {
      if (!entry->dead) entry->callback(events[i].events);
      continue;
    }
    uint64_t count;
    [[maybe_unused]] ssize_t r = ::read(s.wake.get(), &count, sizeof count);
  }

  std::vector<Task> tasks;
  {
    std::lock_guard lock(s.mutex);
    tasks.swap(s.inbox);
    s.woken = false;
  }
  busy |= n > 0 || !tasks.empty() || !s.local.empty();
  for (Task& task : tasks) task();
  tasks.clear();
  tasks.swap(s.local);
  for (Task& task : tasks) task();
  if (!s.idle.empty() && (!busy || s.idle.front().first <= now_)) {
    Task task = std::move(s.idle.front().second);
    s.idle.pop_front();
    task();
  }
  return !s.stopped;
}

void Loop::run() {
  while (run_once(std::chrono::seconds(60))) {
  }
  state_->thread = std::thread::id();
}

}  // namespace proa::async
