#include "models/server/mlserver_runtime.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::models {
namespace {

// A stand-in for an interpreter: says whether it has the package by its exit code, and else what
// it was started with.
constexpr const char* kPython = R"(#!/bin/sh
case "$2" in *find_spec*) exit $HAS_MLSERVER ;; esac
echo "$1|$2|$3|$4|$MLSERVER_HOST:$MLSERVER_HTTP_PORT:$MLSERVER_GRPC_PORT"
)";

class MlserverRuntime : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/proa-mlserver-test-XXXXXX";
    folder_ = ::mkdtemp(name);
    put("python", kPython);
    ASSERT_EQ(::chmod((folder_ + "/python").c_str(), 0755), 0);
    ::setenv("PROA_PYTHON", (folder_ + "/python").c_str(), 1);
    ::setenv("HAS_MLSERVER", "0", 1);
    options_.model_dir = folder_ + "/models";
    options_.host = "127.0.0.5";
  }
  void TearDown() override {
    ::unsetenv("PROA_PYTHON");
    ::unsetenv("HAS_MLSERVER");
    ASSERT_TRUE(remove_tree(folder_).ok());
  }
  void put(const std::string& name, const std::string& text) {
    std::string path = str(folder_, "/", name);
    ASSERT_TRUE(make_dirs(path.substr(0, path.find_last_of('/'))).ok());
    ASSERT_TRUE(write_file(path, text).ok());
  }
  // What a child that becomes the interpreter prints, or "failed: " and the error.
  std::string become() {
    int pipe[2];
    if (::pipe(pipe) != 0) return "no pipe";
    pid_t child = ::fork();
    if (child == 0) {
      ::dup2(pipe[1], 1);
      Error e = become_mlserver(options_, "my.Runtime");
      ::dprintf(1, "failed: %s", e.message.c_str());
      ::_exit(0);
    }
    ::close(pipe[1]);
    std::string said;
    char buffer[4096];
    for (ssize_t n; (n = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
      said.append(buffer, static_cast<size_t>(n));
    ::close(pipe[0]);
    ::waitpid(child, nullptr, 0);
    return said;
  }

  std::string folder_;
  ServeOptions options_;
};

TEST_F(MlserverRuntime, IsFoundInAModelsFolderAndInARepositorysFolders) {
  EXPECT_EQ(*python_implementation(options_), "");
  put("models/one/model-settings.json", R"({"implementation": "mlserver_sklearn.SKLearnModel"})");
  EXPECT_EQ(*python_implementation(options_), "");
  put("models/two/model-settings.json", R"({"implementation": "my_sklearn_runtime.Mine"})");
  EXPECT_EQ(*python_implementation(options_), "my_sklearn_runtime.Mine");
  put("models/model-settings.json", R"({"implementation": "other.Runtime"})");
  EXPECT_EQ(*python_implementation(options_), "other.Runtime");
  put("models/model-settings.json", "{");
  EXPECT_FALSE(python_implementation(options_).ok());
}

TEST_F(MlserverRuntime, IsTakenFromMlserversVariables) {
  ASSERT_TRUE(set_mlserver(options_, "model_implementation", "my_xgboost.Runtime").ok());
  EXPECT_EQ(*python_implementation(options_), "my_xgboost.Runtime");
  EXPECT_EQ(options_.engine, "");
  put("models/model-settings.json", R"({"name": "m"})");
  EXPECT_EQ(*python_implementation(options_), "my_xgboost.Runtime");
}

TEST_F(MlserverRuntime, BecomesMlserverWithAddressAndPorts) {
  options_.http_port = 9080;
  options_.grpc_port = 9081;
  EXPECT_EQ(become(), str("-c|from mlserver.cli import main; main()|start|", options_.model_dir,
                          "|127.0.0.5:9080:9081\n"));
}

TEST_F(MlserverRuntime, NamesThePackageOrTheVariableThatIsMissing) {
  ::setenv("HAS_MLSERVER", "3", 1);
  EXPECT_TRUE(contains(become(), "/python has no package mlserver. python3 -m venv")) << become();
  ::setenv("HAS_MLSERVER", "1", 1);
  EXPECT_TRUE(contains(become(), "/python cannot be run")) << become();
  ::setenv("PROA_PYTHON", "/nowhere/python", 1);
  EXPECT_TRUE(contains(become(), "PROA_PYTHON=/nowhere/python cannot be run")) << become();
  ::unsetenv("PROA_PYTHON");
  EXPECT_TRUE(contains(become(), "failed: MLServer's implementation my.Runtime is Python code"));
  EXPECT_TRUE(contains(become(), "PROA_PYTHON names no interpreter")) << become();
}

TEST_F(MlserverRuntime, RefusesOnePortForRestAndGrpc) {
  options_.grpc_port = options_.http_port;
  EXPECT_TRUE(contains(become(), "a port of its own for gRPC")) << become();
}

TEST_F(MlserverRuntime, KeepsTheUsersOwnSettingsAndSetsAddressAndPortsOnly) {
  std::vector<std::string> given = {"MLSERVER_HTTP_PORT=1", "MLSERVER_METRICS_DIR=/mine",
                                    "MLSERVER_PARALLEL_WORKERS=2", "OTHER=1"};
  std::vector<char*> environment;
  for (std::string& s : given) environment.push_back(s.data());
  environment.push_back(nullptr);
  Command c = mlserver_command(options_, "python", environment.data());
  auto has = [&](const char* item) { return std::count(c.env.begin(), c.env.end(), item); };
  for (const char* item : {"MLSERVER_HTTP_PORT=8080", "MLSERVER_METRICS_DIR=/mine", "OTHER=1",
                           "MLSERVER_PARALLEL_WORKERS=2", "PYTHONDONTWRITEBYTECODE=1"})
    EXPECT_EQ(has(item), 1) << item;
  EXPECT_EQ(has("MLSERVER_HTTP_PORT=1"), 0);
  EXPECT_EQ(std::count_if(c.env.begin(), c.env.end(),
                          [](const auto& e) { return e.starts_with("MLSERVER_METRICS_DIR="); }),
            1);
}

// In a child: a filter stays. 0: programs start, 1: they do not.
int starts_programs() {
  pid_t child = ::fork();
  if (child == 0) {
    if (!forbid_programs().ok()) ::_exit(2);
    ::execl("/bin/true", "true", nullptr);
    ::_exit(errno == EPERM ? 1 : 3);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST_F(MlserverRuntime, StartsNoProgramsOnceItServesByItself) {
  EXPECT_EQ(starts_programs(), 1);
  ::unsetenv("PROA_PYTHON");
  EXPECT_EQ(starts_programs(), 0);
}

}  // namespace
}  // namespace proa::models
