#include "platform/knative/scaling/scaling_config.h"

#include <gtest/gtest.h>

#include "foundation/json/yaml.h"

namespace proa::knative {
namespace {

json::Value yaml(std::string_view text) { return std::move(json::parse_yaml(text)).value(); }

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

TEST(ScalingConfig, TheClassIsTheAnnotationsOrTheConfigMaps) {
  EXPECT_FALSE(scaled_by_hpa(yaml("{}"), {}));
  EXPECT_TRUE(
      scaled_by_hpa(yaml("{autoscaling.knative.dev/class: hpa.autoscaling.knative.dev}"), {}));
  auto config =
      parse_autoscaler_config(yaml("{pod-autoscaler-class: hpa.autoscaling.knative.dev}"));
  ASSERT_TRUE(config.ok());
  EXPECT_TRUE(scaled_by_hpa(yaml("{}"), *config));
  EXPECT_FALSE(
      scaled_by_hpa(yaml("{autoscaling.knative.dev/class: kpa.autoscaling.knative.dev}"), *config));
  EXPECT_TRUE(
      validate_autoscaling(yaml("{autoscaling.knative.dev/class: "
                                "hpa.autoscaling.knative.dev, autoscaling.knative.dev/metric: "
                                "cpu}"),
                           {})
          .ok());
}

}  // namespace
}  // namespace proa::knative
