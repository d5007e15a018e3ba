#include "platform/knative/garbage.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::knative {
namespace {

using std::chrono::hours;

const WallTime kNow = *parse_rfc3339("2026-01-20T00:00:00Z");

Object revision(int n, Duration age, Duration idle, const char* state = "reserve",
                const char* keep = "false") {
  return std::make_shared<json::Value>(
      std::move(json::parse_yaml(str("{metadata: {name: r", n, ", creationTimestamp: '",
                                     rfc3339(kNow - age),
                                     "', labels: {serving.knative.dev/routingState: ", state,
                                     ", serving.knative.dev/configurationGeneration: '", n,
                                     "'}, annotations: {serving.knative.dev/no-gc: '", keep,
                                     "', serving.knative.dev/routingStateModified: '",
                                     rfc3339(kNow - idle), "'}}}")))
          .value());
}

std::vector<std::string> removed(const GarbageSettings& g, const std::vector<Object>& all) {
  const json::Value configuration =
      std::move(json::parse_yaml(
                    "{status: {latestReadyRevisionName: r9, latestCreatedRevisionName: r9}}"))
          .value();
  std::vector<std::string> names;
  for (const auto& r : plan_garbage(configuration, all, g, kNow).remove)
    names.push_back(name_of(*r));
  return names;
}

TEST(RevisionGarbage, OldOnesGoDownToTheMinimum) {
  GarbageSettings g;
  g.min_non_active = 1;
  const std::vector<Object> all{revision(1, hours(100), hours(90)),
                                revision(2, hours(100), hours(80)),
                                revision(3, hours(100), hours(70), "active"),
                                revision(4, hours(100), hours(60), "reserve", "true"),
                                revision(5, hours(100), hours(5)),
                                revision(6, hours(10), hours(40)),
                                revision(9, hours(100), hours(90))};
  EXPECT_EQ(removed(g, all), (std::vector<std::string>{"r1", "r2"}));
  g.min_non_active = 3;
  EXPECT_EQ(removed(g, all), (std::vector<std::string>{"r1"}));
  g.min_non_active = 20;
  EXPECT_TRUE(removed(g, all).empty());
}

TEST(RevisionGarbage, BeyondTheMaximumAgeDoesNotCount) {
  GarbageSettings g;
  g.min_non_active = 0;
  g.max_non_active = 1;
  const std::vector<Object> all{revision(1, hours(1), hours(1)), revision(2, hours(1), hours(0)),
                                revision(3, hours(1), hours(0))};
  EXPECT_EQ(removed(g, all), (std::vector<std::string>{"r1", "r2"}));
  g.max_non_active.reset();
  EXPECT_TRUE(removed(g, all).empty());
}

TEST(RevisionGarbage, DisabledAgesKeepAll) {
  GarbageSettings g{std::nullopt, std::nullopt, 0, std::nullopt};
  EXPECT_TRUE(removed(g, {revision(1, hours(9999), hours(9999))}).empty());
}

TEST(RevisionGarbage, SaysWhenToLookAgain) {
  GarbageSettings g;
  g.min_non_active = 0;
  const GarbagePlan plan =
      plan_garbage(json::Value(), {revision(1, hours(47), hours(20))}, g, kNow);
  ASSERT_TRUE(plan.again);
  EXPECT_EQ(*plan.again, hours(1) + std::chrono::seconds(1));
}

}  // namespace
}  // namespace proa::knative
