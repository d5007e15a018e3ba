#include "platform/knative/routes/rollout.h"

#include <gtest/gtest.h>

#include <random>

namespace proa::knative {
namespace {

using std::chrono::seconds;

WallTime at(int64_t s) { return WallTime(seconds(1'000'000 + s)); }

Shift goal(const char* revision, int64_t percent = 100) {
  return {"c", "", percent, {{revision, percent}}, {}};
}

TEST(Rollout, WithoutDurationItIsAllAtOnce) {
  std::optional<Duration> again;
  const Shift one = advance(nullptr, goal("r1"), seconds(0), at(0), &again);
  const Shift two = advance(&one, goal("r2"), seconds(0), at(1), &again);
  EXPECT_EQ(two.shares, (std::vector<Share>{{"r2", 100}}));
  EXPECT_FALSE(again);
}

TEST(Rollout, TheFirstRevisionTakesAllAtOnce) {
  std::optional<Duration> again;
  EXPECT_EQ(advance(nullptr, goal("r1"), seconds(100), at(0), &again).shares,
            (std::vector<Share>{{"r1", 100}}));
  EXPECT_FALSE(again);
}

TEST(Rollout, GrowsByAPercentASecondOverAHundred) {
  const Shift one = advance(nullptr, goal("r1"), seconds(100), at(0), nullptr);
  const std::pair<int64_t, int64_t> rows[] = {{0, 1}, {1, 1}, {2, 2}, {50, 50}, {99, 99}};
  Shift now = one;
  for (const auto& [t, percent] : rows) {
    std::optional<Duration> again;
    now = advance(&now, goal("r2"), seconds(100), at(t), &again);
    EXPECT_EQ(now.shares, (std::vector<Share>{{"r1", 100 - percent}, {"r2", percent}})) << t;
    ASSERT_TRUE(again) << t;
    EXPECT_LE(*again, seconds(2) + std::chrono::milliseconds(1)) << t;
  }
  std::optional<Duration> again;
  now = advance(&now, goal("r2"), seconds(100), at(100), &again);
  EXPECT_EQ(now.shares, (std::vector<Share>{{"r2", 100}}));
  EXPECT_FALSE(now.since);
  EXPECT_FALSE(again);
}

TEST(Rollout, AThirdRevisionTakesFromTheOldestFirst) {
  std::optional<Duration> again;
  Shift s = advance(nullptr, goal("r1"), seconds(100), at(0), &again);
  s = advance(&s, goal("r2"), seconds(100), at(0), &again);
  s = advance(&s, goal("r2"), seconds(100), at(40), &again);
  s = advance(&s, goal("r3"), seconds(100), at(41), &again);
  EXPECT_EQ(s.shares, (std::vector<Share>{{"r1", 59}, {"r2", 40}, {"r3", 1}}));
  s = advance(&s, goal("r3"), seconds(100), at(41 + 70), &again);
  EXPECT_EQ(s.shares, (std::vector<Share>{{"r2", 30}, {"r3", 70}}));
}

TEST(Rollout, SurvivesBeingWrittenDown) {
  std::optional<Duration> again;
  Shift s = advance(nullptr, goal("r1", 80), seconds(100), at(0), &again);
  s.tag = "t";
  Shift g = goal("r2", 80);
  g.tag = "t";
  s = advance(&s, g, seconds(100), at(5), &again);
  const auto read = parse_rollout(dump_rollout({s}));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0], s);
  EXPECT_TRUE(parse_rollout("no json").empty());
}

TEST(Rollout, SharesAlwaysAddUp) {
  std::mt19937 random(7);
  Shift s = advance(nullptr, goal("r0"), seconds(10), at(0), nullptr);
  int64_t time = 0;
  int revision = 0;
  for (int i = 0; i < 20000; ++i) {
    time += static_cast<int64_t>(random() % 4);
    if (random() % 5 == 0) ++revision;
    const int64_t percent = static_cast<int64_t>(random() % 101);
    const std::string name = "r" + std::to_string(revision);
    std::optional<Duration> again;
    s = advance(&s, goal(name.c_str(), percent), seconds(random() % 20), at(time), &again);
    int64_t sum = 0;
    for (const Share& share : s.shares) {
      ASSERT_GE(share.percent, 0);
      sum += share.percent;
    }
    ASSERT_EQ(sum, percent);
    ASSERT_EQ(s.shares.back().revision, name);
    ASSERT_EQ(s.since.has_value(), again.has_value());
  }
}

}  // namespace
}  // namespace proa::knative
