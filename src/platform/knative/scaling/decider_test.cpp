#include "platform/knative/scaling/decider.h"

#include <gtest/gtest.h>

#include "platform/knative/scaling/revision_scaler.h"
#include "platform/knative/scaling/window.h"

namespace proa::knative {
namespace {

using std::chrono::seconds;

MonoTime at(int64_t s) { return MonoTime(seconds(s)); }

struct Row {
  const char* what;
  int64_t ready;
  double stable, panic;
  int64_t want;
  bool panics;
  int64_t burst;
};

// target 70 = 100 × 70 %; burst = floor(ready × 100 − 211 − panic average).
TEST(Decider, FollowsTheFormulas) {
  const Row rows[] = {
      {"nothing", 1, 0, 0, 0, false, -111},
      {"a little wants one", 0, 0.01, 0.1, 1, false, -212},
      {"one pod's worth", 1, 70, 70, 1, false, -181},
      {"just above one pod's worth", 1, 70.1, 70.1, 2, true, -182},  // ceil(70.1/70)/1 ≥ 2
      {"two pods are no panic for two", 2, 140, 140, 2, false, -151},
      {"twice what is there is panic", 2, 140, 280, 4, true, -291},
      {"halves at most in a tick", 10, 70, 70, 5, false, 719},
      {"an odd number rounds down", 5, 0, 0, 2, false, 289},
      {"the last one may go", 1, 0, 0, 0, false, -111},
  };
  for (const Row& row : rows) {
    DeciderInput in;
    in.now = at(1000);
    in.ready_pods = row.ready;
    in.stable_average = row.stable;
    in.panic_average = row.panic;
    const Decision d = decide(in);
    EXPECT_TRUE(d.valid) << row.what;
    EXPECT_EQ(d.desired, row.want) << row.what;
    EXPECT_EQ(d.panicking, row.panics) << row.what;
    EXPECT_EQ(d.excess_burst_capacity, row.burst) << row.what;
  }
}

TEST(Decider, GrowsByTheRateAtMost) {
  DeciderInput in;
  in.now = at(1);
  in.ready_pods = 2;
  in.spec.max_scale_up_rate = 1.5;
  in.stable_average = in.panic_average = 7000;
  EXPECT_EQ(decide(in).desired, 3);  // ceil(1.5 × 2)
}

TEST(Decider, SaysNothingWithoutData) {
  DeciderInput in;
  in.has_data = false;
  EXPECT_FALSE(decide(in).valid);
}

TEST(Decider, NeverShrinksInPanicAndLeavesItAfterAStableWindow) {
  DeciderInput in;
  in.now = at(100);
  in.ready_pods = 1;
  in.stable_average = 20;
  in.panic_average = 350;
  Decision d = decide(in);
  EXPECT_EQ(d.desired, 5);
  in.state = d.state;
  in.now = at(130);
  in.ready_pods = 5;
  in.panic_average = 10;
  d = decide(in);
  EXPECT_EQ(d.desired, 5);
  EXPECT_TRUE(d.panicking);
  in.state = d.state;
  in.now = at(160);  // exactly a window after: still
  d = decide(in);
  EXPECT_TRUE(d.panicking);
  in.state = d.state;
  in.now = at(161);
  d = decide(in);
  EXPECT_FALSE(d.panicking);
  EXPECT_EQ(d.desired, 2);  // floor(5 / 2)
}

TEST(Decider, ActivationScaleAppliesToWhatIsNotZero) {
  DeciderInput in;
  in.spec.activation_scale = 3;
  in.ready_pods = 1;
  EXPECT_EQ(decide(in).desired, 0);
  in.stable_average = 1;
  EXPECT_EQ(decide(in).desired, 3);
}

TEST(Decider, DelayKeepsTheLargestScaleOfItsTime) {
  DeciderInput in;
  in.spec.scale_down_delay = seconds(10);
  in.ready_pods = 4;
  in.stable_average = in.panic_average = 280;
  in.now = at(100);
  Decision d = decide(in);
  EXPECT_EQ(d.desired, 4);
  in.stable_average = in.panic_average = 150;
  for (int64_t t = 102; t <= 108; t += 2) {
    in.state = d.state;
    in.now = at(t);
    d = decide(in);
    EXPECT_EQ(d.desired, 4) << t;
  }
  in.state = d.state;
  in.now = at(110);
  EXPECT_EQ(decide(in).desired, 3);
}

TEST(Decider, BurstCapacityOfZeroAndMinusOneAreSpecial) {
  DeciderInput in;
  in.spec.target_burst_capacity = 0;
  EXPECT_EQ(decide(in).excess_burst_capacity, 0);
  in.spec.target_burst_capacity = -1;
  EXPECT_EQ(decide(in).excess_burst_capacity, -1);
}

TEST(Decider, StartsInPanicOverSeveralPods) {
  const Decision d = first_decision({}, 3, at(5));
  EXPECT_TRUE(d.panicking);
  EXPECT_EQ(d.state.max_panic_pods, 3);
  EXPECT_EQ(d.desired, -1);
  EXPECT_FALSE(first_decision({}, 1, at(5)).panicking);
}

TEST(Decider, BoundsFollowMinMaxAndInitialScale) {
  ScaleSpec s;
  s.min_scale = 2;
  s.max_scale = 4;
  s.initial_scale = 3;
  EXPECT_EQ(bounded(s, true, 0), 2);
  EXPECT_EQ(bounded(s, false, 0), 3);
  EXPECT_EQ(bounded(s, true, 9), 4);
  s.reachable = false;
  EXPECT_EQ(bounded(s, false, 0), 0);
}

TEST(Window, DividesAPartialWindowByTheSecondsThereWere) {
  Window w(seconds(60));
  w.record(100, 10);
  EXPECT_DOUBLE_EQ(w.average(100), 10);
  w.record(101, 20);
  EXPECT_DOUBLE_EQ(w.average(101), 15);
  w.record(104, 6);  // 102 and 103 count as zero
  EXPECT_DOUBLE_EQ(w.average(104), 7.2);
}

TEST(Window, DropsWhatIsOlderThanItself) {
  Window w(seconds(5));
  for (int64_t s = 100; s < 105; ++s) w.record(s, 5);
  EXPECT_DOUBLE_EQ(w.average(104), 5);
  EXPECT_DOUBLE_EQ(w.average(106), 5);  // 102..104 over 3
  EXPECT_DOUBLE_EQ(w.average(108), 5);  // only 104 is left
  EXPECT_DOUBLE_EQ(w.average(109), 0);
  w.record(200, 1);  // starts anew
  EXPECT_DOUBLE_EQ(w.average(200), 1);
}

TEST(Window, AddsWithinASecondAndRounds) {
  Window w(seconds(6));
  w.record(1, 1);
  w.record(1, 1);
  w.record(2, 0);
  w.record(3, 0);
  EXPECT_DOUBLE_EQ(w.average(3), 0.666667);
}

TEST(Window, WeighsExponentially) {
  Window w(seconds(6), Aggregation::kWeightedExponential);
  // 1 − 0.0001^(1/6) = 0.784557
  w.record(10, 100);
  EXPECT_NEAR(w.average(10), 78.4557, 0.001);
  EXPECT_NEAR(w.average(11), 78.4557 * 0.215443, 0.001);
}

// A day in the life: drives a scaler second by second, ticking every two.
class Simulation {
 public:
  explicit Simulation(const ScaleSpec& spec) : scaler_(spec, moment(), 0) {}
  Moment moment() const { return {at(1000 + t_), 1'000'000 + t_}; }
  void tick(double concurrency) {
    ++t_;
    if (concurrency > 0) scaler_.report(moment().second - 1, concurrency, concurrency);
    scaler_.observe(moment(), pods_);
    if (t_ % 2 == 0) scaler_.decide(moment(), pods_);
    for (int i = 0; i < 3; ++i) {
      last_ = scaler_.step(moment(), {pods_, pods_});
      if (last_.scale_to) pods_ = *last_.scale_to;
      if (!last_.again || *last_.again > Duration::zero()) break;
    }
  }
  // Seconds until there is no pod, without any request.
  int64_t seconds_to_zero(int64_t most = 4000) {
    for (int64_t s = 1; s <= most; ++s) {
      tick(0);
      if (pods_ == 0) return s;
    }
    return -1;
  }
  int64_t t_ = 0;
  int64_t pods_ = 1;
  RevisionScaler scaler_;
  StepResult last_;
};

TEST(ScaleToZero, ComesAfterTheStableWindow) {
  Simulation s{ScaleSpec{}};
  for (int i = 0; i < 200; ++i) s.tick(3);
  EXPECT_EQ(s.pods_, 1);
  const int64_t took = s.seconds_to_zero();
  EXPECT_GE(took, 60);
  EXPECT_LE(took, 62);
  EXPECT_EQ(s.last_.active.reason, "NoTraffic");
}

TEST(ScaleToZero, ComesSoonerWithAShortWindow) {
  ScaleSpec spec;
  spec.stable_window = seconds(6);
  spec.panic_window = seconds(1);
  Simulation s{spec};
  for (int i = 0; i < 30; ++i) s.tick(1);
  const int64_t took = s.seconds_to_zero();
  EXPECT_GE(took, 6);
  EXPECT_LE(took, 8);
}

TEST(ScaleToZero, WaitsForTheGracePeriodIfTheActivatorWasNotInThePath) {
  ScaleSpec spec;
  spec.target_burst_capacity = 0;  // the activator is in the path at zero only
  Simulation s{spec};
  for (int i = 0; i < 200; ++i) s.tick(3);
  const int64_t took = s.seconds_to_zero();
  EXPECT_GE(took, 90);
  EXPECT_LE(took, 93);
}

TEST(ScaleToZero, WaitsForTheRetention) {
  ScaleSpec spec;
  spec.retention = seconds(300);
  Simulation s{spec};
  for (int i = 0; i < 200; ++i) s.tick(3);
  const int64_t took = s.seconds_to_zero();
  EXPECT_GE(took, 360);
  EXPECT_LE(took, 363);
}

TEST(ScaleToZero, DoesNotHappenWithMinScale) {
  ScaleSpec spec;
  spec.min_scale = 1;
  Simulation s{spec};
  for (int i = 0; i < 20; ++i) s.tick(3);
  EXPECT_EQ(s.seconds_to_zero(3600), -1);
}

TEST(ScaleToZero, ANewRevisionWithoutTrafficStaysForAWindow) {
  Simulation s{ScaleSpec{}};
  const int64_t took = s.seconds_to_zero();
  EXPECT_GE(took, 60);
  EXPECT_LE(took, 64);
}

TEST(ScaleToZero, ARequestThatWaitsBringsAPodAtOnce) {
  Simulation s{ScaleSpec{}};
  for (int i = 0; i < 100; ++i) s.tick(0);
  ASSERT_EQ(s.pods_, 0);
  s.scaler_.waiting(s.moment().second, 1);
  EXPECT_TRUE(s.scaler_.decide(s.moment(), 0));
  const StepResult step = s.scaler_.step(s.moment(), {0, 0});
  EXPECT_EQ(step.scale_to, 1);
  EXPECT_EQ(step.active.reason, "Queued");
}

TEST(ScaleToZero, AReportReplacesWhatWaitingGuessed) {
  RevisionScaler s(ScaleSpec{}, {at(1), 100}, 0);
  s.waiting(100, 4);
  s.waiting(100, 3);
  EXPECT_DOUBLE_EQ(s.stable_average(100), 4);
  s.report(100, 0.5, 9);
  EXPECT_DOUBLE_EQ(s.stable_average(100), 0.5);
}

TEST(ScaleToZero, ARevisionThatNeverStartsIsGivenUp) {
  ZeroInput in;
  in.activity = Activity::kActivating;
  in.in_activity = seconds(629);
  EXPECT_FALSE(step_to_zero(in).apply);
  in.in_activity = seconds(630);
  EXPECT_TRUE(step_to_zero(in).apply);
  EXPECT_EQ(step_to_zero(in).want, 0);
  EXPECT_EQ(active_condition(Activity::kActivating, 0, 0, 1).reason, "TimedOut");
}

TEST(ScaleToZero, CanBeSwitchedOff) {
  ZeroInput in;
  in.spec.enable_scale_to_zero = false;
  in.activity = Activity::kInactive;
  EXPECT_EQ(step_to_zero(in).want, 1);
}

}  // namespace
}  // namespace proa::knative
