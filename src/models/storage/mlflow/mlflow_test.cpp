#include "models/storage/mlflow/mlflow.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "models/storage/transfer/test_server.h"

namespace proa::storage {
namespace {

using Kind = MlflowName::Kind;

TEST(MlflowName, EveryFormHasItsParts) {
  struct Case {
    const char* text;
    Kind kind;
    const char *name, *which;
  };
  for (const Case& c : {Case{"models:/iris/3", Kind::kVersion, "iris", "3"},
                        Case{"models:/iris/production", Kind::kStage, "iris", "production"},
                        Case{"models:/iris/latest", Kind::kStage, "iris", "latest"},
                        Case{"models:/my iris@champion", Kind::kAlias, "my iris", "champion"},
                        Case{"models:/m-0123abc", Kind::kLogged, "m-0123abc", ""},
                        Case{"runs:/0123abc/a/b/", Kind::kRun, "0123abc", "a/b"}}) {
    auto n = parse_mlflow(c.text);
    ASSERT_TRUE(n.ok()) << c.text << n.error().message;
    EXPECT_EQ(n->kind, c.kind) << c.text;
    EXPECT_EQ(n->name, c.name) << c.text;
    EXPECT_EQ(n->which, c.which) << c.text;
  }
  for (const char* bad :
       {"models:/", "models://host/iris/1", "models:/iris", "models:/iris/", "models:/iris/0",
        "models:/iris/1/x", "models:/iris@", "models:/@x", "models:/iris/what", "runs:/abc",
        "runs:/a'b/c", "runs:/abc/../x", "runs://a/b", "gs://b/x"})
    EXPECT_FALSE(parse_mlflow(bad).ok()) << bad;
}

TEST(MlflowName, StoresHaveTheirOwnNames) {
  EXPECT_EQ(store_uri("wasbs://c@a.blob.core.windows.net/p/q"),
            "https://a.blob.core.windows.net/c/p/q");
  EXPECT_EQ(store_uri("abfss://c@a.dfs.core.windows.net/p"), "https://a.blob.core.windows.net/c/p");
  EXPECT_EQ(store_uri("s3a://b/p"), "s3://b/p");
  EXPECT_EQ(store_uri("gs://b/p"), "gs://b/p");
}

// Answers as MLflow 3 does, as far as it is asked here.
struct MlflowTest : testing::Test {
  std::string token = "Basic dTpwOnc=";  // u:p:w
  std::string artifacts = "mlflow-artifacts:/1/run/artifacts/model";
  std::vector<std::string> asked;
  TestServer server{[this](const Asked& a) { return answer(a); }};
  SourceOptions options;
  std::string other_uri;

  static Answer said(std::string body, int status = 200) {
    return {status, {{"Content-Type", "application/json"}}, std::move(body)};
  }
  Answer answer(const Asked& a) {
    auto at = [&](const char* name) {
      auto it = a.query.find(name);
      return it == a.query.end() ? std::string() : it->second;
    };
    auto header = a.headers.find("authorization");
    if (!token.empty() && (header == a.headers.end() || header->second != token))
      return said("You are not authenticated.", 401);
    std::string path = replace_all(a.path, "/api/2.0/mlflow/", "");
    if (path == "model-versions/get-download-uri" && at("name") == "my iris" &&
        at("version") == "2")
      return said(str(R"({"artifact_uri": ")", artifacts, R"("})"));
    if (path == "registered-models/alias" && at("alias") == "champion")
      return said(R"({"model_version": {"name": "my iris", "version": "2", "source": "x"}})");
    if (path == "registered-models/get-latest-versions" && contains(a.body, "Production"))
      return said(R"({"model_versions": [{"version": "1"}, {"version": "2"}]})");
    if (path == "logged-models/m-1")
      return said(str(R"({"model": {"info": {"artifact_uri": ")", artifacts, R"("}}})"));
    if (path == "runs/get" && at("run_id") == "abc")
      return said(R"({"run": {"info": {"experiment_id": "1",
                      "artifact_uri": "mlflow-artifacts:/1/run/artifacts"}}})");
    if (path == "logged-models/search" && contains(a.body, "source_run_id = 'abc'"))
      return said(R"({"models": [{"info": {"name": "beside",
                      "artifact_uri": "mlflow-artifacts:/1/run/artifacts/model"}}]})");
    if (path == "/api/2.0/mlflow-artifacts/artifacts" && at("path") == "1/run/artifacts/model")
      return said(R"({"files": [{"path": "MLmodel", "is_dir": false, "file_size": 7},
                                {"path": "data", "is_dir": true}]})");
    if (path == "/api/2.0/mlflow-artifacts/artifacts" && at("path") == "1/run/artifacts/model/data")
      return said(R"({"files": [{"path": "model.skops", "is_dir": false, "file_size": 3}]})");
    if (path == "/api/2.0/mlflow-artifacts/artifacts") return said(R"({"files": []})");
    return said(R"({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such thing"})", 404);
  }
  void SetUp() override {
    options.attempts = 1;
    options.env = {{"MLFLOW_TRACKING_URI", server.url() + "/"},
                   {"MLFLOW_TRACKING_USERNAME", "u"},
                   {"MLFLOW_TRACKING_PASSWORD", "p:w"}};
  }
  Result<Resolved> resolve(const char* text) {
    Uri uri;
    uri.scheme = Scheme::kMlflow;
    uri.text = uri.shown = text;
    return resolve_mlflow(uri, options, [this](const Uri& u, const SourceOptions&) {
      other_uri = u.text;
      Resolved out;
      out.files.push_back({});
      return Result<Resolved>(std::move(out));
    });
  }
  std::string error_of(const char* text) {
    auto r = resolve(text);
    return r.ok() ? "" : r.error().message;
  }
};

TEST_F(MlflowTest, AVersionAStageAnAliasALoggedModelAndARunLeadToTheServersArtifacts) {
  for (const char* text :
       {"models:/my iris/2", "models:/my iris/Production", "models:/my iris@champion",
        "models:/m-1", "runs:/abc/model", "runs:/abc/beside"}) {
    auto r = resolve(text);
    ASSERT_TRUE(r.ok()) << text << ": " << r.error().message;
    ASSERT_EQ(r->files.size(), 2u) << text;
    EXPECT_EQ(r->files[0].path, "MLmodel");
    EXPECT_EQ(r->files[1].path, "data/model.skops");
    EXPECT_EQ(r->files[1].size, 3);
    EXPECT_EQ(r->files[1].url, str(server.url(),
                                   "/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/"
                                   "model/data/model.skops"));
    EXPECT_TRUE(r->sign);
  }
}

TEST_F(MlflowTest, OtherStoresAreAskedByTheirOwnMeans) {
  artifacts = "s3://bucket/1/run/artifacts/model";
  ASSERT_TRUE(resolve("models:/my iris/2").ok());
  EXPECT_EQ(other_uri, artifacts);
  artifacts = "models:/m-1";  // of itself, for ever
  EXPECT_TRUE(contains(error_of("models:/my iris/2"), "of each other"));
}

TEST_F(MlflowTest, CredentialsAreSentAndTheirLackIsNamed) {
  token = "Bearer t";
  EXPECT_TRUE(contains(error_of("models:/my iris/2"), "not accepted"));
  options.env.erase("MLFLOW_TRACKING_USERNAME");
  EXPECT_TRUE(contains(error_of("models:/my iris/2"), "set MLFLOW_TRACKING_USERNAME"));
  options.env["MLFLOW_TRACKING_TOKEN"] = "t";
  EXPECT_EQ(error_of("models:/my iris/2"), "");
}

TEST_F(MlflowTest, WhatIsNotThereIsOneLineThatSaysSo) {
  EXPECT_TRUE(contains(error_of("models:/my iris/9"), "has no models:/my iris/9: No such thing"));
  EXPECT_TRUE(contains(error_of("models:/my iris/Staging"), "has no"));
  options.env["MLFLOW_TRACKING_URI"] = "file:///mlruns";
  EXPECT_TRUE(contains(error_of("models:/my iris/2"), "URL of a server"));
  options.env.erase("MLFLOW_TRACKING_URI");
  EXPECT_TRUE(contains(error_of("models:/my iris/2"), "MLFLOW_TRACKING_URI is not set"));
}

}  // namespace
}  // namespace proa::storage
