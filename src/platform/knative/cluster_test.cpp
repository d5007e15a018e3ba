// The Knative controllers against the real API server, in process. The tests play the Deployment's
// controller and the node: they make pods and say how these fare.
#include <gtest/gtest.h>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/store/no_disk.h"
#include "platform/knative/knative.h"
#include "platform/knative/objects/objects.h"

namespace proa::knative {
namespace {

using std::chrono::seconds;

class KnativeCluster : public testing::Test {
 protected:
  void SetUp() override {
    catalog_ = std::move(api::Catalog::built_in()).value();
    store_ = std::move(apiserver::Store::open(std::make_unique<apiserver::NoDisk>())).value();
    apiserver::CoreOptions options;
    options.admissions = admissions<apiserver::Admission>(admission_client_);
    core_ = std::make_unique<apiserver::Core>(*catalog_, *store_, clock_, std::move(options));
    ASSERT_TRUE(core_->bootstrap().ok());
    client_ = std::make_unique<apiserver::EmbeddedClient>(*core_);
    admission_client_ = client_.get();
    Status made = apply_bootstrap(*client_, "example.com");
    ASSERT_TRUE(made.ok()) << made.error().message;
    make(api::kNamespace, "{apiVersion: v1, kind: Namespace, metadata: {name: test}}");
    start();
  }
  void TearDown() override { stop(); }

  void start() {
    host_ = std::make_unique<client::ControllerHost>(*client_, loop_);
    scaler_ = std::make_unique<Autoscaler>(*client_, loop_, clock_, registry_);
    for (auto& spec : controllers(*client_, clock_, {})) host_->add(std::move(spec));
    host_->add(scaler_->controller());
    host_->start();
    scaler_->start(*host_);
    settle();
  }
  void stop() {
    scaler_->stop();
    host_.reset();
    scaler_.reset();
  }

  void settle() {
    for (int quiet = 0, turns = 0; quiet < 3; ++turns) {
      ASSERT_LT(turns, 5000) << "the controllers do not come to rest";
      loop_.run_once(Duration(0));
      quiet = host_->idle() ? quiet + 1 : 0;
    }
  }
  void seconds_pass(int n) {
    for (int i = 0; i < n; ++i) {
      clock_.advance(seconds(1));
      settle();
    }
  }

  void make(const client::Kind& kind, std::string_view yaml) {
    auto made = client_->create(kind, std::move(json::parse_yaml(yaml)).value());
    ASSERT_TRUE(made.ok()) << made.error().message;
  }
  json::Value get(const client::Kind& kind, std::string_view name) {
    auto got = client_->get(kind, "test", name);
    return got.ok() ? **got : json::Value();
  }
  void patch(const client::Kind& kind, std::string_view name, std::string_view yaml,
             std::string_view subresource = "") {
    auto done =
        client_->patch(kind, "test", name, std::move(json::parse_yaml(yaml)).value(), subresource);
    ASSERT_TRUE(done.ok()) << done.error().message;
    settle();
  }
  int64_t replicas(const std::string& revision) {
    return get(api::kDeployment, revision + "-deployment")["spec"]["replicas"].integer(-1);
  }
  std::string condition(const client::Kind& kind, std::string_view name, std::string_view type) {
    const json::Value object = get(kind, name);
    const client::Condition c = read_condition(object, type);
    return c.reason.empty() ? c.status : c.status + " " + c.reason;
  }

  // One pod of a revision, as its Deployment would make it.
  void add_pod(const std::string& revision) {
    const json::Value deployment = get(api::kDeployment, revision + "-deployment");
    json::Value pod = shell_of(api::kPod, "test", revision + "-pod");
    pod.ref("metadata", "labels") = deployment["spec"]["template"]["metadata"]["labels"];
    pod.set("spec", deployment["spec"]["template"]["spec"]);
    auto made = client_->create(api::kPod, std::move(pod));
    ASSERT_TRUE(made.ok()) << made.error().message;
    settle();
  }
  void pod_says(const std::string& revision, std::string_view status) {
    patch(api::kPod, revision + "-pod", str("{status: ", status, "}"), "status");
  }
  void ready(const std::string& revision) {
    pod_says(revision,
             "{phase: Running, podIP: 127.10.0.1, conditions: [{type: Ready, status: 'True'}]}");
  }
  void remove_pod(const std::string& revision) {
    ASSERT_TRUE(
        client_->remove(api::kPod, "test", revision + "-pod", {.grace_period_seconds = 0}).ok());
    settle();
  }
  void make_service(std::string_view annotations = "{}") {
    make(api::kKnService,
         str("{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: hello, "
             "namespace: "
             "test, labels: {team: a}}, spec: {template: {metadata: {annotations: ",
             annotations, "}, spec: {containers: [{name: kserve-container, image: one}]}}}}"));
    settle();
  }

  client::Client* admission_client_ = nullptr;
  FakeClock clock_;
  async::Loop loop_{clock_};
  metrics::Registry registry_;
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<apiserver::Store> store_;
  std::unique_ptr<apiserver::Core> core_;
  std::unique_ptr<apiserver::EmbeddedClient> client_;
  std::unique_ptr<client::ControllerHost> host_;
  std::unique_ptr<Autoscaler> scaler_;
  const std::string first_ = "hello-00001", second_ = "hello-00002";
};

TEST_F(KnativeCluster, AServiceBecomesReadyWithItsPod) {
  make_service();
  EXPECT_EQ(condition(api::kKnService, "hello", "Ready"), "Unknown");
  EXPECT_EQ(condition(api::kRevision, first_, "Ready"), "Unknown Deploying");
  EXPECT_EQ(condition(api::kRoute, "hello", "Ready"), "Unknown RevisionMissing");
  EXPECT_EQ(replicas(first_), 1);
  const json::Value deployment = get(api::kDeployment, first_ + "-deployment");
  const json::Value& containers = deployment["spec"]["template"]["spec"]["containers"];
  ASSERT_EQ(containers.size(), 2u);
  EXPECT_EQ(containers[0]["name"].str(), "kserve-container");
  EXPECT_EQ(containers[1]["name"].str(), "queue-proxy");
  EXPECT_EQ(containers[0]["readinessProbe"]["tcpSocket"]["port"].integer(), 8080);
  EXPECT_EQ(get(api::kService, first_ + "-private")["spec"]["ports"][0]["targetPort"].integer(),
            8080);
  add_pod(first_);
  ready(first_);
  EXPECT_EQ(condition(api::kRevision, first_, "Ready"), "True");
  EXPECT_EQ(condition(api::kPodAutoscaler, first_, "Ready"), "True");
  EXPECT_EQ(condition(api::kConfiguration, "hello", "Ready"), "True");
  EXPECT_EQ(condition(api::kRoute, "hello", "Ready"), "True");
  EXPECT_EQ(condition(api::kKnService, "hello", "Ready"), "True");
  const json::Value status = get(api::kKnService, "hello")["status"];
  EXPECT_EQ(status["url"].str(), "http://hello.test.example.com");
  EXPECT_EQ(status["address"]["url"].str(), "http://hello.test.svc.cluster.local");
  EXPECT_EQ(status["latestReadyRevisionName"].str(), first_);
  EXPECT_EQ(json::dump(status["traffic"]),
            R"([{"latestRevision":true,"percent":100,"revisionName":"hello-00001"}])");
  EXPECT_EQ(get(api::kService, "hello")["spec"]["type"].str(), "ExternalName");
  EXPECT_EQ(
      get(api::kRevision, first_)["metadata"]["labels"]["serving.knative.dev/routingState"].str(),
      "active");
  EXPECT_EQ(get(api::kPodAutoscaler, first_)["spec"]["reachability"].str(), "Reachable");
}

TEST_F(KnativeCluster, AFailingInitContainerIsToldAtOnceAndHeals) {
  make_service();
  add_pod(first_);
  pod_says(first_,
           "{phase: Pending, initContainerStatuses: [{name: storage-initializer, ready: false, "
           "restartCount: 0, "
           "image: i, imageID: i, "
           "state: {terminated: {exitCode: 1, reason: Error, message: 'no such bucket'}}}]}");
  EXPECT_EQ(condition(api::kRevision, first_, "ContainerHealthy"), "False ExitCode1");
  const json::Value configuration = get(api::kConfiguration, "hello");
  EXPECT_EQ(client::condition(configuration, "Ready")["reason"].str(), "RevisionFailed");
  EXPECT_EQ(client::condition(configuration, "Ready")["message"].str(),
            "Revision \"hello-00001\" failed with message: Container failed with: no such bucket.");
  EXPECT_EQ(condition(api::kKnService, "hello", "Ready"), "False RevisionFailed");
  pod_says(first_,
           "{phase: Pending, initContainerStatuses: [{name: storage-initializer, ready: false, "
           "restartCount: 1, "
           "image: i, imageID: i, state: {running: {startedAt: '2026-01-01T00:00:00Z'}}}]}");
  EXPECT_EQ(condition(api::kRevision, first_, "Ready"), "False ExitCode1")
      << "between two attempts";
  pod_says(first_, "{initContainerStatuses: null}");
  ready(first_);
  EXPECT_EQ(condition(api::kKnService, "hello", "Ready"), "True");
}

TEST_F(KnativeCluster, AMissingImageMakesTheRevisionFail) {
  make_service();
  add_pod(first_);
  pod_says(first_,
           "{phase: Pending, containerStatuses: [{name: kserve-container, ready: false, "
           "restartCount: 0, "
           "image: i, imageID: i, state: {waiting: {reason: ImagePullBackOff, message: 'no such "
           "image'}}}]}");
  EXPECT_EQ(condition(api::kRevision, first_, "ResourcesAvailable"), "False ImagePullBackOff");
}

TEST_F(KnativeCluster, ScalesToZeroAndBackWhenARequestWaits) {
  make_service("{autoscaling.knative.dev/window: 6s}");
  add_pod(first_);
  ready(first_);
  seconds_pass(5);
  EXPECT_EQ(replicas(first_), 1);
  seconds_pass(6);
  EXPECT_EQ(replicas(first_), 0);
  remove_pod(first_);
  EXPECT_EQ(condition(api::kPodAutoscaler, first_, "Active"), "False NoTraffic");
  EXPECT_EQ(condition(api::kRevision, first_, "Active"), "False NoTraffic");
  EXPECT_EQ(condition(api::kKnService, "hello", "Ready"), "True");
  scaler_->waiting({"test", first_}, 1);
  settle();
  EXPECT_EQ(replicas(first_), 1);
  EXPECT_EQ(condition(api::kPodAutoscaler, first_, "Active"), "Unknown Queued");
  add_pod(first_);
  ready(first_);
  EXPECT_EQ(condition(api::kPodAutoscaler, first_, "Active"), "True");
}

TEST_F(KnativeCluster, TrafficKeepsThePodAndManyRequestsBringMore) {
  make_service("{autoscaling.knative.dev/window: 6s, autoscaling.knative.dev/target: '10'}");
  add_pod(first_);
  ready(first_);
  auto second = [&] {
    return std::chrono::duration_cast<seconds>(clock_.wall().time_since_epoch()).count();
  };
  for (int i = 0; i < 20; ++i) {
    scaler_->report({"test", first_}, second() - 1, 5, 5);
    seconds_pass(1);
  }
  EXPECT_EQ(replicas(first_), 1);
  for (int i = 0; i < 8; ++i) {
    scaler_->report({"test", first_}, second() - 1, 35, 35);
    seconds_pass(1);
  }
  EXPECT_EQ(replicas(first_), 5);  // ceil(35 / 7)
  EXPECT_TRUE(contains(registry_.text(), "autoscaler_panic_mode")) << registry_.text();
}

TEST_F(KnativeCluster, ARestartedAutoscalerKeepsWhatIsThere) {
  make_service("{autoscaling.knative.dev/window: 6s}");
  add_pod(first_);
  ready(first_);
  seconds_pass(20);
  ASSERT_EQ(replicas(first_), 0);
  remove_pod(first_);
  stop();
  start();
  EXPECT_EQ(replicas(first_), 0);
  seconds_pass(4);
  EXPECT_EQ(replicas(first_), 0);
  EXPECT_EQ(condition(api::kPodAutoscaler, first_, "Active"), "False NoTraffic");
  scaler_->waiting({"test", first_}, 1);
  settle();
  EXPECT_EQ(replicas(first_), 1);
}

TEST_F(KnativeCluster, ANewTemplateTakesTheTrafficOnceItIsReady) {
  make_service("{autoscaling.knative.dev/min-scale: '1'}");
  add_pod(first_);
  ready(first_);
  patch(api::kKnService, "hello",
        "{spec: {template: {spec: {containers: [{name: kserve-container, image: two}]}}}}");
  EXPECT_FALSE(get(api::kRevision, second_).is_null());
  EXPECT_EQ(get(api::kKnService, "hello")["status"]["traffic"][0]["revisionName"].str(), first_);
  EXPECT_EQ(get(api::kKnService, "hello")["status"]["latestCreatedRevisionName"].str(), second_);
  add_pod(second_);
  ready(second_);
  EXPECT_EQ(get(api::kKnService, "hello")["status"]["traffic"][0]["revisionName"].str(), second_);
  EXPECT_EQ(condition(api::kKnService, "hello", "Ready"), "True");
  EXPECT_EQ(
      get(api::kRevision, first_)["metadata"]["labels"]["serving.knative.dev/routingState"].str(),
      "reserve");
  EXPECT_EQ(get(api::kPodAutoscaler, first_)["spec"]["reachability"].str(), "Unreachable");
  seconds_pass(70);
  EXPECT_EQ(replicas(first_), 0) << "min-scale is for revisions that a route refers to";
  EXPECT_EQ(replicas(second_), 1);
}

TEST_F(KnativeCluster, TrafficSplitsAndTagsResolve) {
  make_service();
  add_pod(first_);
  ready(first_);
  patch(api::kKnService, "hello",
        "{spec: {traffic: [{revisionName: hello-00001, percent: 100, tag: old, latestRevision: "
        "false}]}}");
  const json::Value traffic = get(api::kKnService, "hello")["status"]["traffic"];
  EXPECT_EQ(traffic[0]["url"].str(), "http://old-hello.test.example.com");
  EXPECT_FALSE(get(api::kService, "old-hello").is_null());
  patch(api::kKnService, "hello",
        "{spec: {traffic: [{revisionName: hello-00009, percent: 100, latestRevision: false}]}}");
  EXPECT_EQ(condition(api::kRoute, "hello", "Ready"), "False RevisionMissing");
  EXPECT_EQ(get(api::kRoute, "hello")["status"]["traffic"][0]["revisionName"].str(), first_)
      << "as before";
  EXPECT_TRUE(get(api::kService, "old-hello").is_null());
}

TEST_F(KnativeCluster, ANewRevisionTakesOverGraduallyIfAskedTo) {
  make_service("{autoscaling.knative.dev/min-scale: '1'}");
  add_pod(first_);
  ready(first_);
  patch(api::kKnService, "hello",
        "{metadata: {annotations: {serving.knative.dev/rollout-duration: 100s}}, spec: {template: "
        "{spec: {containers: [{name: kserve-container, image: two}]}}}}");
  add_pod(second_);
  ready(second_);
  auto share = [&](int i) {
    const json::Value t = get(api::kKnService, "hello")["status"]["traffic"][i];
    return str(t["revisionName"].str(), " ", t["percent"].integer());
  };
  EXPECT_EQ(share(0), first_ + " 99");
  EXPECT_EQ(share(1), second_ + " 1");
  EXPECT_EQ(condition(api::kRoute, "hello", "IngressReady"), "Unknown RolloutInProgress");
  EXPECT_EQ(condition(api::kKnService, "hello", "RoutesReady"), "Unknown RolloutInProgress");
  seconds_pass(50);
  EXPECT_EQ(share(0), first_ + " 50");
  EXPECT_EQ(share(1), second_ + " 50");
  stop();  // a restart goes on where it was
  start();
  seconds_pass(52);
  EXPECT_EQ(share(0), second_ + " 100");
  EXPECT_EQ(condition(api::kKnService, "hello", "Ready"), "True");
}

TEST_F(KnativeCluster, ARolloutThatFailsLeavesTheTrafficAndSaysWhy) {
  make_service("{autoscaling.knative.dev/min-scale: '1'}");
  add_pod(first_);
  ready(first_);
  patch(api::kKnService, "hello",
        "{spec: {template: {spec: {containers: [{name: kserve-container, image: two}]}}}}");
  add_pod(second_);
  pod_says(second_,
           "{phase: Running, containerStatuses: [{name: kserve-container, ready: false, "
           "restartCount: 1, image: i, imageID: i, state: {waiting: {reason: CrashLoopBackOff}}, "
           "lastState: {terminated: {exitCode: 3, reason: Error, message: 'bad model'}}}]}");
  seconds_pass(100);
  const json::Value service = get(api::kKnService, "hello");
  EXPECT_EQ(service["status"]["traffic"][0]["revisionName"].str(), first_);
  EXPECT_EQ(service["status"]["traffic"].size(), 1u);
  EXPECT_EQ(client::condition(service, "Ready")["message"].str(),
            "Revision \"hello-00002\" failed with message: Container failed with: bad model.");
  EXPECT_EQ(replicas(first_), 1);
}

TEST_F(KnativeCluster, ATakenRevisionNameIsSaidSo) {
  make_service();
  add_pod(first_);
  ready(first_);
  patch(api::kKnService, "hello",
        "{spec: {template: {metadata: {name: hello-mine}, spec: {containers: [{name: "
        "kserve-container, image: two}]}}}}");
  EXPECT_FALSE(get(api::kRevision, "hello-mine").is_null());
  patch(api::kKnService, "hello",
        "{spec: {template: {metadata: {name: hello-00001}, spec: {containers: [{name: "
        "kserve-container, image: three}]}}}}");
  EXPECT_EQ(condition(api::kKnService, "hello", "ConfigurationsReady"), "False RevisionNameTaken");
  EXPECT_EQ(get(api::kKnService, "hello")["status"]["traffic"][0]["revisionName"].str(), first_);
}

TEST_F(KnativeCluster, SettingsAreReadLive) {
  auto change = [&](const char* map, const char* data) {
    auto done = client_->patch(api::kConfigMap, "knative-serving", map,
                               std::move(json::parse_yaml(str("{data: ", data, "}"))).value(), "");
    if (done.ok()) settle();
    return done.ok() ? std::string() : done.error().message;
  };
  make_service("{autoscaling.knative.dev/window: 6s}");
  add_pod(first_);
  ready(first_);
  EXPECT_EQ(get(api::kRoute, "hello")["status"]["url"].str(), "http://hello.test.example.com");
  EXPECT_EQ(change("config-network", "{domain-template: '{{.Name}}-{{.Namespace}}.{{.Domain}}'}"),
            "");
  EXPECT_EQ(get(api::kRoute, "hello")["status"]["url"].str(), "http://hello-test.example.com");
  EXPECT_EQ(change("config-domain", "{'other.org': 'selector: {team: a}'}"), "");
  EXPECT_EQ(get(api::kRoute, "hello")["status"]["url"].str(), "http://hello-test.other.org");
  EXPECT_EQ(change("config-autoscaler", "{enable-scale-to-zero: 'false'}"), "");
  seconds_pass(40);
  EXPECT_EQ(replicas(first_), 1);
  EXPECT_EQ(change("config-autoscaler", "{stable-window: soon}"),
            "admission webhook \"config.webhook.serving.knative.dev\" denied the request: "
            "validation failed: failed to parse \"stable-window\": \"soon\" is no duration such as "
            "90s");
  EXPECT_EQ(change("config-autoscaler", "{enable-scale-to-zero: 'true'}"), "");
  seconds_pass(20);
  EXPECT_EQ(replicas(first_), 0);
  ASSERT_TRUE(client_->remove(api::kConfigMap, "knative-serving", "config-gc", {}).ok());
  settle();
  EXPECT_TRUE(client_->get(api::kConfigMap, "knative-serving", "config-gc").ok()) << "comes back";
}

TEST_F(KnativeCluster, APodAutoscalerBeforeAPlainDeploymentScalesItToZeroAndBack) {
  make(api::kDeployment,
       "{apiVersion: apps/v1, kind: Deployment, metadata: {name: plain, namespace: test}, spec: "
       "{selector: {matchLabels: {app: plain}}, template: {metadata: {labels: {app: plain}}, spec: "
       "{containers: [{name: c, image: i}]}}}}");
  make(api::kPodAutoscaler,
       "{apiVersion: autoscaling.internal.knative.dev/v1alpha1, kind: PodAutoscaler, metadata: "
       "{name: plain, namespace: test, annotations: {autoscaling.knative.dev/class: "
       "kpa.autoscaling.knative.dev, autoscaling.knative.dev/min-scale: '0', "
       "autoscaling.knative.dev/window: 6s}}, spec: {protocolType: http1, scaleTargetRef: "
       "{apiVersion: apps/v1, kind: Deployment, name: plain}}}");
  auto pods = [&](int64_t n) {
    patch(api::kDeployment, "plain", str("{status: {readyReplicas: ", n, ", replicas: ", n, "}}"),
          "status");
  };
  auto size = [&] { return get(api::kDeployment, "plain")["spec"]["replicas"].integer(-1); };
  make(api::kPod,
       "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: test, labels: {app: plain}}, "
       "spec: {containers: [{name: c, image: i}]}}");
  patch(api::kPod, "p", "{status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}",
        "status");
  pods(1);
  EXPECT_EQ(condition(api::kPodAutoscaler, "plain", "Active"), "True");
  seconds_pass(15);
  EXPECT_EQ(size(), 0);
  ASSERT_TRUE(client_->remove(api::kPod, "test", "p", {.grace_period_seconds = 0}).ok());
  pods(0);
  EXPECT_EQ(condition(api::kPodAutoscaler, "plain", "Active"), "False NoTraffic");
  scaler_->waiting({"test", "plain"}, 1);
  settle();
  EXPECT_EQ(size(), 1);
  EXPECT_TRUE(contains(registry_.text(), "autoscaler_desired_pods"));
}

TEST_F(KnativeCluster, AColdStartIsCountedAndTold) {
  make_service("{autoscaling.knative.dev/window: 6s}");
  add_pod(first_);
  ready(first_);
  seconds_pass(15);
  ASSERT_EQ(replicas(first_), 0);
  remove_pod(first_);
  scaler_->waiting({"test", first_}, 1);
  settle();
  clock_.advance(std::chrono::milliseconds(40));
  add_pod(first_);
  ready(first_);
  EXPECT_TRUE(contains(registry_.text(), "autoscaler_cold_start_seconds_count"))
      << registry_.text();
  bool told = false;
  const auto events = client_->list(api::kEvent, {"test", "", ""}).value();
  for (const auto& e : events)
    told |=
        (*e)["reason"].str() == "ColdStart" &&
        (*e)["message"].str() == "a pod was ready 40ms after the first request that waited for it";
  EXPECT_TRUE(told);
}

TEST_F(KnativeCluster, TheHpaClassMakesAnHpa) {
  make_service(
      "{autoscaling.knative.dev/class: hpa.autoscaling.knative.dev, "
      "autoscaling.knative.dev/metric: "
      "cpu, autoscaling.knative.dev/target: '60', autoscaling.knative.dev/max-scale: '3'}");
  const json::Value hpa = get(api::kHorizontalPodAutoscaler, first_);
  EXPECT_EQ(hpa["spec"]["maxReplicas"].integer(), 3);
  EXPECT_EQ(hpa["spec"]["scaleTargetRef"]["name"].str(), first_ + "-deployment");
  EXPECT_EQ(
      json::dump(hpa["spec"]["metrics"]),
      R"([{"resource":{"name":"cpu","target":{"averageUtilization":60,"type":"Utilization"}},)"
      R"("type":"Resource"}])");
  EXPECT_EQ(replicas(first_), 1);
  add_pod(first_);
  ready(first_);
  patch(api::kDeployment, first_ + "-deployment", "{status: {readyReplicas: 1, replicas: 1}}",
        "status");
  EXPECT_EQ(condition(api::kPodAutoscaler, first_, "Ready"), "True");
  EXPECT_EQ(condition(api::kKnService, "hello", "Ready"), "True");
  seconds_pass(200);
  EXPECT_EQ(replicas(first_), 1) << "no way to zero in this class";
}

TEST_F(KnativeCluster, InstallationIsThere) {
  for (const char* name : {"knative-ingress-gateway", "knative-local-gateway"})
    EXPECT_TRUE(client_->get(api::kGateway, "knative-serving", name).ok()) << name;
  EXPECT_TRUE(client_->get(api::kService, "istio-system", "istio-ingressgateway").ok());
  EXPECT_TRUE(apply_bootstrap(*client_, "other.org").ok());
  auto domain = client_->get(api::kConfigMap, "knative-serving", "config-domain");
  ASSERT_TRUE(domain.ok());
  EXPECT_EQ(json::dump((**domain)["data"]), R"({"other.org":""})");
}

}  // namespace
}  // namespace proa::knative
