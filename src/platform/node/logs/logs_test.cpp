#include <gtest/gtest.h>
#include <stdlib.h>

#include "foundation/base/strings.h"
#include "platform/node/logs/cri_log.h"
#include "platform/node/logs/log_stream.h"

namespace proa::node {
namespace {

class Logs : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/proa-logs-XXXXXX";
    dir_ = ::mkdtemp(name);
  }
  void TearDown() override { (void)remove_tree(dir_); }
  std::string read(LogQuery query) {
    query.dir = dir_;
    std::string out;
    bool done = false;
    LogStream::start(loop_, query,
                     {[&](std::string s) { out += s; }, [&] { done = true; }, [] { return false; },
                      [] { return size_t{0}; }, [] { return false; }});
    while (!done) loop_.run_once(std::chrono::milliseconds(10));
    return out;
  }
  ContainerLog open(int run, LogLimits limits = {}) {
    return std::move(ContainerLog::open(dir_, run, limits, clock_)).value();
  }
  std::string dir_;
  FakeClock clock_;
  async::Loop loop_;
};

TEST_F(Logs, WritesLinesAsTheCriDoes) {
  auto log = open(0);
  log.write(LogStreamName::kStdout, "one\ntw");
  log.write(LogStreamName::kStderr, "bad\n");
  log.write(LogStreamName::kStdout, "o\nlast");
  log.close();
  std::string text = read_file(dir_ + "/0.log").value_or("");
  auto lines = split(text, '\n');
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_TRUE(lines[0].ends_with(".000000000Z stdout F one")) << lines[0];
  EXPECT_TRUE(lines[1].ends_with("Z stderr F bad"));
  EXPECT_TRUE(lines[2].ends_with("Z stdout F two"));
  EXPECT_TRUE(lines[3].ends_with("Z stdout F last"));
  EXPECT_EQ(read({}), "one\nbad\ntwo\nlast\n");
}

TEST_F(Logs, SplitsLongLinesAndReadsThemWhole) {
  auto log = open(0, {1 << 20, 5, 10});
  log.write(LogStreamName::kStdout, "0123456789abcde\nx\n");
  log.close();
  std::string text = read_file(dir_ + "/0.log").value_or("");
  EXPECT_TRUE(contains(text, " P 0123456789\n"));
  EXPECT_EQ(read({}), "0123456789abcde\nx\n");
}

TEST_F(Logs, TurnsFilesOverAndReadsAcrossThem) {
  auto log = open(3, {200, 3, 100});
  for (int i = 0; i < 12; ++i) log.write(LogStreamName::kStdout, str("line ", i, "\n"));
  log.close();
  EXPECT_TRUE(exists(dir_ + "/3.log.1"));
  EXPECT_FALSE(exists(dir_ + "/3.log.3"));
  LogQuery q;
  q.run = 3;
  std::string all = read(q);
  EXPECT_TRUE(all.ends_with("line 10\nline 11\n")) << all;
  q.tail_lines = 6;
  EXPECT_EQ(read(q), "line 6\nline 7\nline 8\nline 9\nline 10\nline 11\n");
  q.tail_lines = 0;
  EXPECT_EQ(read(q), "");
}

TEST_F(Logs, HonoursSinceTimestampsAndLimit) {
  auto log = open(0);
  log.write(LogStreamName::kStdout, "old\n");
  clock_.advance(std::chrono::seconds(60));
  WallTime later = clock_.wall();
  log.write(LogStreamName::kStdout, "new\n");
  log.close();
  LogQuery q;
  q.since = later;
  EXPECT_EQ(read(q), "new\n");
  q.timestamps = true;
  EXPECT_EQ(read(q), cri_time(later) + " new\n");
  LogQuery limit;
  limit.limit_bytes = 5;
  EXPECT_EQ(read(limit), "old\nn");
}

TEST_F(Logs, FollowsUntilTheContainerEnds) {
  auto log = open(0, {120, 5, 100});
  log.write(LogStreamName::kStdout, "first\n");
  std::string out;
  bool done = false, running = true;
  LogQuery q;
  q.dir = dir_;
  q.follow = true;
  LogStream::start(loop_, q,
                   {[&](std::string s) { out += s; }, [&] { done = true; }, [] { return false; },
                    [] { return size_t{0}; }, [&] { return running; }});
  EXPECT_EQ(out, "first\n");
  for (int i = 0; i < 4; ++i) log.write(LogStreamName::kStdout, str("more ", i, "\n"));
  log.close();
  running = false;
  while (!done) loop_.run_once(std::chrono::milliseconds(100));
  EXPECT_EQ(out, "first\nmore 0\nmore 1\nmore 2\nmore 3\n");
}

TEST_F(Logs, FindsRunsAndTails) {
  open(0).close();
  auto log = open(11);
  log.write(LogStreamName::kStderr, "a\nb\nc\n");
  log.close();
  EXPECT_EQ(log_runs(dir_), (std::vector<int>{0, 11}));
  EXPECT_EQ(log_tail(dir_, 11, 2, 100), "b\nc\n");
  EXPECT_EQ(log_tail(dir_, 11, 80, 3), "\nc\n");
}

TEST(CriLine, RefusesWhatIsNone) {
  for (const char* bad : {"", "x", "2026 stdout", "2026 other F x", "2026 stdout X y"})
    EXPECT_FALSE(parse_cri_line(bad).has_value()) << bad;
  EXPECT_EQ(parse_cri_line("2026 stdout F")->text, "");
}

}  // namespace
}  // namespace proa::node
