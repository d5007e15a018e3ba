#include "foundation/async/loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <thread>

namespace proa::async {

TEST(Loop, RunsWhatOtherThreadsPostInOrder) {
  Loop loop;
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&, i] { seen.push_back(i); });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  ASSERT_EQ(seen.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
}

TEST(Loop, FiresTimersInOrderAndNotTheCancelled) {
  FakeClock clock;
  Loop loop(clock);
  std::string seen;
  loop.after(std::chrono::milliseconds(20), [&] { seen += "b"; });
  loop.after(std::chrono::milliseconds(10), [&] { seen += "a"; });
  TimerId id = loop.after(std::chrono::milliseconds(15), [&] { seen += "x"; });
  loop.cancel(id);
  loop.run_once(Duration(0));
  EXPECT_EQ(seen, "");
  clock.advance(std::chrono::milliseconds(30));
  loop.run_once(Duration(0));
  EXPECT_EQ(seen, "ab");
}

TEST(Loop, ADescriptorMayBeUnwatchedFromItsOwnCallback) {
  Loop loop;
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  int calls = 0;
  loop.watch(fds[0], EPOLLIN, [&](uint32_t) {
    ++calls;
    loop.unwatch(fds[0]);
  });
  ASSERT_EQ(::write(fds[1], "x", 1), 1);
  loop.run_once(std::chrono::seconds(1));
  loop.run_once(Duration(0));
  EXPECT_EQ(calls, 1);
  ::close(fds[0]);
  ::close(fds[1]);
}

}  // namespace proa::async
