#include "models/worker/options.h"

#include <gtest/gtest.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/worker/memory.h"

namespace proa::models {
namespace {

Result<ServeOptions> options(std::vector<std::string> args) {
  args.insert(args.begin(), "serve");
  std::vector<char*> argv;
  for (std::string& a : args) argv.push_back(a.data());
  return parse_serve_options(static_cast<int>(argv.size()), argv.data());
}

TEST(ServeOptions, TakesARuntimesArguments) {
  auto o = options({"--model_name=iris", "--model_dir", "/mnt/models", "--http_port=8081",
                    "--nthread=1", "--workers=4"});
  ASSERT_TRUE(o.ok()) << o.error().message;
  EXPECT_EQ(o->model_name, "iris");
  EXPECT_EQ(o->model_dir, "/mnt/models");
  EXPECT_EQ(o->http_port, 8081);
  EXPECT_EQ(o->workers, 4u);
  EXPECT_EQ(o->warnings, std::vector<std::string>{"flag --nthread has no effect"});
}

TEST(ServeOptions, NamesWhatIsWrong) {
  EXPECT_EQ(options({"--model_dri=/x"}).error().message,
            "unknown flag --model_dri; did you mean --model_dir?");
  EXPECT_EQ(options({}).error().message, "--model_dir is missing; see proa serve --help");
  for (const char* wrong : {"--http_port=70000", "--model_name=../y", "--workers=x",
                            "--enable_grpc=maybe", "--framework=nothing", "--max_latency=-1"})
    EXPECT_FALSE(options({"--model_dir=/x", wrong}).ok()) << wrong;
}

TEST(ServeOptions, BatchesAsTheAgentDoes) {
  EXPECT_EQ(options({"--model_dir=/x"})->max_batch_size, 0u);
  auto o = options({"--model_dir=/x", "--enable-batcher", "--max-latency=100"});
  ASSERT_TRUE(o.ok()) << o.error().message;
  EXPECT_EQ(o->max_batch_size, 32u);
  EXPECT_EQ(o->max_latency, std::chrono::milliseconds(100));
  EXPECT_TRUE(options({"--model_dir=/x", "--enable_batcher=false"})->batch_disabled);
}

TEST(ServeOptions, TakesMlserversCommandAndVariables) {
  auto o = options({"start", "/models"});
  ASSERT_TRUE(o.ok()) << o.error().message;
  EXPECT_EQ(o->model_dir, "/models");
  EXPECT_TRUE(o->mlserver);
  EXPECT_EQ(o->server_name, "mlserver");

  ServeOptions v;
  std::vector<std::string> variables = {
      "MLSERVER_MODEL_NAME=iris",
      "MLSERVER_MODEL_URI=/mnt/models",
      "MLSERVER_MODEL_IMPLEMENTATION=mlserver_xgboost.XGBoostModel",
      "MLSERVER_GRPC_PORT=9000",
      "MLSERVER_PARALLEL_WORKERS=0",
      "OTHER=1"};
  std::vector<char*> environment;
  for (std::string& s : variables) environment.push_back(s.data());
  environment.push_back(nullptr);
  ASSERT_TRUE(read_mlserver_variables(v, environment.data()).ok());
  EXPECT_EQ(v.model_name, "iris");
  EXPECT_EQ(v.model_dir, "/mnt/models");
  EXPECT_EQ(v.engine, "xgboost");
  EXPECT_EQ(v.grpc_port, 9000);
  EXPECT_EQ(v.warnings.size(), 1u);
}

TEST(ServeOptions, ReadsMlserversSettings) {
  std::string folder = str(testing::TempDir(), "proa-settings-", static_cast<int>(::getpid()));
  ASSERT_TRUE(make_dirs(folder).ok());
  ASSERT_TRUE(write_file(folder + "/settings.json", R"({"http_port": 8085, "debug": true})").ok());
  auto o = options({"--model_dir=" + folder, "--grpc_port=0"});
  ASSERT_TRUE(o.ok()) << o.error().message;
  EXPECT_EQ(o->http_port, 8085);
  EXPECT_EQ(o->warnings.size(), 1u);
  ASSERT_TRUE(write_file(folder + "/settings.json", "{").ok());
  EXPECT_FALSE(options({"--model_dir=" + folder}).ok());
  ASSERT_TRUE(remove_tree(folder).ok());
}

TEST(Memory, ReadsNoLimitWhereThereIsNone) {
  EXPECT_EQ(cgroup_memory_limit("0::/a/b\n", "/nonexistent"), 0u);
}

}  // namespace
}  // namespace proa::models
