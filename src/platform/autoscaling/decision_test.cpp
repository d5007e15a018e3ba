#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/autoscaling/behavior.h"
#include "platform/autoscaling/hpa_status.h"
#include "platform/autoscaling/quantity.h"
#include "platform/autoscaling/replicas.h"

namespace proa::autoscaling {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

json::Value yaml(std::string_view text) { return std::move(json::parse_yaml(text)).value(); }
MonoTime at(int64_t s) { return MonoTime(seconds(s)); }
const WallTime kNow = *parse_rfc3339("2026-01-01T12:00:00Z");

client::Object pod(const std::string& name, const char* phase = "Running",
                   const char* ready = "True", Duration age = minutes(60),
                   const char* request = "100m") {
  const std::string since = rfc3339(kNow - age);
  return std::make_shared<json::Value>(yaml(
      str("{metadata: {name: ", name, "}, spec: {containers: [{name: c, resources: {requests: ",
          "{cpu: ", request, ", memory: 100Mi}}}]}, status: {phase: ", phase, ", startTime: '",
          since, "', conditions: [{type: Ready, status: '", ready, "', lastTransitionTime: '",
          since, "'}]}}")));
}

std::vector<Sample> uses(double cpu_millis, double memory = 0) {
  return {{"c", cpu_millis, memory, kNow, seconds(15)}};
}

HpaSpec cpu_spec(int64_t utilization = 50) {
  return hpa_spec(
      yaml(str("{spec: {minReplicas: 1, maxReplicas: 100, metrics: [{type: Resource, "
               "resource: {name: cpu, target: {type: Utilization, averageUtilization: ",
               utilization, "}}}]}}")));
}

TEST(Quantity, IsReadAsThousandths) {
  EXPECT_EQ(parse_milli("250m"), 250);
  EXPECT_EQ(parse_milli("1.5"), 1500);
  EXPECT_EQ(parse_milli(2), 2000);
  EXPECT_EQ(parse_milli("1Ki"), 1024000);
  EXPECT_EQ(parse_milli("1k"), 1000000);
  EXPECT_FALSE(parse_milli("fast"));
  EXPECT_FALSE(parse_milli("9E9E"));
  EXPECT_FALSE(parse_milli("999999Ei"));
  EXPECT_EQ(format_milli(250), "250m");
  EXPECT_EQ(format_milli(3000), "3");
}

struct Row {
  const char* what;
  std::vector<client::Object> pods;
  PodSamples samples;
  int64_t current, want;
};

TEST(HpaReplicas, FollowsUseAndGuessesWithCareWhatIsMissing) {
  const Row rows[] = {
      {"twice the target", {pod("a")}, {{"a", uses(100)}}, 1, 2},
      {"within a tenth", {pod("a"), pod("b")}, {{"a", uses(54)}, {"b", uses(54)}}, 2, 2},
      {"half the target", {pod("a"), pod("b")}, {{"a", uses(25)}, {"b", uses(25)}}, 2, 1},
      {"a pod without metrics counts as full when going down",
       {pod("a"), pod("b"), pod("c")},
       {{"a", uses(10)}, {"b", uses(10)}},
       3,
       3},
      {"and as idle when going up", {pod("a"), pod("b")}, {{"a", uses(100)}}, 2, 2},
      {"a pod that is not ready counts as idle when going up",
       {pod("a"), pod("b", "Running", "False", seconds(60))},
       {{"a", uses(200)}, {"b", uses(100)}},
       2,
       4},
      {"a pending pod too", {pod("a"), pod("b", "Pending")}, {{"a", uses(100)}}, 2, 2},
      {"a failed one does not count at all",
       {pod("a"), pod("b", "Failed")},
       {{"a", uses(100)}},
       1,
       2},
      {"the first look after a start is not believed",
       {pod("a"), pod("b", "Running", "True", seconds(5))},
       {{"a", uses(100)}, {"b", uses(500)}},
       2,
       2},
  };
  for (const Row& row : rows) {
    const HpaSpec spec = cpu_spec();
    Proposal p = propose(spec.metrics[0], row.current, row.pods, row.samples, spec, kNow);
    EXPECT_EQ(p.trouble, "") << row.what;
    EXPECT_EQ(p.replicas, row.want) << row.what;
  }
}

TEST(HpaReplicas, SaysWhatIsMissing) {
  const HpaSpec spec = cpu_spec();
  const PodSamples some{{"a", uses(10)}};
  auto trouble = [&](const MetricTarget& m, std::vector<client::Object> pods, PodSamples samples) {
    Proposal p = propose(m, 1, pods, samples, spec, kNow);
    return p.reason + ": " + p.trouble;
  };
  EXPECT_EQ(
      trouble(spec.metrics[0], {}, some),
      "FailedGetResourceMetric: no pods returned by selector while calculating replica count");
  EXPECT_EQ(trouble(spec.metrics[0], {pod("a")}, {}),
            "FailedGetResourceMetric: failed to get cpu utilization: did not receive metrics for "
            "targeted pods (pods might be unready)");
  EXPECT_EQ(trouble(spec.metrics[0], {pod("a", "Running", "True", minutes(60), "''")}, some),
            "FailedGetResourceMetric: failed to get cpu utilization: missing request for cpu in "
            "container c of Pod a");
  const HpaSpec other = hpa_spec(
      yaml("{spec: {metrics: [{type: External, external: {metric: {name: queue}, target: {type: "
           "AverageValue, averageValue: 30}}}]}}"));
  EXPECT_TRUE(contains(trouble(other.metrics[0], {pod("a")}, some),
                       "FailedGetExternalMetric: metrics of type External (metric \"queue\")"));
}

TEST(HpaReplicas, AverageValuesAndContainersWork) {
  HpaSpec spec = hpa_spec(
      yaml("{spec: {maxReplicas: 9, metrics: [{type: Resource, resource: {name: memory, target: "
           "{type: AverageValue, averageValue: 50Mi}}}, {type: ContainerResource, "
           "containerResource: {name: cpu, container: d, target: {type: Utilization, "
           "averageUtilization: 50}}}]}}"));
  Proposal p = propose(spec.metrics[0], 1, {pod("a")}, {{"a", uses(0, 100 << 20)}}, spec, kNow);
  EXPECT_EQ(p.replicas, 2);
  EXPECT_EQ(
      json::dump(p.current),
      R"({"resource":{"current":{"averageValue":"104857600"},"name":"memory"},"type":"Resource"})");
  p = propose(spec.metrics[1], 1, {pod("a")}, {{"a", {{"d", 10.0, 0, kNow, seconds(15)}}}}, spec,
              kNow);
  EXPECT_TRUE(contains(p.trouble, "container d not present in Pod a")) << p.trouble;
}

TEST(HpaJoin, TakesTheMostAndNeverShrinksOnPartOfTheMetrics) {
  Proposal two{2, "cpu", json::Object(), "", ""}, four{4, "memory", json::Object(), "", ""};
  Proposal bad{0, "x", json::Value(), "FailedGetPodsMetric", "not here"};
  EXPECT_EQ(join_proposals({two, four}, 3).replicas, 4);
  EXPECT_EQ(join_proposals({two, four}, 3).metric, "memory");
  EXPECT_EQ(join_proposals({four, bad}, 3).trouble, "");
  Joined stuck = join_proposals({two, bad}, 3);
  EXPECT_EQ(stuck.trouble, "invalid metrics (1 invalid out of 2), first error is: not here");
  EXPECT_EQ(stuck.active.reason, "FailedGetPodsMetric");
}

TEST(HpaBehavior, GrowsByFourOrByDoubleInAQuarterMinute) {
  const HpaSpec spec = cpu_spec();
  History h;
  Normalized n = normalize(spec, h, 1, 50, at(1000));
  EXPECT_EQ(n.replicas, 5);
  EXPECT_EQ(n.limited.reason, "ScaleUpLimit");
  note_change(spec, h, 1, 5, at(1000));
  EXPECT_EQ(normalize(spec, h, 5, 50, at(1005)).replicas, 5) << "the quarter minute is not over";
  EXPECT_EQ(normalize(spec, h, 5, 50, at(1016)).replicas, 10);
}

TEST(HpaBehavior, WaitsFiveMinutesToShrink) {
  const HpaSpec spec = cpu_spec();
  History h;
  normalize(spec, h, 10, 10, at(1000));
  Normalized n = normalize(spec, h, 10, 2, at(1200));
  EXPECT_EQ(n.replicas, 10);
  EXPECT_EQ(n.able.reason, "ScaleDownStabilized");
  n = normalize(spec, h, 10, 2, at(1301));
  EXPECT_EQ(n.replicas, 2);
  EXPECT_EQ(n.able.reason, "ReadyForNewScale");
  n = normalize(spec, h, 2, 0, at(2000));
  EXPECT_EQ(n.replicas, 1);
  EXPECT_EQ(n.limited.reason, "TooFewReplicas");
}

TEST(HpaBehavior, ObeysPolicies) {
  const HpaSpec spec = hpa_spec(yaml(
      "{spec: {maxReplicas: 20, behavior: {scaleUp: {selectPolicy: Min, policies: [{type: Pods, "
      "value: 3, periodSeconds: 60}, {type: Percent, value: 50, periodSeconds: 60}]}, "
      "scaleDown: {selectPolicy: Disabled, stabilizationWindowSeconds: 0}}}}"));
  History h;
  EXPECT_EQ(normalize(spec, h, 4, 20, at(1)).replicas, 6);
  EXPECT_EQ(normalize(spec, h, 10, 20, at(2)).replicas, 13);
  EXPECT_EQ(normalize(spec, h, 10, 1, at(200)).replicas, 10) << "Disabled";
  EXPECT_EQ(normalize(spec, h, 20, 30, at(4000)).limited.reason, "TooManyReplicas");
}

}  // namespace
}  // namespace proa::autoscaling
