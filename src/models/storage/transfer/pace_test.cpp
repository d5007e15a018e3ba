#include "models/storage/transfer/pace.h"

#include <gtest/gtest.h>

namespace proa::storage {
namespace {

const Pace::Time kStart{std::chrono::hours(1)};

int started(Pace& pace, int workers, int waiting, Pace::Time now) {
  int n = 0;
  for (int i = 0; i < workers; ++i) n += pace.may_start(waiting, now) ? 1 : 0;
  return n;
}

TEST(Pace, BeginsWithTwoAndAddsOneEachStep) {
  Pace pace;
  EXPECT_EQ(started(pace, 16, 0, kStart), 2);
  EXPECT_EQ(started(pace, 16, 0, kStart + Pace::kStep / 2), 0);
  int all = 2;
  for (int step = 1; step <= 20; ++step) {
    EXPECT_EQ(started(pace, 16 - all, 0, kStart + step * Pace::kStep), all < 16 ? 1 : 0);
    all = std::min(16, all + 1);
  }
  EXPECT_EQ(all, 16);
}

TEST(Pace, ABusyHasherAddsNoMore) {
  Pace pace;
  EXPECT_EQ(started(pace, 16, 1, kStart), 2);
  EXPECT_EQ(started(pace, 16, 1, kStart + 100 * Pace::kStep), 0);
}

TEST(Pace, ChunksThatWaitHoldUpTheNextUntilTheyAreHashed) {
  Pace pace;
  EXPECT_EQ(started(pace, 2, 0, kStart), 2);
  pace.ended(1, kStart);
  EXPECT_FALSE(pace.may_start(3, kStart));
  EXPECT_TRUE(pace.may_start(2, kStart));
}

TEST(Pace, FewerAreUnderWayWhenTheyCameTooFastButNeverLessThanTwo) {
  Pace pace;
  EXPECT_EQ(started(pace, 2, 0, kStart), 2);
  for (int step = 1; step <= 4; ++step) started(pace, 1, 0, kStart + step * Pace::kStep);  // six
  const auto later = kStart + 5 * Pace::kStep;
  for (int i = 0; i < 6; ++i) pace.ended(3, later);
  EXPECT_EQ(started(pace, 16, 0, later), 2);
}

}  // namespace
}  // namespace proa::storage
