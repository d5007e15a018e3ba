// The controller against the real API server, in process; the tests play the node.
#include "platform/autoscaling/horizontal.h"

#include <gtest/gtest.h>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/store/no_disk.h"

namespace proa::autoscaling {
namespace {

using std::chrono::seconds;

class FakeUsage : public PodUsage {
 public:
  std::vector<ContainerUse> usage(const client::Key& pod) override {
    auto it = pods.find(pod.name);
    if (it == pods.end()) return {};
    return {{"c", it->second, 50 << 20, 1}};
  }
  std::map<std::string, double> pods;  // cpu seconds
};

class HorizontalTest : public testing::Test {
 protected:
  void SetUp() override {
    catalog_ = std::move(api::Catalog::built_in()).value();
    store_ = std::move(apiserver::Store::open(std::make_unique<apiserver::NoDisk>())).value();
    core_ = std::make_unique<apiserver::Core>(*catalog_, *store_, clock_, apiserver::CoreOptions{});
    ASSERT_TRUE(core_->bootstrap().ok());
    client_ = std::make_unique<apiserver::EmbeddedClient>(*core_);
    host_ = std::make_unique<client::ControllerHost>(*client_, loop_);
    horizontal_ = std::make_unique<Horizontal>(*client_, loop_, clock_, usage_);
    host_->add(horizontal_->controller());
    host_->start();
    horizontal_->start(*host_);
    make(api::kNamespace, "{apiVersion: v1, kind: Namespace, metadata: {name: test}}");
  }
  void TearDown() override {
    horizontal_->stop();
    host_.reset();
  }
  void settle() {
    for (int quiet = 0, turns = 0; quiet < 3; ++turns) {
      ASSERT_LT(turns, 5000);
      loop_.run_once(Duration(0));
      quiet = host_->idle() ? quiet + 1 : 0;
    }
  }
  // Time passes; every pod uses so many millicores.
  void pass(int how_many, double millis) {
    for (int i = 0; i < how_many; ++i) {
      clock_.advance(seconds(1));
      for (auto& [name, used] : usage_.pods) used += millis / 1000;
      settle();
    }
  }
  void make(const client::Kind& kind, std::string_view yaml) {
    auto made = client_->create(kind, std::move(json::parse_yaml(yaml)).value());
    ASSERT_TRUE(made.ok()) << made.error().message;
    settle();
  }
  void add_pod(const std::string& name, Duration age = Duration(0)) {
    make(api::kPod,
         str("{apiVersion: v1, kind: Pod, metadata: {name: ", name,
             ", namespace: test, labels: {app: a}}, spec: {containers: [{name: c, image: i, "
             "resources: {requests: {cpu: 100m, memory: 100Mi}}}]}}"));
    const std::string at = rfc3339(clock_.wall() - age);
    auto done = client_->patch(
        api::kPod, "test", name,
        std::move(json::parse_yaml(str("{status: {phase: Running, startTime: '", at,
                                       "', conditions: [{type: Ready, status: 'True', "
                                       "lastTransitionTime: '",
                                       at, "'}]}}")))
            .value(),
        "status");
    ASSERT_TRUE(done.ok()) << done.error().message;
    usage_.pods[name] = 0;
  }
  void make_all(std::string_view metric = "") {
    make(
        api::kDeployment,
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: test}, spec: "
        "{replicas: 1, selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, "
        "spec: {containers: [{name: c, image: i}]}}}}");
    add_pod("one", std::chrono::hours(1));
    make(api::kHorizontalPodAutoscaler,
         str("{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h, "
             "namespace: test}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, "
             "name: "
             "d}, maxReplicas: 6, metrics: [",
             metric.empty() ? "{type: Resource, resource: {name: cpu, target: {type: Utilization, "
                              "averageUtilization: 50}}}"
                            : metric,
             "]}}"));
  }
  json::Value hpa() { return *client_->get(api::kHorizontalPodAutoscaler, "test", "h").value(); }
  std::string condition(const char* type) {
    const json::Value h = hpa();
    const json::Value& c = client::condition(h, type);
    return c["status"].str() + " " + c["reason"].str();
  }
  int64_t replicas() {
    return (*client_->get(api::kDeployment, "test", "d").value())["spec"]["replicas"].integer();
  }

  FakeClock clock_;
  async::Loop loop_{clock_};
  FakeUsage usage_;
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<apiserver::Store> store_;
  std::unique_ptr<apiserver::Core> core_;
  std::unique_ptr<apiserver::EmbeddedClient> client_;
  std::unique_ptr<client::ControllerHost> host_;
  std::unique_ptr<Horizontal> horizontal_;
};

TEST_F(HorizontalTest, ScalesUpByCpuAndDownAgainAfterFiveMinutes) {
  make_all();
  EXPECT_EQ(condition("ScalingActive"), "False FailedGetResourceMetric") << "one look is no rate";
  pass(10, 150);
  EXPECT_EQ(replicas(), 3);
  EXPECT_EQ(condition("ScalingActive"), "True ValidMetricFound");
  EXPECT_EQ(json::dump(hpa()["status"]["currentMetrics"]),
            R"([{"resource":{"current":{"averageUtilization":150,"averageValue":"150m"},)"
            R"("name":"cpu"},"type":"Resource"}])");
  add_pod("two");
  add_pod("three");
  pass(60, 50);
  EXPECT_EQ(replicas(), 3);
  pass(120, 5);
  EXPECT_EQ(replicas(), 3) << "stabilization";
  EXPECT_EQ(condition("AbleToScale"), "True ScaleDownStabilized");
  pass(320, 5);
  EXPECT_EQ(replicas(), 1);
  EXPECT_EQ(hpa()["status"]["desiredReplicas"].integer(), 1);
}

TEST_F(HorizontalTest, NamesAMetricThatItDoesNotServe) {
  make_all(
      "{type: Pods, pods: {metric: {name: rps}, target: {type: AverageValue, averageValue: 5}}}");
  pass(6, 10);
  EXPECT_EQ(condition("ScalingActive"), "False FailedGetPodsMetric");
  const json::Value h = hpa();
  EXPECT_TRUE(contains(client::condition(h, "ScalingActive")["message"].str(), "\"rps\""));
  EXPECT_EQ(replicas(), 1);
}

TEST_F(HorizontalTest, KeepsWithinItsBoundsAndLeavesZeroAlone) {
  make_all();
  auto set = [&](int64_t n) {
    json::Value patch;
    patch.ref("spec", "replicas") = n;
    ASSERT_TRUE(client_->patch(api::kDeployment, "test", "d", std::move(patch), "").ok());
    pass(6, 50);
  };
  set(9);
  EXPECT_EQ(replicas(), 6);
  set(0);
  EXPECT_EQ(replicas(), 0);
  EXPECT_EQ(condition("ScalingActive"), "False ScalingDisabled");
}

TEST_F(HorizontalTest, SaysThatTheTargetIsMissing) {
  make(api::kHorizontalPodAutoscaler,
       "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h, namespace: "
       "test}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}, "
       "maxReplicas: 2}}");
  EXPECT_EQ(condition("AbleToScale"), "False FailedGetScale");
}

}  // namespace
}  // namespace proa::autoscaling
