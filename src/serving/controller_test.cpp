// The InferenceService controller against the API server in process.
#include "serving/controller.h"

#include "serving/controller_fixture.h"

namespace proa::serving {
namespace {

class InferenceServiceTest : public ControllerFixture {
 protected:
  void knative_ready(const char* revision) {
    auto kn = get(api::kKnService, "x-predictor");
    json::Value s =
        yaml(str("{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: "
                 "x-predictor, namespace: "
                 "default}, status: {"
                 "url: 'http://x-predictor.default.example.com', address: {url: "
                 "'http://x-predictor.default.svc.cluster.local'},"
                 "latestCreatedRevisionName: ",
                 revision, ", latestReadyRevisionName: ", revision,
                 ", observedGeneration: ", kn["metadata"]["generation"].integer(),
                 ", conditions: [{type: ConfigurationsReady, status: 'True'}, {type: Ready, "
                 "status: 'True'}, "
                 "{type: RoutesReady, status: 'True'}],"
                 "traffic: [{latestRevision: true, percent: 100, revisionName: ",
                 revision, "}]}}"));
    auto done = client_->apply(api::kKnService, s, {"knative", "status"});
    ASSERT_TRUE(done.ok()) << done.error().message;
    settle();
  }
};

constexpr const char* kIris =
    "{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: x, "
    "namespace: default},"
    " spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: 'gs://b/m'}}}}";

TEST_F(InferenceServiceTest, GoesFromAppliedToReadyToGone) {
  apply(kIris);
  auto isvc = get(api::kInferenceService, "x");
  EXPECT_EQ(json::dump(isvc["metadata"]["finalizers"]), R"(["inferenceservice.finalizers"])");
  EXPECT_TRUE(client::condition_is(isvc, "Ready", "Unknown")) << json::dump_yaml(isvc);
  EXPECT_FALSE(get(api::kKnService, "x-predictor").is_null());
  EXPECT_FALSE(get(api::kService, "x").is_null());
  EXPECT_TRUE(get(api::kVirtualService, "x").is_null());

  knative_ready("x-predictor-00001");
  isvc = get(api::kInferenceService, "x");
  EXPECT_TRUE(client::condition_is(isvc, "Ready", "True")) << json::dump_yaml(isvc);
  EXPECT_EQ(isvc["status"]["url"].str(), "http://x.default.example.com");
  EXPECT_FALSE(get(api::kVirtualService, "x").is_null());
  const auto version = isvc["metadata"]["resourceVersion"].str();
  settle();
  EXPECT_EQ(get(api::kInferenceService, "x")["metadata"]["resourceVersion"].str(), version);
  auto events = client_->list(api::kEvent, {"default"});
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ((*events->at(0))["reason"].str(), "InferenceServiceReady");
  EXPECT_EQ((*events->at(0))["message"].str(), "InferenceService [x] is Ready");

  ASSERT_TRUE(client_->remove(api::kInferenceService, "default", "x", {}).ok());
  settle();
  EXPECT_TRUE(get(api::kInferenceService, "x").is_null());
}

TEST_F(InferenceServiceTest, AFailedModelIsSaidAndACorrectedOneHeals) {
  apply(kIris);
  auto s = yaml(
      "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: x-predictor, "
      "namespace: "
      "default}, status: {latestCreatedRevisionName: x-predictor-00001, observedGeneration: 1, "
      "conditions: [{type: Ready, status: Unknown}]}}");
  ASSERT_TRUE(client_->apply(api::kKnService, s, {"knative", "status"}).ok());
  auto pod = client_->create(
      api::kPod, yaml("{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default, labels: "
                      "{serving.kserve.io/inferenceservice: x, serving.knative.dev/revision: "
                      "x-predictor-00001}}, "
                      "spec: {containers: [{name: kserve-container, image: i}], "
                      "initContainers: [{name: storage-initializer, image: i}]}}"));
  ASSERT_TRUE(pod.ok()) << pod.error().message;
  auto st = yaml(
      "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, status: "
      "{initContainerStatuses: [{name: storage-initializer, image: i, imageID: i, ready: false, "
      "restartCount: 0, state: {terminated: {reason: Error, exitCode: 1, message: "
      "'bucket b not found'}}}]}}");
  auto done = client_->apply(api::kPod, st, {"node", "status"});
  ASSERT_TRUE(done.ok()) << done.error().message;
  settle();
  auto isvc = get(api::kInferenceService, "x");
  EXPECT_EQ(client::condition(isvc, "Ready")["message"].str(), "bucket b not found")
      << json::dump_yaml(isvc);
  EXPECT_EQ(isvc["status"]["modelStatus"]["lastFailureInfo"]["reason"].str(), "ModelLoadFailed");
  knative_ready("x-predictor-00002");
  isvc = get(api::kInferenceService, "x");
  EXPECT_TRUE(client::condition_is(isvc, "Ready", "True")) << json::dump_yaml(isvc);
}

TEST_F(InferenceServiceTest, AnUnknownFormatIsSaidAndHealsWhenItIsCorrected) {
  apply(replace_all(kIris, "sklearn", "nosuch"));
  auto isvc = get(api::kInferenceService, "x");
  EXPECT_TRUE(client::condition_is(isvc, "Ready", "False"));
  EXPECT_EQ(isvc["status"]["modelStatus"]["lastFailureInfo"]["reason"].str(),
            "NoSupportingRuntime");
  apply(kIris);
  isvc = get(api::kInferenceService, "x");
  EXPECT_TRUE(client::condition_is(isvc, "Ready", "Unknown")) << json::dump_yaml(isvc);
  EXPECT_FALSE(isvc["status"]["modelStatus"].has("lastFailureInfo")) << json::dump_yaml(isvc);
}

TEST_F(InferenceServiceTest, StoppingTakesTheChildrenAway) {
  apply(kIris);
  knative_ready("x-predictor-00001");
  auto stop = yaml("{metadata: {annotations: {serving.kserve.io/stop: 'true'}}}");
  ASSERT_TRUE(client_->patch(api::kInferenceService, "default", "x", stop, "").ok());
  settle();
  EXPECT_TRUE(get(api::kVirtualService, "x").is_null());
  EXPECT_TRUE(get(api::kService, "x").is_null());
  auto isvc = get(api::kInferenceService, "x");
  EXPECT_EQ(client::condition(isvc, "Ready")["reason"].str(), "Stopped");
  EXPECT_FALSE(isvc["status"].has("components")) << json::dump_yaml(isvc);
}

}  // namespace
}  // namespace proa::serving
