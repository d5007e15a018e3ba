// Tables: validation, runtime selection, merge, model status, traffic, canary tracking.
#include "client/client.h"
#include "serving/bootstrap.h"
#include "serving/knative/plan.h"
#include "serving/knative/status.h"
#include "serving/spec/container.h"
#include "serving/spec/defaults.h"
#include "serving/spec/merge.h"
#include "serving/spec/support.h"
#include "serving/spec/validate.h"
#include "serving/status/model_status.h"
#include "serving/testdata.h"

namespace proa::serving {
namespace {

constexpr const char* kModel = "model: {modelFormat: {name: sklearn}, storageUri: 'gs://b/m'}";

struct ValidationCase {
  const char* name;
  std::string annotations, spec;
  const char* message;  // "" if it is valid
};

TEST(Validate, RefusesInKServesWords) {
  const std::string model = kModel;
  const ValidationCase cases[] = {
      {"good", "", "predictor: {" + model + "}", ""},
      {"Bad", "", "predictor: {" + model + "}",
       "the InferenceService \"Bad\" is invalid: a InferenceService name must consist of lower "
       "case "
       "alphanumeric characters or '-', and must start with alphabetical character. (e.g. "
       "\"my-name\" or \"abc-123\", regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"},
      {"a", "serving.kserve.io/autoscalerClass: x", "predictor: {" + model + "}",
       "[x] is not a supported autoscaler class type"},
      {"a", "", "predictor: {containers: [{name: kserve-container, env: [{name: PYTHONPATH}]}]}",
       "the InferenceService \"a\" is invalid: setting PYTHONPATH in container "
       "\"kserve-container\" "
       "is not allowed for security reasons"},
      {"a", "", "predictor: {minReplicas: -1, " + model + "}",
       "'MinReplicas' cannot be less than 0"},
      {"a", "", "predictor: {minReplicas: 3, maxReplicas: 2, " + model + "}",
       "'MinReplicas' cannot be greater than MaxReplicas"},
      {"a", "", "predictor: {containerConcurrency: -1, " + model + "}",
       "parallelism cannot be less than 0"},
      {"a", "", "predictor: {logger: {url: x}, " + model + "}", "invalid logger type"},
      {"a", "serving.kserve.io/autoscalerClass: hpa",
       "predictor: {scaleMetric: cpu, scaleTarget: 75, " + model + "}",
       "[cpu] is not a supported metric"},
      {"a", "", "predictor: {scaleMetric: rps, scaleTarget: 0, " + model + "}",
       "the target for rps should be greater than 1"},
      {"a", "", "predictor: {deploymentStrategy: {type: Recreate}, " + model + "}",
       "customizing deploymentStrategy is only supported for raw deployment mode"},
      {"a", "", "predictor: {storageUris: [{uri: 'gs://b/x'}], " + model + "}",
       "Setting both StorageURI and StorageURIs is not supported."},
      {"a", "", "predictor: {storageUris: [{uri: 'gs://b/x', mountPath: a/b}], model: {}}",
       "storage path must be absolute: a/b"},
      {"a", "", "predictor: {storageUris: [{uri: 'gs://b/x', mountPath: /a/../b}], model: {}}",
       "storage path cannot contain '..' for security reasons: /a/../b"},
      {"a", "", "canary: [{trafficPercent: 10}], predictor: {" + model + "}",
       "canary is only supported in Standard deployment mode"},
      {"a", "", "predictor: {sklearn: {name: x, storageUri: 'gs://b/m'}}",
       "the 'name' field is not allowed in standard predictor"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.message);
    const auto isvc = yaml(str("{metadata: {name: ", c.name, ", annotations: {", c.annotations,
                               "}}, spec: {", c.spec, "}}"));
    const auto result = validate_inference_service(isvc, nullptr);
    if (*c.message == 0)
      EXPECT_TRUE(result.ok()) << result.error().message;
    else {
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().message, c.message);
    }
  }
}

TEST(Validate, ChecksStandardModesOwnFields) {
  const auto refused = [](const std::string& spec) {
    const auto isvc = yaml(str(
        "{metadata: {name: a, annotations: {serving.kserve.io/deploymentMode: Standard}}, spec: {",
        spec, "}}"));
    const auto result = validate_inference_service(isvc, nullptr);
    return result.ok() ? std::string() : result.error().message;
  };
  const std::string model = kModel, stable = "predictor: {" + model + "}";
  const auto canary = [&](const std::string& rest) {
    return stable + ", canary: [{trafficPercent: 10, predictor: {" + rest + "}}]";
  };
  EXPECT_EQ(refused(canary("name: v2, " + model)), "");
  EXPECT_EQ(refused(canary(model)), "canary[0] predictor.name is required");
  EXPECT_EQ(refused(canary("name: v2")), "canary[0] predictor.model is required");
  EXPECT_EQ(refused(canary("name: v2, maxReplicas: 3, " + model)),
            "canary[0] predictor.maxReplicas is not supported for a canary");
  EXPECT_EQ(refused(stable + ", canary: [{trafficPercent: 60, predictor: {name: v2, " + model +
                    "}}, {trafficPercent: 60, predictor: {name: v3, " + model + "}}]"),
            "sum of canary trafficPercent values (120) must be <= 100");
  EXPECT_EQ(refused(stable + ", canary: [{trafficPercent: 1, predictor: {name: v2, " + model +
                    "}}, {trafficPercent: 1, predictor: {name: v2, " + model + "}}]"),
            "canary[1] predictor.name \"v2\" is a duplicate");
  EXPECT_EQ(refused("predictor: {canaryTrafficPercent: 5, " + model +
                    "}, canary: [{trafficPercent: 1, predictor: {name: v2, " + model + "}}]"),
            "spec.canary and spec.predictor.canaryTrafficPercent exclude each other");
  EXPECT_EQ(refused("predictor: {deploymentStrategy: {type: Recreate}, " + model + "}"), "");
  EXPECT_EQ(refused("predictor: {scaleMetric: concurrency, " + model + "}"),
            "[concurrency] is not a supported metric");
  EXPECT_EQ(refused("predictor: {minReplicas: 0, scaleMetric: concurrency, " + model + "}"), "");
  EXPECT_EQ(refused("predictor: {autoScaling: {metrics: [{type: External}]}, " + model + "}"),
            "invalid HPA metric source type with value [External],valid metric source types are "
            "Resource");
  EXPECT_EQ(refused("predictor: {autoScaling: {metrics: [{type: Resource}]}, " + model + "}"),
            "metricSpec.Resource is not set for resource metric source type");
}

TEST(Validate, AnotherNameNeedsAnotherModel) {
  const std::string model = kModel;
  const auto of = [](const std::string& predictor) {
    return yaml("{metadata: {name: a}, spec: {predictor: {" + predictor + "}}}");
  };
  const auto old = of(model);
  const auto result = validate_inference_service(of("name: v2, " + model), &old);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message,
            "predictor.name change requires a model change (e.g. storageUri)");
  EXPECT_TRUE(
      validate_inference_service(of("name: v2, " + replace_all(model, "b/m", "b/n")), &old).ok());
}

TEST(Validate, WarnsOfWhatHasNoEffect) {
  const auto isvc = yaml(
      str("{metadata: {name: a, annotations: {serving.kserve.io/deploymentMode: Standard, "
          "serving.kserve.io/disable-auto-update: 'true'}}, spec: {predictor: {minReplicas: 0, "
          "scaleMetric: cpu, ",
          kModel, "}}}"));
  const auto warnings = validate_inference_service(isvc, nullptr);
  ASSERT_TRUE(warnings.ok());
  EXPECT_EQ(join(*warnings, "\n"),
            "annotation serving.kserve.io/disable-auto-update has no effect\n"
            "with minReplicas: 0 the number of pods follows the requests in hand; scaleMetric cpu "
            "has no effect");
}

TEST(Validate, WantsExactlyOneImplementation) {
  for (const char* spec : {"{}", "{sklearn: {}, xgboost: {}}",
                           "{model: {}, containers: [{name: kserve-container}]}"}) {
    const auto isvc = yaml(str("{metadata: {name: a}, spec: {predictor: ", spec, "}}"));
    const auto result = validate_inference_service(isvc, nullptr);
    ASSERT_FALSE(result.ok()) << spec;
    EXPECT_TRUE(result.error().message.starts_with("exactly one of [Name, SKLearn, XGBoost, "));
  }
  const auto sidecar =
      yaml("{metadata: {name: a}, spec: {predictor: {model: {}, containers: [{name: side}]}}}");
  EXPECT_TRUE(validate_inference_service(sidecar, nullptr).ok());
}

TEST(Validate, KeepsTheDeploymentMode) {
  const auto old = yaml("{status: {deploymentMode: Knative}}");
  const auto isvc = yaml(
      "{metadata: {name: a, annotations: {serving.kserve.io/deploymentMode: RawDeployment}},"
      " spec: {predictor: {model: {}}}}");
  const auto result = validate_inference_service(isvc, &old);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message,
            "update rejected: deploymentMode cannot be changed from 'Knative' to 'Standard'");
}

TEST(Validate, ChecksStorageUris) {
  for (auto good : {"gs://b/m", "pvc://c/p", "https://h/p", "/mnt/x", "models/x", "hf://a/b"})
    EXPECT_TRUE(check_storage_uri(good).ok()) << good;
  EXPECT_FALSE(check_storage_uri("ftp://x/y").ok());
}

TEST(Defaults, MoveFrameworkFieldsToModelAndFillResources) {
  auto c = parse_config(config_map("example.com"));
  ASSERT_TRUE(c.ok());
  auto isvc = yaml(
      "{metadata: {name: a}, spec: {predictor: {sklearn: {protocolVersion: v2, storageUri: "
      "'gs://b'}}}}");
  default_inference_service(isvc, *c);
  expect_same(isvc,
              yaml("{metadata: {name: a, annotations: {modelFormat: sklearn}}, spec: {predictor: "
                   "{model: {modelFormat: {name: sklearn}, name: '', protocolVersion: v2, "
                   "storageUri: 'gs://b', resources: {limits: {cpu: '1', memory: 2Gi}, "
                   "requests: {cpu: '1', memory: 2Gi}}}}}}"));
  auto raw = yaml(
      "{metadata: {name: a, annotations: {serving.kserve.io/deploymentMode: Serverless}}, spec: "
      "{}}");
  default_inference_service(raw, *c);
  EXPECT_EQ(raw["metadata"]["annotations"][kModeAnnotation].str(), "Knative");
}

client::Object runtime(std::string_view name, std::string_view formats,
                       std::string_view protocols = "[v1]", std::string_view more = "",
                       std::string_view created = "2026-01-01T00:00:00Z") {
  return shared(yaml(str("{metadata: {name: ", name, ", creationTimestamp: '", created,
                         "'}, spec: {supportedModelFormats: ", formats,
                         ", protocolVersions: ", protocols, more, "}}")));
}

struct SelectionCase {
  const char* model;
  const char* expected;  // "ns/NAME", "cluster/NAME", or the reason and message
};

TEST(Runtime, IsSelectedByKServesRules) {
  const std::vector<client::Object> own = {
      runtime("own-onnx", "[{name: onnx, autoSelect: true, priority: 1}]"),
      runtime("old", "[{name: age, autoSelect: true}]"),
      runtime("new", "[{name: age, autoSelect: true}]", "[v1]", "", "2026-02-01T00:00:00Z"),
  };
  const std::vector<client::Object> cluster = {
      runtime("one", "[{name: sklearn, version: '1', autoSelect: true, priority: 1}]", "[v1, v2]"),
      runtime("two",
              "[{name: sklearn, version: '0', autoSelect: true, priority: 2}, {name: sklearn, "
              "version: '1', autoSelect: true, priority: 2}]",
              "[v2]"),
      runtime("manual", "[{name: rare}]"),
      runtime("off", "[{name: gone, autoSelect: true}]", "[v1]", ", disabled: true"),
      runtime("c-onnx", "[{name: onnx, autoSelect: true, priority: 9}]"),
      runtime("two-node", "[{name: big, autoSelect: true}]", "[v1]", ", workerSpec: {}"),
  };
  const SelectionCase cases[] = {
      {"modelFormat: {name: sklearn}", "cluster/one"},
      {"modelFormat: {name: sklearn}, protocolVersion: v2", "cluster/two"},
      {"modelFormat: {name: sklearn, version: '1'}", "cluster/one"},
      {"modelFormat: {name: sklearn, version: '7'}",
       "NoSupportingRuntime No runtime found to support specified framework/version"},
      {"modelFormat: {name: onnx}", "ns/own-onnx"},
      {"modelFormat: {name: age}", "ns/new"},
      {"modelFormat: {name: rare}",
       "NoSupportingRuntime No runtime found to support specified framework/version"},
      {"modelFormat: {name: rare}, runtime: manual", "cluster/manual"},
      {"modelFormat: {name: gone}",
       "NoSupportingRuntime No runtime found to support specified framework/version"},
      {"modelFormat: {name: gone}, runtime: off", "RuntimeDisabled Specified runtime is disabled"},
      {"modelFormat: {name: big}",
       "NoSupportingRuntime No runtime found to support specified framework/version"},
      {"modelFormat: {name: sklearn}, runtime: nowhere",
       "RuntimeNotRecognized Waiting for runtime to become available"},
      {"modelFormat: {name: sklearn}, runtime: two",
       "NoSupportingRuntime Specified runtime does not support specified protocol version"},
      {"modelFormat: {name: onnx}, runtime: one",
       "NoSupportingRuntime Specified runtime does not support specified framework/version"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.model);
    const auto isvc =
        yaml(str("{spec: {predictor: {model: {storageUri: 'gs://b', ", c.model, "}}}}"));
    const auto choice = select_runtime(isvc, own, cluster);
    std::string got;
    if (auto* s = std::get_if<SelectedRuntime>(&choice))
      got = str(s->cluster ? "cluster/" : "ns/", s->name);
    else
      got = str(std::get<Refusal>(choice).reason, " ", std::get<Refusal>(choice).message);
    EXPECT_EQ(got, c.expected);
  }
}

TEST(Runtime, SaysWhatWasAskedFor) {
  const auto isvc = yaml(
      "{spec: {predictor: {model: {storageUri: 'gs://b', modelFormat: {name: nosuchformat}}}}}");
  const auto choice = select_runtime(isvc, {}, {});
  EXPECT_EQ(std::get<Refusal>(choice).detail,
            "no runtime found to support predictor with model type: {nosuchformat <nil>}");
}

TEST(Merge, GoesByTheMergeKeysOfPods) {
  auto base = yaml(
      "{image: a, env: [{name: X, value: '1'}, {name: Y, value: '2'}], resources: {limits: {cpu: "
      "'1', "
      "memory: 2Gi}}, command: [a, b], ports: [{containerPort: 80, name: h}]}");
  strategic_merge(base,
                  yaml("{image: b, env: [{name: Y, valueFrom: {x: 1}}, {name: Z}], resources: "
                       "{limits: {memory: 1Gi}}, command: [c], ports: [{containerPort: 90}]}"));
  expect_same(base,
              yaml("{image: b, env: [{name: X, value: '1'}, {name: Y, valueFrom: {x: 1}}, {name: "
                   "Z}], resources: {limits: {cpu: '1', memory: 1Gi}}, command: [c], ports: "
                   "[{containerPort: 90}, {containerPort: 80, name: h}]}"));
}

TEST(Merge, FillsPlaceholders) {
  const auto meta =
      yaml("{name: iris, namespace: t, labels: {a.b/c: l}, annotations: {modelFormat: f}}");
  auto v = yaml(
      "['--n={{.Name}}/{{ .Namespace }}', '{{.Annotations.modelFormat}}', '{{.Labels.none}}', "
      "'{{index .Labels \"a.b/c\"}}']");
  ASSERT_TRUE(fill_placeholders(v, meta).ok());
  expect_same(v, yaml("['--n=iris/t', f, <no value>, l]"));
  auto bad = yaml("['{{.Spec.x}}']");
  EXPECT_FALSE(fill_placeholders(bad, meta).ok());
  auto open = yaml("['{{.Name']");
  EXPECT_FALSE(fill_placeholders(open, meta).ok());
}

TEST(Container, ConcatenatesArgsAndReplacesTheTag) {
  const auto isvc = yaml(
      "{metadata: {name: x, namespace: t}, spec: {predictor: {serviceAccountName: sa, "
      "nodeSelector: {b: "
      "c}, model: {modelFormat: {name: sklearn}, runtimeVersion: v9, args: [--more], env: [{name: "
      "E, "
      "value: v}], name: ''}, containers: [{name: side, image: s}]}}}");
  const auto spec = yaml(
      "{nodeSelector: {a: b}, containers: [{name: kserve-container, image: 'r:5/k/s:latest', args: "
      "['--name={{.Name}}']}, {name: helper, image: h}]}");
  const auto pod = predictor_pod_spec(isvc, &spec);
  ASSERT_TRUE(pod.ok()) << pod.error().message;
  expect_same(*pod,
              yaml("{serviceAccountName: sa, nodeSelector: {a: b, b: c}, containers: [{name: "
                   "kserve-container, image: 'r:5/k/s:v9', args: [--name=x, --more], env: [{name: "
                   "E, value: v}, {name: INFERENCE_SERVICE_NAME, value: x}]}, {name: side, "
                   "image: s}, {name: helper, image: h}]}"));
}

TEST(Container, WantsARuntimeWithTheModelsContainer) {
  const auto isvc = yaml("{metadata: {name: x}, spec: {predictor: {model: {}}}}");
  const auto spec = yaml("{containers: [{name: other}]}");
  EXPECT_FALSE(predictor_pod_spec(isvc, &spec).ok());
}

client::Object pod(std::string_view status) {
  return shared(
      yaml(str("{metadata: {name: p-1}, spec: {containers: [{name: kserve-container, "
               "resources: {limits: {memory: 1Gi}}}]}, status: ",
               status, "}")));
}

struct StateCase {
  const char* pod;  // "" for none
  bool ready;
  const char* before;
  const char* expected;  // transition/active/target reason message
};

TEST(ModelStatus, FollowsThePods) {
  const StateCase cases[] = {
      {"", false, "{}", "InProgress//Pending"},
      {"", true, "{states: {activeModelState: Loaded}}", "UpToDate/Loaded/Loaded"},
      {"{}", false, "{}", "InProgress//Pending"},
      {"{conditions: [{type: Ready, status: 'True'}]}", true, "{}", "UpToDate/Loaded/Loaded"},
      {"{initContainerStatuses: [{name: storage-initializer, state: {running: {}}}]}", false, "{}",
       "InProgress//Loading"},
      {"{initContainerStatuses: [{name: storage-initializer, state: {terminated: {reason: Error, "
       "exitCode: 1, finishedAt: t, message: \"a\\nbucket b not found\\n\"}}}]}",
       false, "{}", "BlockedByFailedLoad//FailedToLoad ModelLoadFailed bucket b not found"},
      {"{initContainerStatuses: [{name: storage-initializer, state: {waiting: {reason: "
       "CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, message: m}}}]}",
       false, "{states: {activeModelState: Loaded}}",
       "BlockedByFailedLoad/Loaded/FailedToLoad ModelLoadFailed m"},
      {"{containerStatuses: [{name: kserve-container, state: {terminated: {reason: OOMKilled, "
       "exitCode: "
       "137}}}]}",
       false, "{}",
       "BlockedByFailedLoad//FailedToLoad ModelLoadFailed out of memory: the model does not fit "
       "into "
       "the memory limit of 1Gi of container kserve-container"},
      {"{containerStatuses: [{name: kserve-container, state: {waiting: {reason: ImagePullBackOff, "
       "message: no such image}}}]}",
       false, "{}",
       "BlockedByFailedLoad//FailedToLoad RuntimeUnhealthy ImagePullBackOff: no such image"},
      {"{containerStatuses: [{name: kserve-container, state: {terminated: {exitCode: 3}}}]}", false,
       "{}",
       "BlockedByFailedLoad//FailedToLoad ModelLoadFailed container kserve-container ended with "
       "exit "
       "code 3"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.expected);
    const auto before = yaml(c.before);
    ModelInput in;
    in.before = &before;
    in.revision = "r-1";
    in.ready = c.ready;
    in.newest_serves = true;
    if (*c.pod) in.pods.push_back(pod(c.pod));
    const auto s = model_status(in);
    std::string got = str(s["transitionStatus"].str(), "/", s["states"]["activeModelState"].str(),
                          "/", s["states"]["targetModelState"].str());
    if (s.has("lastFailureInfo")) {
      got += str(" ", s["lastFailureInfo"]["reason"].str(), " ",
                 s["lastFailureInfo"]["message"].str());
      EXPECT_EQ(s["lastFailureInfo"]["modelRevisionName"].str(), "r-1");
      EXPECT_EQ(s["lastFailureInfo"]["location"].str(), "p-1");
    }
    EXPECT_EQ(got, c.expected);
  }
}

TEST(Status, AFailedModelMakesReadyFalseWithTheCauseAndHeals) {
  auto isvc = yaml(
      "{metadata: {name: x, namespace: t, generation: 1, annotations: "
      "{serving.kserve.io/deploymentMode: Knative}}, spec: {predictor: {model: {}}}}");
  auto knative = yaml(
      "{metadata: {generation: 1}, status: {observedGeneration: 1, "
      "latestCreatedRevisionName: x-predictor-00001, conditions: [{type: Ready, status: "
      "Unknown}, {type: ConfigurationsReady, status: Unknown}]}}");
  Observed o;
  o.isvc = &isvc;
  o.knative = &knative;
  o.now = "2026-11-01T10:00:00Z";
  o.pods = {
      pod("{initContainerStatuses: [{name: storage-initializer, state: {terminated: {exitCode: 1, "
          "message: no such bucket}}}]}")};
  json::Value status, after;
  running_status(o, Config{}, status);
  json::Value holder;
  holder.set("status", status);
  const auto& ready = client::condition(holder, "Ready");
  EXPECT_EQ(ready["status"].str(), "False");
  EXPECT_EQ(ready["reason"].str(), "ModelLoadFailed");
  EXPECT_EQ(ready["message"].str(), "no such bucket");

  isvc.set("status", status);
  knative.ref("status", "conditions") = yaml("[{type: Ready, status: 'True'}]");
  knative.ref("status", "latestReadyRevisionName") = "x-predictor-00001";
  o.pods = {pod("{conditions: [{type: Ready, status: 'True'}]}")};
  o.ingress_made = true;
  running_status(o, Config{}, after);
  holder.set("status", after);
  EXPECT_TRUE(client::condition_is(holder, "Ready", "True"));
  EXPECT_FALSE(holder["status"]["modelStatus"].has("lastFailureInfo"));
}

TEST(Status, TracksWhichRevisionHadAllOfTheTraffic) {
  const auto kn = [](std::string_view traffic, std::string_view latest) {
    return yaml(str("{latestReadyRevisionName: ", latest, ", latestCreatedRevisionName: ", latest,
                    ", traffic: ", traffic, "}"));
  };
  auto c = predictor_component(
      json::Value(), kn("[{latestRevision: true, percent: 100, revisionName: r1}]", "r1"));
  EXPECT_EQ(c["latestRolledoutRevision"].str(), "r1");
  c = predictor_component(c, kn("[{latestRevision: true, percent: 10, revisionName: r2}, "
                                "{revisionName: r1, percent: 90, tag: prev}]",
                                "r2"));
  EXPECT_EQ(c["latestRolledoutRevision"].str(), "r1");
  c = predictor_component(c, kn("[{latestRevision: true, percent: 100, revisionName: r2}]", "r2"));
  EXPECT_EQ(c["latestRolledoutRevision"].str(), "r2");
  EXPECT_EQ(c["previousRolledoutRevision"].str(), "r1");
}

TEST(Plan, SplitsACanarysTraffic) {
  const auto isvc = yaml(
      "{metadata: {name: x, namespace: t}, spec: {predictor: {canaryTrafficPercent: 10, "
      "containers: [{name: kserve-container, image: i}]}}}");
  const auto first = plan_knative_service(isvc, nullptr, "", Config{});
  const auto second = plan_knative_service(isvc, nullptr, "r1", Config{});
  ASSERT_TRUE(first.ok() && second.ok());
  expect_same((*first)["spec"]["traffic"], yaml("[{latestRevision: true, percent: 100}]"));
  expect_same((*second)["spec"]["traffic"],
              yaml("[{latestRevision: true, percent: 10}, {latestRevision: false, percent: 90, "
                   "revisionName: r1, tag: prev}]"));
}

TEST(Plan, RefusesWhatThisVersionDoesNotDo) {
  Config config;
  config.default_mode = "Knative";
  const auto refused = [&](std::string_view spec, std::string_view annotations = "") {
    const auto isvc =
        yaml(str("{metadata: {name: x, annotations: {", annotations, "}}, spec: ", spec, "}"));
    const auto r = unsupported(isvc, config);
    return r ? r->detail : std::string();
  };
  EXPECT_EQ(refused("{predictor: {model: {}}}"), "");
  EXPECT_EQ(refused("{predictor: {model: {}}}", "serving.kserve.io/deploymentMode: RawDeployment"),
            "");
  EXPECT_EQ(refused("{predictor: {model: {}}}", "serving.kserve.io/deploymentMode: ModelMesh"),
            "deployment mode ModelMesh is not supported by this version; set annotation "
            "serving.kserve.io/deploymentMode to Knative or Standard");
  EXPECT_NE(refused("{predictor: {model: {}}, transformer: {}}"), "");
  EXPECT_EQ(refused("{predictor: {model: {}, batcher: {}}}"), "");
  EXPECT_NE(refused("{predictor: {containers: [{}], batcher: {}}}"), "");
  EXPECT_NE(refused("{predictor: {model: {}, logger: {}}}"), "");
  EXPECT_NE(refused("{predictor: {}}"), "");
}

TEST(Plan, AClusterLocalServiceHasNoExternalHost) {
  const auto isvc = yaml(
      "{metadata: {name: x, namespace: t, labels: {networking.kserve.io/visibility: "
      "cluster-local}}}");
  EXPECT_EQ(external_host(isvc, "http://x-predictor.t.example.com", Config{}), "");
  const auto open = yaml("{metadata: {name: x, namespace: t}}");
  EXPECT_EQ(external_host(open, "http://x-predictor.t.svc.cluster.local", Config{}), "");
  EXPECT_EQ(external_host(open, "http://x-predictor.t.example.com", Config{}), "x.t.example.com");
}

}  // namespace
}  // namespace proa::serving
