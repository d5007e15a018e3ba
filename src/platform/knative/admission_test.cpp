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
      {"class: other.autoscaling.knative.dev", "invalid value: other"},
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

TEST(KnativeAdmission, NamesContainersAndProbesThem) {
  json::Value s = service();
  default_service(s);
  const json::Value& c = s["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(c["name"].str(), "user-container");
  EXPECT_EQ(json::dump(c["readinessProbe"]), R"({"successThreshold":1,"tcpSocket":{"port":0}})");
  Policy policy;
  policy.defaults.requests = yaml("{cpu: 400m}");
  policy.defaults.timeout = 100;
  s = service();
  default_service(s, policy);
  EXPECT_EQ(s["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"].str(),
            "400m");
  EXPECT_EQ(s["spec"]["template"]["spec"]["timeoutSeconds"].integer(), 100);
}

TEST(KnativeAdmission, SpeaksAsKnativeDoes) {
  const std::pair<const char*, const char*> rows[] = {
      {"{containers: [{image: i, env: [{name: K_SERVICE, value: x}]}]}",
       "\"K_SERVICE\" is a reserved environment variable: "
       "spec.template.spec.containers[0].env[0].name"},
      {"{containers: [{image: i, ports: [{containerPort: 8012}]}]}",
       "invalid value: 8012: spec.template.spec.containers[0].ports[0].containerPort"},
      {"{containers: [{image: i, volumeMounts: [{name: v, mountPath: /v}]}]}",
       "volumeMount has no matching volume: "
       "spec.template.spec.containers[0].volumeMounts[0].name"},
      {"{volumes: [{name: v, emptyDir: {}}], containers: [{image: i}]}",
       "volume with name \"v\" not mounted: spec.template.spec.volumes[0].name"},
      {"{hostNetwork: true, containers: [{image: i}]}",
       "must not set the field(s): spec.template.spec.hostNetwork"},
      {"{containers: [{image: i}, {image: j}]}",
       "missing field(s): spec.template.spec.containers[*].ports"},
      {"{containers: [{image: i, readinessProbe: {exec: {}, httpGet: {}}}]}",
       "expected exactly one, got both: spec.template.spec.containers[0].readinessProbe.exec, "
       "spec.template.spec.containers[0].readinessProbe.httpGet"},
      {"{containerConcurrency: 1001, containers: [{image: i}]}",
       "expected 0 <= 1001 <= 1000: spec.template.spec.containerConcurrency"},
      {"{containers: [{name: a}]}", "missing field(s): spec.template.spec.containers[0].image"},
  };
  for (const auto& [spec, message] : rows) {
    Status s =
        validate_service(yaml(str("{metadata: {name: s}, spec: {template: {spec: ", spec, "}}}")));
    ASSERT_FALSE(s.ok()) << spec;
    EXPECT_TRUE(contains(s.error().message, message)) << s.error().message;
    EXPECT_TRUE(s.error().message.starts_with(
        "admission webhook \"validation.webhook.serving.knative.dev\" denied the request: "
        "validation failed: "));
  }
}

TEST(KnativeAdmission, FeaturesMayBeSwitchedOff) {
  const json::Value s = yaml(
      "{metadata: {name: s}, spec: {template: {spec: {initContainers: [{image: i}], containers: "
      "[{image: i}]}}}}");
  EXPECT_TRUE(validate_service(s).ok());
  Policy policy;
  policy.features.pods["kubernetes.podspec-init-containers"] = false;
  Status refused = validate_service(s, nullptr, policy);
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(contains(refused.error().message, "spec.template.spec.initContainers"));
  EXPECT_TRUE(validate_service(s, &s, policy).ok()) << "what is there stays";
}

TEST(KnativeAdmission, ChecksWhatIsInTheMetadata) {
  auto with = [](const char* meta) {
    json::Value s = service();
    s.set("metadata", yaml(meta));
    return validate_service(s);
  };
  EXPECT_FALSE(with("{name: s, labels: {networking.knative.dev/visibility: secret}}").ok());
  EXPECT_TRUE(with("{name: s, labels: {networking.knative.dev/visibility: cluster-local}}").ok());
  EXPECT_FALSE(with("{name: s, annotations: {serving.knative.dev/rollout-duration: soon}}").ok());
  EXPECT_FALSE(with("{name: s, annotations: {serving.knative.dev/rollout-duration: 1500ms}}").ok());
  EXPECT_TRUE(with("{name: s, annotations: {serving.knative.dev/rollout-duration: 380s}}").ok());
}

TEST(KnativeAdmission, APodAutoscalerScalesADeployment) {
  auto pa = [](const char* target) {
    return validate_autoscaler(yaml(str("{spec: {scaleTargetRef: ", target, "}}")));
  };
  EXPECT_TRUE(pa("{apiVersion: apps/v1, kind: Deployment, name: d}").ok());
  EXPECT_FALSE(pa("{apiVersion: apps/v1, kind: StatefulSet, name: d}").ok());
  EXPECT_FALSE(pa("{apiVersion: apps/v1, kind: Deployment}").ok());
}

}  // namespace
}  // namespace proa::knative
