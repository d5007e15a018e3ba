#include "platform/knative/admission.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::knative {
namespace {

json::Value yaml(std::string_view text) { return std::move(json::parse_yaml(text)).value(); }

json::Value service(std::string_view annotations = "{}", std::string_view traffic = "[]") {
  return yaml(str("{metadata: {name: s}, spec: {template: {metadata: {annotations: ", annotations,
                  "}, spec: {containers: [{image: i}]}}, traffic: ", traffic, "}}"));
}

TEST(KnativeAdmission, FillsInDefaults) {
  json::Value s = service();
  default_service(s);
  EXPECT_EQ(s["spec"]["template"]["spec"]["timeoutSeconds"].integer(), 300);
  EXPECT_EQ(s["spec"]["template"]["spec"]["containerConcurrency"].integer(-1), 0);
  EXPECT_EQ(s["spec"]["traffic"][0]["percent"].integer(), 100);
  EXPECT_TRUE(validate_service(s).ok());
}

TEST(KnativeAdmission, RefusesBadAnnotations) {
  const std::pair<const char*, const char*> rows[] = {
      {"min-scale: '3', autoscaling.knative.dev/max-scale: '2'",
       "max-scale=2 is less than min-scale=3"},
      {"activation-scale: '1'", "activation-scale=1 must be greater than 1"},
      {"target: '0.001'", "target 0.001 should be at least 0.01"},
      {"window: 5s", "expected 6s <= 5s <= 1h0m0s"},
      {"window: 6500ms", "second precision"},
      {"metric: cpu", "invalid value: cpu"},
      {"initial-scale: '0'", "initial scale of 0"},
      {"target-utilization-percentage: '101'", "expected 1 <= 101 <= 100"},
      {"panic-threshold-percentage: '100'", "expected 110 <= 100 <= 1000"},
      {"target-burst-capacity: '-2'", "at least 0, or -1"},
      {"minScale: x", "invalid value: x"},
      {"class: hpa.autoscaling.knative.dev", "not served"},
      {"scale-to-zero-pod-retention-period: 2h", "expected 0s"},
  };
  for (const auto& [annotation, message] : rows) {
    Status s = validate_service(service(str("{autoscaling.knative.dev/", annotation, "}")));
    ASSERT_FALSE(s.ok()) << annotation;
    EXPECT_TRUE(contains(s.error().message, message)) << s.error().message;
  }
}

TEST(KnativeAdmission, RefusesBadTraffic) {
  const std::pair<const char*, const char*> rows[] = {
      {"[{percent: 50}]", "sum to 50, want 100"},
      {"[{percent: 100, configurationName: c}]",
       "must not set the field(s): spec.traffic[0].configurationName"},
      {"[{percent: 100, revisionName: r, latestRevision: true}]", "may not set revisionName"},
      {"[{percent: 60, tag: a}, {percent: 40, tag: a}]", "Multiple definitions for \"a\""},
  };
  for (const auto& [traffic, message] : rows) {
    Status s = validate_service(service("{}", traffic));
    ASSERT_FALSE(s.ok()) << traffic;
    EXPECT_TRUE(contains(s.error().message, message)) << s.error().message;
  }
}

TEST(KnativeAdmission, RefusesBadTemplates) {
  EXPECT_FALSE(validate_service(yaml("{metadata: {name: s}, spec: {}}")).ok());
  EXPECT_FALSE(
      validate_service(yaml("{metadata: {name: s}, spec: {template: {spec: {containers: []}}}}"))
          .ok());
  EXPECT_FALSE(
      validate_service(yaml("{metadata: {name: s}, spec: {template: {spec: {timeoutSeconds: 601, "
                            "containers: [{image: i}]}}}}"))
          .ok());
  EXPECT_FALSE(validate_service(
                   yaml("{metadata: {name: s}, spec: {template: {metadata: {name: other}, spec: "
                        "{containers: [{image: i}]}}}}"))
                   .ok());
}

TEST(KnativeAdmission, RevisionsDoNotChange) {
  const json::Value a = yaml("{spec: {containers: [{image: a}]}}"),
                    b = yaml("{spec: {containers: [{image: b}]}}");
  EXPECT_TRUE(validate_revision(a, &a).ok());
  EXPECT_FALSE(validate_revision(b, &a).ok());
}

TEST(ScalingConfig, TakesTheConfigMapThenTheAnnotations) {
  auto config = parse_autoscaler_config(
      yaml("{stable-window: 30s, container-concurrency-target-percentage: '0.5'}"));
  ASSERT_TRUE(config.ok());
  ScaleSpec s = scale_spec(yaml("{}"), 0, true, *config);
  EXPECT_DOUBLE_EQ(s.target, 50);
  EXPECT_EQ(s.panic_window, std::chrono::seconds(3));
  s = scale_spec(yaml("{autoscaling.knative.dev/target: '20', autoscaling.knative.dev/window: 6s}"),
                 10, true, *config);
  EXPECT_DOUBLE_EQ(s.total, 10) << "the container takes no more";
  EXPECT_EQ(s.stable_window, std::chrono::seconds(6));
  EXPECT_EQ(s.panic_window, std::chrono::seconds(1));
  s = scale_spec(yaml("{autoscaling.knative.dev/metric: rps}"), 10, true, {});
  EXPECT_DOUBLE_EQ(s.target, 140);
  EXPECT_FALSE(parse_autoscaler_config(yaml("{stable-window: soon}")).ok());
}

}  // namespace
}  // namespace proa::knative
