// Whole objects against files of testdata/.
#include <map>

#include "client/client.h"
#include "serving/bootstrap.h"
#include "serving/knative/plan.h"
#include "serving/knative/status.h"
#include "serving/pod_mutator.h"
#include "serving/spec/defaults.h"
#include "serving/status/conditions.h"
#include "serving/testdata.h"

namespace proa::serving {
namespace {

// Objects by kind and name, for the mutator's reads.
class Objects : public client::Client {
 public:
  std::map<std::string, json::Value> by_name;

  Result<client::Object> get(const client::Kind& kind, std::string_view,
                             std::string_view name) const override {
    const auto it = by_name.find(str(kind.kind, "/", name));
    if (it == by_name.end()) return error(Code::kNotFound, "none");
    return shared(it->second);
  }
  Result<std::vector<client::Object>> list(const client::Kind&,
                                           const client::ListOptions&) const override {
    return std::vector<client::Object>{};
  }
  Result<client::Object> create(const client::Kind&, json::Value) override { return refuse(); }
  Result<client::Object> apply(const client::Kind&, json::Value,
                               const client::ApplyOptions&) override {
    return refuse();
  }
  Result<client::Object> patch(const client::Kind&, std::string_view, std::string_view, json::Value,
                               std::string_view) override {
    return refuse();
  }
  Status remove(const client::Kind&, std::string_view, std::string_view,
                const client::DeleteOptions&) override {
    return refuse();
  }
  std::unique_ptr<client::Watch> watch(const client::Kind&, std::string_view,
                                       std::function<void(const client::Event&)>) override {
    return nullptr;
  }

 private:
  static Error refuse() { return error(Code::kUnimplemented, "read only"); }
};

Config config() {
  auto c = parse_config(config_map("example.com"));
  EXPECT_TRUE(c.ok());
  return c.ok() ? *c : Config{};
}

SelectedRuntime sklearn() { return {"kserve-sklearnserver", true, shared(runtimes()[0])}; }

TEST(Golden, AnInferenceServiceBecomesItsObjects) {
  const auto docs = testdata("sklearn.yaml");
  ASSERT_EQ(docs.size(), 6u);
  auto isvc = docs[0];
  default_inference_service(isvc, config());
  expect_same(isvc, docs[1]);
  const auto runtime = sklearn();
  const auto knative = plan_knative_service(isvc, &runtime, "", config());
  ASSERT_TRUE(knative.ok()) << knative.error().message;
  expect_same(plain(*knative), docs[2]);
  expect_same(plain(plan_service(isvc, config())), docs[3]);
  const auto host = external_host(isvc, "http://sklearn-iris-predictor.t.example.com", config());
  const auto route = plan_virtual_service(isvc, host, config());
  ASSERT_TRUE(route.ok()) << route.error().message;
  expect_same(plain(*route), docs[4]);

  json::Value pod = json::object({{"apiVersion", "v1"}, {"kind", "Pod"}});
  pod.set("metadata", (*knative)["spec"]["template"]["metadata"]);
  pod.set("spec", (*knative)["spec"]["template"]["spec"]);
  ASSERT_TRUE(mutate_pod(pod, Objects{}, config()).ok());
  expect_same(pod, docs[5]);
  ASSERT_TRUE(mutate_pod(pod, Objects{}, config()).ok());  // again: nothing changes
  expect_same(pod, docs[5]);
}

TEST(Golden, ScalingFieldsBecomeKnativeAnnotations) {
  const auto docs = testdata("scale.yaml");
  ASSERT_EQ(docs.size(), 3u);
  auto isvc = docs[0];
  default_inference_service(isvc, config());
  const auto runtime = sklearn();
  const auto knative = plan_knative_service(isvc, &runtime, "", config());
  ASSERT_TRUE(knative.ok());
  expect_same((*knative)["spec"]["template"]["metadata"]["annotations"], docs[1]);
  auto spec = (*knative)["spec"]["template"]["spec"];
  spec.erase("containers");
  expect_same(spec, docs[2]);
}

// The container and the labels that the runtime gives to a model of this spec.
json::Value template_for(const json::Value& isvc) {
  std::vector<client::Object> cluster;
  for (const auto& r : runtimes()) cluster.push_back(shared(r));
  const auto choice = select_runtime(isvc, {}, cluster);
  const auto* runtime = std::get_if<SelectedRuntime>(&choice);
  if (!runtime) return json::object({{"none", std::get<Refusal>(choice).reason}});
  const auto knative = plan_knative_service(isvc, runtime, "", config());
  EXPECT_TRUE(knative.ok());
  return knative.ok() ? (*knative)["spec"]["template"] : json::Value();
}

TEST(Golden, VersionTwoOfTheProtocolIsMlservers) {
  const auto made = template_for(yaml(
      "{metadata: {name: legacy, namespace: t}, spec: {predictor: {model: {modelFormat: {name: "
      "sklearn}, protocolVersion: v2, runtimeVersion: v0.12.0, storageUri: 'gs://b/m'}}}}"));
  EXPECT_EQ(made["metadata"]["labels"]["modelClass"].str(), "mlserver_sklearn.SKLearnModel");
  const auto& c = made["spec"]["containers"][0];
  EXPECT_EQ(c["image"].str(), "docker.io/seldonio/mlserver:v0.12.0");
  EXPECT_FALSE(c.has("args"));
  expect_same(c["env"], yaml("[{name: MLSERVER_MODEL_NAME, value: legacy},"
                             " {name: MLSERVER_MODEL_URI, value: /mnt/models},"
                             " {name: MLSERVER_MODEL_IMPLEMENTATION,"
                             "  value: mlserver_sklearn.SKLearnModel},"
                             " {name: MLSERVER_HTTP_PORT, value: '8080'},"
                             " {name: MLSERVER_GRPC_PORT, value: '9000'},"
                             " {name: INFERENCE_SERVICE_NAME, value: legacy}]"));
}

TEST(Golden, EachFormatHasKServesRuntime) {
  struct Case {
    const char *model, *image, *first;
  };
  for (const Case& c : {Case{"modelFormat: {name: onnx}", "nvcr.io/nvidia/tritonserver:23.05-py3",
                             "tritonserver"},
                        Case{"modelFormat: {name: onnx}, protocolVersion: v2",
                             "nvcr.io/nvidia/tritonserver:23.05-py3", "tritonserver"},
                        Case{"modelFormat: {name: tensorflow}", "tensorflow/serving:2.6.2",
                             "--model_name=m"},
                        Case{"modelFormat: {name: pytorch}", "pytorch/torchserve-kfs:0.9.0",
                             "torchserve"},
                        Case{"modelFormat: {name: openvino}", "openvino/model_server:latest",
                             "--model_name=m"},
                        Case{"modelFormat: {name: onnx}, runtime: kserve-openvino",
                             "openvino/model_server:latest", "--model_name=m"},
                        Case{"modelFormat: {name: pmml}", "kserve/pmmlserver:latest",
                             "--model_name=m"},
                        Case{"modelFormat: {name: paddle}", "kserve/paddleserver:latest",
                             "--model_name=m"},
                        Case{"modelFormat: {name: mlflow}, protocolVersion: v2",
                             "docker.io/seldonio/mlserver:1.7.1", ""}}) {
    const auto made = template_for(
        yaml(str("{metadata: {name: m, namespace: t}, spec: {predictor: {model: {", c.model,
                 ", storageUri: 'gs://b/m'}}}}")));
    const auto& container = made["spec"]["containers"][0];
    EXPECT_EQ(container["image"].str(), c.image) << c.model;
    const auto& args = container["args"].array();
    EXPECT_EQ(args.empty() ? "" : args[0].str(), c.first) << c.model;
  }
}

TEST(Golden, TorchserveIsToldTheProtocol) {
  const auto made = template_for(
      yaml("{metadata: {name: m, namespace: t}, spec: {predictor: {model: {modelFormat: {name: "
           "pytorch}, protocolVersion: v2, storageUri: 'gs://b/m'}}}}"));
  EXPECT_EQ(made["metadata"]["labels"]["serviceEnvelope"].str(), "kservev2");
  expect_same(made["spec"]["containers"][0]["env"],
              yaml("[{name: PROTOCOL_VERSION, value: v2}, {name: TS_SERVICE_ENVELOPE, value: "
                   "kservev2}, {name: INFERENCE_SERVICE_NAME, value: m}]"));
}

TEST(Golden, GrpcGetsAPortThatSpeaksHttp2) {
  const auto made = template_for(
      yaml("{metadata: {name: x, namespace: t}, spec: {predictor: {model: {modelFormat: {name: "
           "xgboost}, protocolVersion: grpc-v2, runtime: kserve-xgbserver,"
           " storageUri: 'gs://b/m'}}}}"));
  expect_same(made["spec"]["containers"][0]["ports"],
              yaml("[{name: h2c, containerPort: 8080, protocol: TCP}]"));
  const auto tensorflow = template_for(
      yaml("{metadata: {name: x, namespace: t}, spec: {predictor: {model: {modelFormat: {name: "
           "tensorflow}, protocolVersion: grpc-v1, storageUri: 'gs://b/m'}}}}"));
  expect_same(tensorflow["spec"]["containers"][0]["ports"],
              yaml("[{name: h2c, containerPort: 8080, protocol: TCP}]"));
}

TEST(Golden, ABatcherIsTheAgentsAndTheModelServersEnvironment) {
  const auto made = template_for(
      yaml("{metadata: {name: x, namespace: t}, spec: {predictor: {batcher: {maxBatchSize: 16, "
           "maxLatency: 200}, model: {modelFormat: {name: lightgbm}, storageUri: 'pvc://c/m'}}}}"));
  json::Value pod = json::object({{"apiVersion", "v1"}, {"kind", "Pod"}});
  pod.set("metadata", made["metadata"]);
  pod.set("spec", made["spec"]);
  ASSERT_TRUE(mutate_pod(pod, Objects{}, config()).ok());
  const auto once = pod;
  ASSERT_TRUE(mutate_pod(pod, Objects{}, config()).ok());
  expect_same(pod, once);
  const auto& containers = pod["spec"]["containers"];
  ASSERT_EQ(containers.size(), 2u);
  EXPECT_EQ(containers[1]["name"].str(), "agent");
  expect_same(containers[1]["args"],
              yaml("[--enable-batcher, --max-batchsize, '16', --max-latency, '200', "
                   "--component-port, '8080']"));
  expect_same(containers[0]["env"], yaml("[{name: INFERENCE_SERVICE_NAME, value: x},"
                                         " {name: PROA_MAX_BATCH_SIZE, value: '16'},"
                                         " {name: PROA_MAX_LATENCY, value: '200'}]"));
}

TEST(Golden, AClaimIsMountedReadOnlyWithoutAnInitializer) {
  const auto docs = testdata("claim.yaml");
  ASSERT_EQ(docs.size(), 2u);
  auto pod = docs[0];
  ASSERT_TRUE(mutate_pod(pod, Objects{}, config()).ok());
  expect_same(pod, docs[1]);
}

std::vector<std::string> lines(const json::Value& conditions) {
  std::vector<std::string> out;
  for (const auto& c : conditions.array()) {
    std::string line = str(c["type"].str(), " ", c["status"].str());
    if (!c["reason"].str().empty()) line += " " + c["reason"].str();
    out.push_back(line);
  }
  return out;
}

TEST(Golden, StatusSaysWhatKServeSays) {
  for (const auto& doc : testdata("status.yaml")) {
    SCOPED_TRACE(doc["case"].str());
    auto isvc = yaml(
        "{metadata: {name: x, namespace: t, generation: 1, annotations: "
        "{serving.kserve.io/deploymentMode: Knative}},"
        " spec: {predictor: {model: {modelFormat: {name: sklearn}, storageUri: 'gs://b/m'}}}}");
    if (doc.has("format"))
      isvc.ref("spec", "predictor", "model", "modelFormat", "name") = doc["format"];
    const std::string now = "2026-11-01T10:00:00Z";
    const auto choice = select_runtime(isvc, {}, {shared(runtimes()[0])});
    json::Value knative = json::object({{"metadata", json::object({{"generation", 1}})}});
    knative.set("status", doc["kn"]);
    json::Value status = json::object({{"deploymentMode", "Knative"}});
    if (auto* runtime = std::get_if<SelectedRuntime>(&choice))
      status.set("clusterServingRuntimeName", runtime->name);
    if (doc["stopped"].boolean()) {
      stopped_status(isvc, now, status);
    } else if (auto* refused = std::get_if<Refusal>(&choice)) {
      refused_status(isvc, *refused, now, status);
    } else {
      running_status({&isvc, &knative, {}, doc["kn"].size() > 0, now}, config(), status);
    }
    std::vector<std::string> want;
    for (const auto& c : doc["conditions"].array()) want.push_back(c.str());
    EXPECT_EQ(join(lines(status["conditions"]), "\n"), join(want, "\n"));
    for (const auto& c : status["conditions"].array())
      EXPECT_EQ(c["lastTransitionTime"].str(), "2026-11-01T10:00:00Z");
    status.erase("conditions");
    expect_same(status, doc["rest"]);
  }
}

TEST(PodMutator, TakesCredentialsFromTheServiceAccountsSecrets) {
  Objects objects;
  objects.by_name["ServiceAccount/sa"] =
      yaml("{secrets: [{name: gone}, {name: gcs}, {name: web}]}");
  objects.by_name["Secret/gcs"] =
      yaml("{metadata: {name: gcs}, data: {gcloud-application-credentials.json: e30=}}");
  json::Value web = yaml("{metadata: {name: web}}");
  web.ref("data", "https-host") = base64("models.example.com");
  web.ref("data", "headers") = base64("account: a\nsecret:  b:c\n");
  objects.by_name["Secret/web"] = web;
  auto pod = yaml(
      "{metadata: {namespace: t, labels: {serving.kserve.io/inferenceservice: x}, annotations: "
      "{internal.serving.kserve.io/storage-initializer-sourceuri: 'gs://b/m'}},"
      " spec: {serviceAccountName: sa, containers: [{name: kserve-container}]}}");
  ASSERT_TRUE(mutate_pod(pod, objects, config()).ok());
  const auto& init = pod["spec"]["initContainers"][0];
  EXPECT_EQ(init["env"][0]["name"].str(), "GOOGLE_APPLICATION_CREDENTIALS");
  EXPECT_EQ(init["env"][0]["value"].str(), "/var/secrets/gcloud-application-credentials.json");
  EXPECT_EQ(init["env"][1]["name"].str(), "models.example.com-headers");
  EXPECT_EQ(init["env"][1]["value"].str(), R"({"account":"a","secret":"b:c"})");
  EXPECT_EQ(json::dump(init["volumeMounts"][0]),
            R"({"mountPath":"/var/secrets/","name":"user-gcp-sa","readOnly":true})");
  EXPECT_EQ(pod["spec"]["volumes"][0]["secret"]["secretName"].str(), "gcs");
}

TEST(PodMutator, RefusesAPodWithoutTheModelsContainer) {
  auto pod = yaml(
      "{metadata: {labels: {serving.kserve.io/inferenceservice: x}, annotations: "
      "{internal.serving.kserve.io/storage-initializer-sourceuri: 'gs://b/m'}},"
      " spec: {containers: [{name: other}]}}");
  const auto done = mutate_pod(pod, Objects{}, config());
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().message, "Invalid configuration: cannot find container: kserve-container");
}

TEST(PodMutator, FindsTheBucketAndItsCredentialsInTheStorageSecret) {
  const auto pod_with = [](const char* key, const char* parameters) {
    auto pod = yaml(
        "{metadata: {namespace: t, labels: {serving.kserve.io/inferenceservice: x}, annotations: "
        "{internal.serving.kserve.io/storage-initializer-sourceuri: '<scheme-placeholder>://m/1', "
        "internal.serving.kserve.io/storage-spec: 'true'}},"
        " spec: {containers: [{name: kserve-container}]}}");
    auto& annotations = pod.ref("metadata", "annotations");
    if (*key) annotations.set(std::string(kStorageKeyAnnotation), key);
    if (*parameters) annotations.set(std::string(kStorageParamAnnotation), parameters);
    return pod;
  };
  Objects objects;
  json::Value secret = yaml("{metadata: {name: storage-config}}");
  secret.ref("data", "minio") = base64(R"({"type": "s3", "bucket": "models"})");
  secret.ref("data", "default_gs") = base64(R"({"type": "gs", "bucket": "b"})");
  objects.by_name["Secret/storage-config"] = secret;
  const auto source = [&](const char* key, const char* parameters) {
    auto pod = pod_with(key, parameters);
    const auto done = mutate_pod(pod, objects, config());
    return done.ok() ? pod["spec"]["initContainers"][0]["args"][0].str() : done.error().message;
  };
  EXPECT_EQ(source("minio", ""), "s3://models/m/1");
  EXPECT_EQ(source("minio", R"({"bucket": "other"})"), "s3://other/m/1");
  EXPECT_EQ(source("", R"({"type": "gs"})"), "gs://b/m/1");
  EXPECT_EQ(source("", R"({"type": "hdfs"})"), "hdfs://m/1");
  EXPECT_EQ(source("gone", ""),
            "specified storage key gone not found in storage secret storage-config");
  EXPECT_EQ(source("", ""), "unable to determine storage type");
  EXPECT_EQ(source("", R"({"type": "ftp"})"),
            "storage type must be one of [s3, gs, oss, hdfs, webhdfs]. storage "
            "type [ftp] is not supported");
  EXPECT_EQ(source("", R"({"type": "s3"})"),
            "format [s3] requires a bucket but one wasn't found in storage data or parameters");
}

TEST(PodMutator, LeavesOtherPodsAlone) {
  auto pod = yaml("{metadata: {name: p}, spec: {containers: [{name: a}]}}");
  const auto before = pod;
  ASSERT_TRUE(mutate_pod(pod, Objects{}, config()).ok());
  expect_same(pod, before);
}

}  // namespace
}  // namespace proa::serving
