#include "foundation/obs/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace proa::log {
namespace {

// What write() says, less the time.
std::string written(std::string_view message, Fields fields) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  set_log_fd(ends[1]);
  info("test", message, fields);
  set_log_fd(2);
  char buffer[512];
  ssize_t n = ::read(ends[0], buffer, sizeof buffer);
  ::close(ends[0]);
  ::close(ends[1]);
  std::string line(buffer, n > 0 ? static_cast<size_t>(n) : 0);
  return line.substr(std::min(line.size(), line.find(' ')));
}

TEST(Log, WritesAnEventAsOneLineWithItsFields) {
  EXPECT_EQ(written("two\nlines", {{"pod", "a/b"}, {"why", "no \"x\""}, {"count", 3}}),
            " INFO  test: two lines pod=a/b why=\"no \\\"x\\\"\" count=3\n");
}

TEST(Log, RoundsNumbersToThreeDecimals) {
  EXPECT_EQ(written("ready", {{"ms", 1.1224539999999998}, {"s", 2.0}, {"rows", 12345678.0}}),
            " INFO  test: ready ms=1.122 s=2 rows=12345678\n");
}

}  // namespace
}  // namespace proa::log
