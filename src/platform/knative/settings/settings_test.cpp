#include "platform/knative/settings/settings.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::knative {
namespace {

json::Value yaml(std::string_view text) { return std::move(json::parse_yaml(text)).value(); }

TEST(Settings, NothingGivenIsTheDefault) {
  for (const char* name : {"config-autoscaler", "config-defaults", "config-deployment",
                           "config-domain", "config-features", "config-gc", "config-network"})
    EXPECT_TRUE(validate_config(name, yaml("{}")).ok()) << name;
  EXPECT_TRUE(validate_config("somebody-else", yaml("{stable-window: soon}")).ok());
}

TEST(Settings, BadValuesAreRefusedByName) {
  const struct {
    const char *map, *data, *message;
  } rows[] = {
      {"config-autoscaler", "{stable-window: soon}", "failed to parse \"stable-window\""},
      {"config-autoscaler", "{stable-window: 5s}", "stable-window = 5s, must be in [6s; 1h0m0s]"},
      {"config-autoscaler", "{max-scale-up-rate: '1'}", "must be greater than 1.0"},
      {"config-autoscaler", "{initial-scale: '0'}", "initial-scale = 0, must be at least 0"},
      {"config-autoscaler", "{stable-window: 1s}", "must be in [6s; 1h0m0s] range"},
      {"config-autoscaler", "{max-scale-limit: '3'}", "max-scale = 0, must be in [1"},
      {"config-autoscaler", "{pod-autoscaler-class: x}", "pod-autoscaler-class = x"},
      {"config-defaults", "{revision-timeout-seconds: '601'}", "cannot be greater than"},
      {"config-defaults", "{container-concurrency: '1001'}", "must be within"},
      {"config-defaults", "{enable-service-links: maybe}", "neither true nor false"},
      {"config-deployment", "{progress-deadline: 0s}", "cannot be a non-positive duration"},
      {"config-domain", "{Example.com: ''}", "invalid domain name"},
      {"config-features", "{tag-header-based-routing: 'yes'}", "none of enabled"},
      {"config-gc", "{min-non-active-revisions: '7', max-non-active-revisions: '5'}", "must be <="},
      {"config-gc", "{retain-since-create-time: long}", "nor \"disabled\""},
      {"config-network", "{domain-template: '{{.Nmae}}'}", "{{.Nmae}} is not known"},
      {"config-network", "{domain-template: '{{.Name}}_{{.Domain}}'}", "does not make a host name"},
      {"config-network", "{tag-template: '{{.Name}}'}", "must use {{.Tag}}"},
      {"config-network", "{rollout-duration: '-1'}", "must be a positive integer"},
  };
  for (const auto& row : rows) {
    Status s = validate_config(row.map, yaml(row.data));
    ASSERT_FALSE(s.ok()) << row.data;
    EXPECT_TRUE(contains(s.error().message, row.message)) << s.error().message;
    EXPECT_TRUE(contains(s.error().message, "config.webhook.serving.knative.dev"));
  }
}

TEST(Settings, DomainsAreChosenByLabels) {
  auto domains = parse_domains(
      yaml("{example.com: '', 'prod.org': 'selector: {app: prod}', 'deep.org': 'selector: {app: "
           "prod, tier: one}'}"));
  ASSERT_TRUE(domains.ok());
  EXPECT_EQ(domains->of(yaml("{}"), ""), "example.com");
  EXPECT_EQ(domains->of(yaml("{app: prod}"), ""), "prod.org");
  EXPECT_EQ(domains->of(yaml("{app: prod, tier: one}"), ""), "deep.org");
  EXPECT_EQ(Domains().of(yaml("{}"), "else.com"), "else.com");
}

TEST(Settings, TemplatesAreFilledIn) {
  const json::Value labels = yaml("{team: blue}");
  EXPECT_EQ(*fill_template("{{ .Name }}-{{index .Labels \"team\"}}.x", {{"Name", "a"}}, labels),
            "a-blue.x");
  EXPECT_FALSE(fill_template("{{.Name", {{"Name", "a"}}).ok());
}

TEST(Settings, GarbageMayBeDisabled) {
  auto g =
      parse_garbage(yaml("{retain-since-create-time: disabled, max-non-active-revisions: "
                         "disabled}"));
  ASSERT_TRUE(g.ok());
  EXPECT_FALSE(g->since_create);
  EXPECT_TRUE(g->since_active);
  EXPECT_FALSE(g->max_non_active);
}

TEST(Settings, FeaturesFallBackToTheirDefaults) {
  auto f = parse_features(yaml("{kubernetes.podspec-nodeselector: disabled}"));
  ASSERT_TRUE(f.ok());
  EXPECT_FALSE(f->allows("nodeselector"));
  EXPECT_TRUE(f->allows("init-containers"));
  EXPECT_FALSE(f->allows("hostnetwork"));
}

}  // namespace
}  // namespace proa::knative
