// Loop: one thread's event loop over epoll: descriptors, timers, and work posted by other threads.
//
// Used by every server, client and controller. All callbacks run on the thread that is in run();
// only post() and stop() may be called from elsewhere. A callback must not block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "foundation/base/clock.h"

namespace proa::async {

using TimerId = uint64_t;

class Loop {
 public:
  using Task = std::function<void()>;
  using IoCallback = std::function<void(uint32_t events)>;  // EPOLLIN, EPOLLOUT, EPOLLHUP, …

  explicit Loop(Clock& clock = real_clock());
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();                    // until stop()
  bool run_once(Duration most);  // one turn, for tests; false once stopped
  void stop();                   // thread-safe; run() returns after the current turn

  // Thread-safe; tasks run in order. Cheap from the loop's own thread (no wake-up).
  void post(Task task);
  // Loop thread only: when a turn found nothing else to do, one task a turn, in order. In a loop
  // that is never idle each begins a second after it was posted.
  void post_idle(Task task);
  bool in_loop() const;  // true on the thread that is in run()

  TimerId after(Duration delay, Task task);  // loop thread, or before run()
  void cancel(TimerId id);                   // no effect on one that has fired

  // At most one callback a descriptor. The callback stays until unwatch(), which may be called
  // from inside it. Edge-triggered where `events` has EPOLLET.
  void watch(int fd, uint32_t events, IoCallback callback);
  void modify(int fd, uint32_t events);
  void unwatch(int fd);

  Clock& clock() const { return clock_; }
  MonoTime now() const { return now_; }  // taken once a turn

 private:
  struct State;
  Clock& clock_;
  MonoTime now_;
  std::unique_ptr<State> state_;
};

}  // namespace proa::async
