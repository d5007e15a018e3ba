// Standard mode against the API server in process: rollouts, canaries, routes, scaling, stop.
#include "serving/controller_fixture.h"
#include "serving/standard/plan.h"
#include "serving/standard/rollout.h"
#include "serving/standard/routes.h"

namespace proa::serving {
namespace {

class StandardTest : public ControllerFixture {
 protected:
  // x with this in spec.predictor (besides the model) and beside it, and these annotations.
  void serve(std::string_view predictor = "", std::string_view spec = "",
             std::string_view annotations = "", std::string_view model = "m",
             std::string_view labels = "") {
    apply(str(
        "{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: x, "
        "namespace: default, labels: {",
        labels, "}, annotations: {serving.kserve.io/deploymentMode: Standard",
        annotations.empty() ? "" : ", ", annotations, "}}, spec: {predictor: {", predictor,
        predictor.empty() ? "" : ", ", "model: {modelFormat: {name: sklearn}, storageUri: 'gs://b/",
        model, "'}}", spec.empty() ? "" : ", ", spec, "}}"));
  }
  void status_of(const std::string& name, const char* available, const char* reason) {
    const auto d = get(api::kDeployment, name);
    ASSERT_FALSE(d.is_null()) << name;
    auto v = yaml(str(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: ", name,
        ", namespace: default}, status: {observedGeneration: ",
        d["metadata"]["generation"].integer(),
        ", replicas: 1, updatedReplicas: 1, conditions: [{type: Available, status: '", available,
        "', reason: a}, {type: Progressing, status: 'True', reason: ", reason, "}]}}"));
    auto done = client_->apply(api::kDeployment, v, {"test", "status"});
    ASSERT_TRUE(done.ok()) << done.error().message;
    settle();
  }
  void ready(const std::string& name) { status_of(name, "True", "NewReplicaSetAvailable"); }
  void rolling(const std::string& name) { status_of(name, "True", "ReplicaSetUpdated"); }
  // A ReplicaSet with one pod whose model cannot be loaded.
  void fail(const std::string& name, const char* revision) {
    const auto d = get(api::kDeployment, name);
    auto set =
        yaml(str("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: ", name,
                 "-bad, namespace: default, annotations: {deployment.kubernetes.io/revision: '",
                 revision, "'}, labels: {serving.kserve.io/inferenceservice: x, app: isvc.", name,
                 ", pod-template-hash: bad}}, spec: {selector: {matchLabels: {app: isvc.", name,
                 "}}, template: {metadata: {labels: {app: isvc.", name,
                 "}}, spec: {containers: [{name: c, image: i}]}}}}"));
    set.ref("metadata", "ownerReferences").push(client::owner_reference(d));
    ASSERT_TRUE(client_->create(api::kReplicaSet, set).ok());
    auto pod = client_->create(
        api::kPod, yaml(str("{apiVersion: v1, kind: Pod, metadata: {name: bad, namespace: default, "
                            "labels: {serving.kserve.io/inferenceservice: x, app: isvc.",
                            name,
                            ", pod-template-hash: bad}}, spec: {containers: [{name: "
                            "kserve-container, image: i}], initContainers: [{name: "
                            "storage-initializer, image: i}]}}")));
    ASSERT_TRUE(pod.ok()) << pod.error().message;
    auto done = client_->apply(
        api::kPod,
        yaml("{apiVersion: v1, kind: Pod, metadata: {name: bad, namespace: default}, status: "
             "{initContainerStatuses: [{name: storage-initializer, image: i, imageID: i, ready: "
             "false, restartCount: 0, state: {terminated: {reason: Error, exitCode: 1, message: "
             "no such model}}}]}}"),
        {"node", "status"});
    ASSERT_TRUE(done.ok()) << done.error().message;
    settle();
  }
  bool there(const client::Kind& kind, std::string_view name) { return !get(kind, name).is_null(); }
  // "SERVICE=WEIGHT …" of the VirtualService, "" if there is none.
  std::string split() {
    std::string out;
    const auto vs = get(api::kVirtualService, "x");
    for (const auto& r : vs["spec"]["http"][0]["route"].array())
      out += str(out.empty() ? "" : " ", proa::split(r["destination"]["host"].str(), '.')[0], "=",
                 r["weight"].integer());
    return out;
  }
  json::Value isvc() { return get(api::kInferenceService, "x"); }
  std::string uri(const std::string& name) {
    return get(api::kDeployment,
               name)["spec"]["template"]["metadata"]["annotations"][kSourceUriAnnotation]
        .str();
  }
};

TEST_F(StandardTest, ACanaryGetsItsShareOnceItIsReadyAndIsPromoted) {
  serve();
  ready("x-predictor");
  EXPECT_TRUE(there(standard::kIngressKind, "x"));
  EXPECT_EQ(split(), "");
  serve("canaryTrafficPercent: 20", "", "", "m2");
  EXPECT_EQ(uri("x-predictor"), "gs://b/m");
  EXPECT_EQ(uri("x-predictor-canary"), "gs://b/m2");
  EXPECT_EQ(split(), "");  // not ready: nothing
  EXPECT_TRUE(there(standard::kIngressKind, "x"));
  ready("x-predictor-canary");
  EXPECT_EQ(split(), "x-predictor=80 x-predictor-canary=20");
  EXPECT_FALSE(there(standard::kIngressKind, "x"));
  const auto traffic = isvc()["status"]["components"]["predictor"]["traffic"];
  EXPECT_EQ(traffic[0]["percent"].integer(), 20);
  EXPECT_EQ(traffic[1]["tag"].str(), "prev");

  serve("", "", "", "m2");  // promoted: the canary keeps its share until the others have the model
  EXPECT_EQ(uri("x-predictor"), "gs://b/m2");
  rolling("x-predictor");
  EXPECT_EQ(split(), "x-predictor=80 x-predictor-canary=20");
  ready("x-predictor");
  EXPECT_FALSE(there(api::kDeployment, "x-predictor-canary"));
  EXPECT_FALSE(there(api::kService, "x-predictor-canary"));
  EXPECT_EQ(split(), "");
  EXPECT_TRUE(there(standard::kIngressKind, "x"));
  EXPECT_TRUE(client::condition_is(isvc(), "Ready", "True")) << json::dump_yaml(isvc());
}

TEST_F(StandardTest, ACanaryIsRolledBackByZeroPercentOrByTheModelOfBefore) {
  serve();
  ready("x-predictor");
  serve("canaryTrafficPercent: 50", "", "", "m2");
  ready("x-predictor-canary");
  serve("canaryTrafficPercent: 0", "", "", "m2");
  EXPECT_EQ(split(), "x-predictor=100 x-predictor-canary=0");
  serve("canaryTrafficPercent: 0", "", "", "m");
  EXPECT_FALSE(there(api::kDeployment, "x-predictor-canary"));
  EXPECT_EQ(uri("x-predictor"), "gs://b/m");
  EXPECT_EQ(split(), "");
}

TEST_F(StandardTest, ACanaryThatFailsGetsNoRequestsAndIsNamed) {
  serve();
  ready("x-predictor");
  serve("canaryTrafficPercent: 20", "", "", "m2");
  fail("x-predictor-canary", "1");
  EXPECT_EQ(split(), "");
  const auto status = isvc()["status"];
  EXPECT_EQ(client::condition(isvc(), "Ready")["message"].str().substr(0, 54),
            "revision x-predictor-canary-bad failed: no such model;");
  EXPECT_EQ(status["modelStatus"]["transitionStatus"].str(), "BlockedByFailedLoad");
  EXPECT_EQ(status["modelStatus"]["lastFailureInfo"]["modelRevisionName"].str(),
            "x-predictor-canary-bad");
  EXPECT_EQ(client::condition(isvc(), "CanaryPredictorReady")["reason"].str(), "CanaryNotReady");
  EXPECT_TRUE(client::condition_is(isvc(), "IngressReady", "True"));
}

TEST_F(StandardTest, ARollingUpdateThatFailsIsNamedWhileTheOldPodsServe) {
  serve();
  ready("x-predictor");
  serve("", "", "", "m2");
  rolling("x-predictor");
  fail("x-predictor", "2");
  EXPECT_EQ(client::condition(isvc(), "PredictorReady")["message"].str(),
            "revision x-predictor-bad failed: no such model; the one before serves on");
  EXPECT_TRUE(there(standard::kIngressKind, "x"));
  EXPECT_EQ(isvc()["status"]["url"].str(), "http://x-default.example.com");
}

TEST_F(StandardTest, NamedCanariesRunBesideAndArePromotedByName) {
  const char* two =
      "canary: [{trafficPercent: 30, predictor: {name: v2, model: {modelFormat: {name: sklearn}, "
      "storageUri: 'gs://b/m2'}}}]";
  serve();
  ready("x-predictor");
  serve("", two);
  EXPECT_EQ(uri("x-v2-predictor"), "gs://b/m2");
  EXPECT_EQ(split(), "");
  EXPECT_FALSE(isvc()["status"]["canaryStatuses"][0]["ready"].boolean());
  ready("x-v2-predictor");
  EXPECT_EQ(split(), "x-predictor=70 x-v2-predictor=30");
  const auto status = isvc()["status"];
  EXPECT_EQ(status["canaryStatuses"][0]["name"].str(), "v2");
  EXPECT_TRUE(status["canaryStatuses"][0]["ready"].boolean());
  EXPECT_EQ(client::condition(isvc(), "CanaryPredictorReady")["reason"].str(), "AllCanariesReady");

  const auto uid = client::uid_of(get(api::kDeployment, "x-v2-predictor"));
  serve("name: v2", "", "", "m2");
  EXPECT_EQ(client::uid_of(get(api::kDeployment, "x-v2-predictor")), uid);
  EXPECT_FALSE(there(api::kDeployment, "x-predictor"));
  EXPECT_TRUE(there(api::kHorizontalPodAutoscaler, "x-v2-predictor"));
  EXPECT_EQ(isvc()["status"]["address"]["url"].str(),
            "http://x-v2-predictor.default.svc.cluster.local");
}

TEST_F(StandardTest, AnotherNameServesOnlyOnceItsPodsAreThere) {
  serve();
  ready("x-predictor");
  serve("name: v2", "", "", "m2");
  const auto backend = [&] {
    return get(standard::kIngressKind,
               "x")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
        .str();
  };
  EXPECT_EQ(backend(), "x-predictor");
  EXPECT_TRUE(there(api::kDeployment, "x-predictor"));
  ready("x-v2-predictor");
  EXPECT_EQ(backend(), "x-v2-predictor");
  EXPECT_FALSE(there(api::kDeployment, "x-predictor"));
}

TEST_F(StandardTest, WithoutLeastReplicasAPodAutoscalerTakesThePlaceOfTheHorizontalOne) {
  serve();
  EXPECT_TRUE(there(api::kHorizontalPodAutoscaler, "x-predictor"));
  serve("minReplicas: 0, maxReplicas: 3, scaleMetric: concurrency, scaleTarget: 5");
  EXPECT_FALSE(there(api::kHorizontalPodAutoscaler, "x-predictor"));
  const auto pa = get(api::kPodAutoscaler, "x-predictor");
  const auto& a = pa["metadata"]["annotations"];
  EXPECT_EQ(a["autoscaling.knative.dev/class"].str(), "kpa.autoscaling.knative.dev");
  EXPECT_EQ(a["autoscaling.knative.dev/min-scale"].str(), "0");
  EXPECT_EQ(a["autoscaling.knative.dev/max-scale"].str(), "3");
  EXPECT_EQ(a["autoscaling.knative.dev/target"].str(), "5");
  EXPECT_EQ(pa["spec"]["scaleTargetRef"]["name"].str(), "x-predictor");
  EXPECT_EQ(
      get(api::kService, "x-predictor")["metadata"]["annotations"][standard::kActivatorAnnotation]
          .str(),
      "x-predictor");
  // Back, from zero: somebody has to wake it.
  auto zero = yaml("{spec: {replicas: 0}}");
  ASSERT_TRUE(client_->patch(api::kDeployment, "default", "x-predictor", zero, "").ok());
  serve("minReplicas: 2");
  EXPECT_FALSE(there(api::kPodAutoscaler, "x-predictor"));
  EXPECT_EQ(get(api::kDeployment, "x-predictor")["spec"]["replicas"].integer(), 2);
}

TEST_F(StandardTest, OthersMayScaleIt) {
  serve("", "", "serving.kserve.io/autoscalerClass: external");
  EXPECT_FALSE(there(api::kHorizontalPodAutoscaler, "x-predictor"));
  auto four = yaml("{spec: {replicas: 4}}");
  ASSERT_TRUE(client_->patch(api::kDeployment, "default", "x-predictor", four, "").ok());
  settle();
  EXPECT_EQ(get(api::kDeployment, "x-predictor")["spec"]["replicas"].integer(), 4);
  serve("minReplicas: 3", "", "serving.kserve.io/autoscalerClass: none");
  EXPECT_EQ(get(api::kDeployment, "x-predictor")["spec"]["replicas"].integer(), 3);
}

TEST_F(StandardTest, MetricsAndBehaviourGoToTheAutoscaler) {
  serve(
      "minReplicas: 1, maxReplicas: 4, autoScaling: {metrics: [{type: Resource, resource: {name: "
      "memory, target: {type: AverageValue, averageValue: 1Gi}}}, {type: Resource, resource: "
      "{name: cpu, target: {type: Utilization, averageUtilization: 60}}}], behavior: {scaleDown: "
      "{stabilizationWindowSeconds: 9}}}");
  const auto spec = get(api::kHorizontalPodAutoscaler, "x-predictor")["spec"];
  EXPECT_EQ(spec["metrics"][0]["resource"]["target"]["averageValue"].str(), "1Gi");
  EXPECT_EQ(spec["metrics"][1]["resource"]["target"]["averageUtilization"].integer(), 60);
  EXPECT_EQ(spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"].integer(), 9);
  EXPECT_EQ(spec["behavior"]["scaleDown"]["selectPolicy"].str(), "Max");
  EXPECT_EQ(spec["maxReplicas"].integer(), 4);
}

TEST_F(StandardTest, StopTakesEverythingAwayAndResumeBringsItBack) {
  serve();
  ready("x-predictor");
  serve("", "", "serving.kserve.io/stop: 'true'");
  for (const auto& kind : {api::kDeployment, api::kService, api::kHorizontalPodAutoscaler})
    EXPECT_FALSE(there(kind, "x-predictor")) << kind.kind;
  EXPECT_FALSE(there(standard::kIngressKind, "x"));
  EXPECT_EQ(client::condition(isvc(), "Ready")["reason"].str(), "Stopped");
  serve("", "", "serving.kserve.io/stop: 'false'");
  ready("x-predictor");
  EXPECT_TRUE(client::condition_is(isvc(), "Ready", "True")) << json::dump_yaml(isvc());
}

TEST_F(StandardTest, AServiceForTheClusterOnlyHasNoRouteFromOutside) {
  serve("", "", "", "m", "networking.kserve.io/visibility: cluster-local");
  ready("x-predictor");
  EXPECT_FALSE(there(standard::kIngressKind, "x"));
  EXPECT_TRUE(client::condition_is(isvc(), "Ready", "True")) << json::dump_yaml(isvc());
  EXPECT_EQ(isvc()["status"]["url"].str(), "http://x-predictor.default.svc.cluster.local");
}

TEST_F(StandardTest, TheConfigurationIsReadLive) {
  serve();
  ready("x-predictor");
  const auto configure = [&](const char* key, std::string_view text) {
    json::Value change;
    change.ref("data", key) = text;
    ASSERT_TRUE(client_->patch(api::kConfigMap, kConfigNamespace, kConfigName, change, "").ok());
    settle();
  };
  configure(
      "ingress",
      R"({"ingressDomain": "ml.test", "pathTemplate": "/serving/{{ .Namespace }}/{{ .Name }}"})");
  EXPECT_EQ(isvc()["status"]["url"].str(), "http://ml.test/serving/default/x");
  const auto rule = get(api::kVirtualService, "x")["spec"]["http"][1];
  EXPECT_EQ(rule["match"][0]["uri"]["prefix"].str(), "/serving/default/x/");
  EXPECT_EQ(rule["rewrite"]["uri"].str(), "/");
  EXPECT_FALSE(there(standard::kIngressKind, "x"));
  configure("ingress", R"({"ingressDomain": "ml.test", "disableIngressCreation": true})");
  EXPECT_FALSE(there(api::kVirtualService, "x"));
  EXPECT_TRUE(client::condition_is(isvc(), "Ready", "True"));
  configure(
      "ingress",
      R"({"ingressDomain": "ml.test", "domainTemplate": "{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}"})");
  EXPECT_EQ(isvc()["status"]["url"].str(), "http://x.default.ml.test");
  configure(
      "deploy",
      R"({"deploymentRolloutStrategy": {"defaultRollout": {"maxSurge": "2", "maxUnavailable": "0"}}})");
  EXPECT_EQ(get(api::kDeployment, "x-predictor")["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
                .integer(),
            2);
  configure("service", R"({"serviceClusterIPNone": true})");
  EXPECT_EQ(isvc()["status"]["address"]["url"].str(),
            "http://x-predictor.default.svc.cluster.local:8080");
}

TEST_F(StandardTest, KnativeModeHasPathsAndNoVirtualHostAsTheConfigurationSays) {
  apply(
      "{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: y, "
      "namespace: default}, spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: "
      "'gs://b/m'}}}}");
  json::Value change;
  change.ref("data", "ingress") = R"({"disableIstioVirtualHost": true})";
  ASSERT_TRUE(client_->patch(api::kConfigMap, kConfigNamespace, kConfigName, change, "").ok());
  settle();
  EXPECT_TRUE(there(api::kKnService, "y-predictor"));
  EXPECT_FALSE(there(api::kService, "y"));
}

TEST(Rollout, SharesGoOnlyToWhatIsReady) {
  using standard::Share;
  const auto s = [](bool stable, bool canary, int64_t wanted, std::string fallback = "") {
    std::string out;
    for (const auto& share : standard::shares("a", stable, {{"b", wanted, canary}}, fallback))
      out += str(share.service, share.percent, " ");
    return out;
  };
  EXPECT_EQ(s(true, true, 20), "a80 b20 ");
  EXPECT_EQ(s(true, false, 20), "a100 ");
  EXPECT_EQ(s(false, true, 20), "b100 ");
  EXPECT_EQ(s(false, false, 20), "a100 ");
  EXPECT_EQ(s(false, true, 20, "old"), "old100 ");
  EXPECT_EQ(s(true, true, 0), "a100 b0 ");
}

}  // namespace
}  // namespace proa::serving
