#include "api/schema/validate.h"

#include "api/schema/pattern.h"
#include "api/schema/schema_test.h"

namespace proa::api {
namespace {

const KindDef& isvc() { return test_kind("serving.kserve.io/v1beta1", "InferenceService"); }
const KindDef& deployment() { return test_kind("apps/v1", "Deployment"); }

std::vector<std::string> errors(const KindDef& kind, const json::Value& v) {
  std::vector<std::string> out;
  for (const FieldError& e : validate(kind, v)) out.push_back(e.text());
  return out;
}
using Texts = std::vector<std::string>;

TEST(Catalog, KnowsEveryKindAndItsShortNames) {
  EXPECT_GE(test_catalog().all().size(), 55u);
  EXPECT_EQ(
      test_catalog().find("serving.kserve.io", "v1beta1", "inferenceservices")->short_names[0],
      "isvc");
  EXPECT_TRUE(test_catalog().find_kind("serving.knative.dev/v1", "Revision"));
  EXPECT_FALSE(test_catalog().find("", "v1", "nothings"));
  EXPECT_TRUE(test_catalog().body_type("v1", "DeleteOptions"));
  for (const KindRef& def : test_catalog().all()) {
    ASSERT_TRUE(def->type->field("metadata")) << def->kind.kind;
    EXPECT_TRUE(def->type->field("metadata")->type->field("managedFields")) << def->kind.kind;
  }
}

TEST(Prune, NamesUnknownFieldsAsKubectlExpects) {
  json::Value v =
      js("{'spec': {'foo': 1, 'template': {'spec': {'containers': [{'name': 'a', 'bar': 2}]}}}}");
  auto unknown = prune(deployment(), v);
  EXPECT_EQ(unknown, (Texts{"spec.foo", "spec.template.spec.containers[0].bar"}));
  EXPECT_EQ(strict_error({"spec.foo"}), "strict decoding error: unknown field \"spec.foo\"");
  EXPECT_EQ(json::dump(v), R"({"spec":{"template":{"spec":{"containers":[{"name":"a"}]}}}})");
}

TEST(Prune, BuiltInKindsLoseZerosAndNullsAndGetCanonicalQuantities) {
  json::Value v = js(
      "{'metadata': {'generateName': '', 'creationTimestamp': null}, 'spec': {'hostNetwork': false,"
      " 'containers': [{'name': 'a', 'resources': {'limits': {'cpu': 1, 'memory': '1024Mi'}}}]}}");
  EXPECT_TRUE(prune(test_kind("v1", "Pod"), v).empty());
  EXPECT_EQ(json::dump(v),
            R"({"metadata":{},"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"1",)"
            R"("memory":"1Gi"}}}]}})");
}

TEST(Prune, KeepsWhatAnOpenStatusHolds) {
  json::Value v = js("{'status': {'extra': {'x': 1}}}");
  EXPECT_TRUE(prune(isvc(), v).empty());
  EXPECT_EQ(v["status"]["extra"]["x"].integer(), 1);
}

TEST(Defaults, FillADeploymentAsKubernetesDoes) {
  json::Value v =
      js("{'spec': {'template': {'spec': {'containers': [{'name': 'a', 'image': 'x', 'ports': "
         "[{'containerPort': 80}],"
         " 'livenessProbe': {'httpGet': {'port': 80}}}]}}}}");
  default_fields(deployment(), v);
  const json::Value& spec = v["spec"];
  EXPECT_EQ(spec["replicas"].integer(), 1);
  EXPECT_EQ(spec["strategy"]["rollingUpdate"]["maxSurge"].str(), "25%");
  const json::Value& pod = spec["template"]["spec"];
  EXPECT_EQ(pod["restartPolicy"].str(), "Always");
  EXPECT_EQ(json::dump(pod["securityContext"]), "{}");
  const json::Value& c = pod["containers"][0];
  EXPECT_EQ(c["imagePullPolicy"].str(), "Always");
  EXPECT_EQ(c["ports"][0]["protocol"].str(), "TCP");
  EXPECT_EQ(c["livenessProbe"]["periodSeconds"].integer(), 10);
  EXPECT_EQ(c["livenessProbe"]["httpGet"]["scheme"].str(), "HTTP");
}

TEST(Defaults, LeavePodFieldsOfCustomResourcesAlone) {
  json::Value v = js(
      "{'spec': {'predictor': {'containers': [{'name': 'a', 'ports': [{'containerPort': 80}]}]}}}");
  default_fields(isvc(), v);
  EXPECT_EQ(json::dump(v),
            R"({"spec":{"predictor":{"containers":[{"name":"a","ports":[{"containerPort":80,)"
            R"("protocol":"TCP"}]}]}}})");
}

TEST(Defaults, SecretsTakeTheirTextAndServicesTheirTargetPort) {
  json::Value s = js("{'stringData': {'a': 'xyz'}}");
  default_fields(test_kind("v1", "Secret"), s);
  EXPECT_EQ(json::dump(s), R"({"data":{"a":"eHl6"},"type":"Opaque"})");
  json::Value v = js("{'spec': {'ports': [{'port': 80}]}}");
  default_fields(test_kind("v1", "Service"), v);
  EXPECT_EQ(v["spec"]["ports"][0]["targetPort"].integer(), 80);
  EXPECT_EQ(v["spec"]["type"].str(), "ClusterIP");
}

TEST(Validate, CustomResourcesAreRefusedInKubernetesWords) {
  EXPECT_EQ(
      errors(isvc(), js("{'spec': {'predictor': {'minReplicas': 'two'}}}")),
      (Texts{R"(spec.predictor.minReplicas: Invalid value: "string": spec.predictor.minReplicas in)"
             R"( body must be of type integer: "string")"}));
  EXPECT_EQ(errors(isvc(), js("{'spec': {}}")), (Texts{"spec.predictor: Required value"}));
  EXPECT_EQ(
      errors(isvc(), js("{'spec': {'predictor': {'scaleMetric': 'x'}}}")),
      (Texts{
          R"(spec.predictor.scaleMetric: Unsupported value: "x": supported values: "cpu", "memory",)"
          R"( "concurrency", "rps")"}));
  EXPECT_EQ(
      errors(isvc(), js("{'spec': {'predictor': {'canaryTrafficPercent': 101}}}")),
      (Texts{"spec.predictor.canaryTrafficPercent: Invalid value: 101: "
             "spec.predictor.canaryTrafficPercent in body should be less than or equal to 100"}));
  EXPECT_EQ(errors(isvc(), js("{'spec': {'predictor': {'name': 'A', 'model': {'modelFormat': "
                              "{'name': 'sklearn'}}}}}"))
                .size(),
            1u);
}

TEST(Validate, TheTutorialsInferenceServiceIsFine) {
  json::Value v =
      js("{'apiVersion': 'serving.kserve.io/v1beta1', 'kind': 'InferenceService', 'metadata': "
         "{'name': 'sklearn-iris'}, 'spec': {"
         "'predictor': {'minReplicas': 0, 'model': {'modelFormat': {'name': 'sklearn'}, "
         "'storageUri': 'gs://b/m',"
         "'resources': {'limits': {'cpu': '1', 'memory': '2Gi'}}}}}}");
  EXPECT_TRUE(prune(isvc(), v).empty());
  default_fields(isvc(), v);
  EXPECT_EQ(errors(isvc(), v), Texts());
  EXPECT_TRUE(validate_metadata(isvc(), v).empty());
}

TEST(Validate, BuiltInKindsNeedTheirNamesButNotTheirNumbers) {
  EXPECT_EQ(errors(deployment(), js("{'spec': {'selector': {}, 'template': {'spec': {'containers': "
                                    "[{'image': 'x'}]}}}, 'status': {}}")),
            (Texts{"spec.template.spec.containers[0].name: Required value"}));
  Status wrong = check_types(deployment(), js("{'spec': {'replicas': 'x'}}"));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(
      wrong.error().message,
      R"(Deployment in version "v1" cannot be handled as a Deployment: spec.replicas: expected)"
      R"( integer, got string "x")");
}

TEST(Validate, TheWholeMessageNamesKindGroupAndObject) {
  std::vector<FieldError> list{{"FieldValueRequired", "spec.predictor", "Required value"}};
  EXPECT_EQ(invalid_message(isvc(), "x", list),
            R"(InferenceService.serving.kserve.io "x" is invalid: spec.predictor: Required value)");
  EXPECT_EQ(invalid_status(isvc(), "x", list)["code"].integer(), 422);
}

TEST(Validate, MetadataOfEveryKind) {
  auto first = [&](const KindDef& kind, std::string text) {
    auto all = validate_metadata(kind, js(std::move(text)));
    return all.empty() ? std::string() : all[0].field;
  };
  EXPECT_EQ(first(isvc(), "{'metadata': {'name': 'Upper'}}"), "metadata.name");
  EXPECT_EQ(first(isvc(), "{'metadata': {}}"), "metadata.name");
  EXPECT_EQ(first(isvc(), "{'metadata': {'generateName': 'load-test'}}"), "");
  EXPECT_EQ(first(isvc(), "{'metadata': {'name': 'a', 'labels': {'a b': 'c'}}}"),
            "metadata.labels");
  EXPECT_EQ(first(isvc(), "{'metadata': {'name': 'a', 'labels': {'a.b/c': '-'}}}"),
            "metadata.labels");
  EXPECT_EQ(first(test_kind("v1", "Namespace"), "{'metadata': {'name': 'a.b'}}"), "metadata.name");
  EXPECT_EQ(first(test_kind("v1", "Namespace"), "{'metadata': {'name': 'a', 'namespace': 'b'}}"),
            "metadata.namespace");
}

TEST(Pattern, PerlClassesAndGroupsAreUnderstood) {
  EXPECT_EQ(pattern_matches("^\\d+$", "12"), true);
  EXPECT_EQ(pattern_matches("^(?:a|b)+$", "abc"), false);
  EXPECT_EQ(pattern_matches("^[\\d\\.]+$", "1.2"), true);
  EXPECT_EQ(pattern_matches("(?=x)", "x"), std::nullopt);
}

}  // namespace
}  // namespace proa::api
