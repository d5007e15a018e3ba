#include "api/schema/columns.h"

#include "api/schema/computed_columns.h"
#include "api/schema/jsonpath.h"
#include "api/schema/schema_test.h"

namespace proa::api {
namespace {

const WallTime kNow = *parse_rfc3339("2026-11-01T10:10:00Z");

std::string cells(const KindDef& kind, std::string text) {
  return json::dump(table_row(kind, js(std::move(text)), IncludeObject::kNone, kNow)["cells"]);
}

TEST(Columns, EveryOneInTheTablesCanBeComputed) {
  for (const KindRef& def : test_catalog().all())
    for (const Column& c : def->columns) {
      if (c.path.starts_with("=")) {
        EXPECT_TRUE(computed_cell(c.path.substr(1), json::Value(), kNow))
            << def->kind.kind << " " << c.path;
      } else {
        EXPECT_TRUE(JsonPath::parse(c.path).ok()) << def->kind.kind << " " << c.path;
      }
    }
}

TEST(Columns, ShowAnInferenceServiceAsTheTutorialDoes) {
  EXPECT_EQ(
      cells(test_kind("serving.kserve.io/v1beta1", "InferenceService"),
            "{'metadata': {'name': 'sklearn-iris', 'creationTimestamp': '2026-11-01T10:00:00Z'}, "
            "'status': {'url': 'http://sklearn-iris.kserve-test.example.com',"
            "'conditions': [{'type': 'Ready', 'status': 'True'}], 'components': {'predictor': "
            "{'traffic': [{'latestRevision': true, 'percent': 100,"
            "'revisionName': 'sklearn-iris-predictor-00001'}]}}}}"),
      R"(["sklearn-iris","http://sklearn-iris.kserve-test.example.com","True",null,100,null,)"
      R"("sklearn-iris-predictor-00001","10m"])");
}

TEST(Columns, ShowTheFirstOfSeveralMatchesAsApiServersDo) {
  EXPECT_EQ(
      cells(test_kind("serving.kserve.io/v1alpha1", "ServingRuntime"),
            "{'metadata': {'name': 'r', 'creationTimestamp': '2026-11-01T10:00:00Z'}, 'spec': "
            "{'supportedModelFormats': [{'name': 'sklearn'}, {'name': 'xgboost'}], "
            "'containers': [{'name': 'kserve-container'}, {'name': 'other'}]}}"),
      R"(["r",null,"sklearn","kserve-container","10m"])");
}

TEST(Columns, ShowARevisionByItsLabels) {
  EXPECT_EQ(cells(test_kind("serving.knative.dev/v1", "Revision"),
                  "{'metadata': {'name': 'r', 'labels': {'serving.knative.dev/configuration': 'c', "
                  "'serving.knative.dev/configurationGeneration': '1'}},"
                  "'status': {'actualReplicas': 0, 'desiredReplicas': 0}}"),
            R"(["r","c","1",null,null,0,0])");
}

TEST(Columns, ShowDeploymentsServicesAndJobs) {
  EXPECT_EQ(cells(test_kind("apps/v1", "Deployment"),
                  "{'metadata': {'name': 'd', 'creationTimestamp': '2026-11-01T10:09:30Z'}, "
                  "'spec': {'replicas': 2, 'selector': {'matchLabels': {'a': 'b'}},"
                  "'template': {'spec': {'containers': [{'name': 'x', 'image': 'i'}]}}}, 'status': "
                  "{'readyReplicas': 1, 'updatedReplicas': 2}}"),
            R"(["d","1/2",2,0,"30s","x","i","a=b"])");
  EXPECT_EQ(
      cells(test_kind("v1", "Service"),
            "{'metadata': {'name': 's'}, 'spec': {'type': 'ClusterIP', 'clusterIP': '127.96.0.1', "
            "'ports': [{'port': 80}, {'port': 443, 'protocol': 'TCP', 'nodePort': 30000}]}}"),
      R"(["s","ClusterIP","127.96.0.1","<none>","80/TCP,443:30000/TCP","<unknown>","<none>"])");
  EXPECT_EQ(cells(test_kind("batch/v1", "Job"),
                  "{'metadata': {'name': 'j'}, 'spec': {'completions': 1}, 'status': {'succeeded': "
                  "1, 'startTime': '2026-11-01T10:00:00Z',"
                  "'completionTime': '2026-11-01T10:01:03Z', 'conditions': [{'type': 'Complete', "
                  "'status': 'True'}]}}"),
            R"(["j","Complete","1/1","63s","<unknown>","","","<none>"])");
}

std::string status_of(std::string text) {
  PodSummary s = summarize_pod(js(std::move(text)), kNow);
  return std::to_string(s.ready) + "/" + std::to_string(s.total) + " " + s.status + " " +
         s.restarts_text;
}

TEST(PodSummary, SaysWhatKubectlSays) {
  EXPECT_EQ(status_of("{'spec': {'containers': [{'name': 'a'}, {'name': 'b'}]}, 'status': "
                      "{'phase': 'Running', 'containerStatuses': ["
                      "{'name': 'a', 'ready': true, 'state': {'running': {}}}, {'name': 'b', "
                      "'ready': true, 'state': {'running': {}}}]}}"),
            "2/2 Running 0");
  EXPECT_EQ(
      status_of(
          "{'spec': {'containers': [{'name': 'a'}], 'initContainers': [{'name': "
          "'storage-initializer'}]}, 'status': {'phase': 'Pending',"
          "'initContainerStatuses': [{'name': 'storage-initializer', 'state': {'running': {}}}]}}"),
      "0/1 Init:0/1 0");
  EXPECT_EQ(status_of("{'spec': {'containers': [{'name': 'a'}], 'initContainers': [{'name': "
                      "'s'}]}, 'status': {'phase': 'Pending',"
                      "'initContainerStatuses': [{'name': 's', 'restartCount': 2, 'state': "
                      "{'waiting': {'reason': 'CrashLoopBackOff'}}}]}}"),
            "0/1 Init:CrashLoopBackOff 2");
  EXPECT_EQ(status_of("{'spec': {'containers': [{'name': 'a'}]}, 'status': {'phase': 'Running', "
                      "'containerStatuses': [{'name': 'a', 'restartCount': 3,"
                      "'state': {'waiting': {'reason': 'CrashLoopBackOff'}}, 'lastState': "
                      "{'terminated': {'finishedAt': '2026-11-01T10:09:00Z'}}}]}}"),
            "0/1 CrashLoopBackOff 3 (60s ago)");
  EXPECT_EQ(status_of("{'spec': {'containers': [{'name': 'a'}]}, 'status': {'phase': 'Succeeded', "
                      "'containerStatuses': [{'name': 'a',"
                      "'state': {'terminated': {'reason': 'Completed', 'exitCode': 0}}}]}}"),
            "0/1 Completed 0");
  EXPECT_EQ(status_of("{'metadata': {'deletionTimestamp': 'x'}, 'spec': {'containers': [{'name': "
                      "'a'}]}, 'status': {'phase': 'Running'}}"),
            "0/1 Terminating 0");
}

TEST(Age, IsWrittenAsKubectlWritesIt) {
  using std::chrono::seconds;
  for (auto [s, text] : {std::pair{5, "5s"},
                         {119, "119s"},
                         {192, "3m12s"},
                         {660, "11m"},
                         {3 * 3600, "3h"},
                         {4 * 3600 + 60, "4h1m"},
                         {47 * 3600, "47h"},
                         {52 * 3600, "2d4h"},
                         {20 * 86400, "20d"},
                         {800 * 86400, "2y70d"}})
    EXPECT_EQ(age_text(seconds(s)), text);
}

TEST(Table, HasDefinitionsRowsAndPartialObjects) {
  auto object =
      std::make_shared<json::Value>(js("{'metadata': {'name': 'c'}, 'data': {'a': 'b'}}"));
  json::Value t = table(test_kind("v1", "ConfigMap"), {object}, js("{'resourceVersion': '7'}"),
                        IncludeObject::kMetadata, kNow);
  EXPECT_EQ(t["metadata"]["resourceVersion"].str(), "7");
  EXPECT_EQ(t["columnDefinitions"][1]["name"].str(), "Data");
  EXPECT_EQ(t["rows"][0]["cells"][1].integer(), 1);
  EXPECT_EQ(t["rows"][0]["object"]["kind"].str(), "PartialObjectMetadata");
}

}  // namespace
}  // namespace proa::api
