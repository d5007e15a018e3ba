#include "models/worker/dialects.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"

namespace proa::models {
namespace {

Result<ServeOptions> options(std::vector<std::string> args) {
  args.insert(args.begin(), "serve");
  std::vector<char*> argv;
  for (std::string& a : args) argv.push_back(a.data());
  return parse_serve_options(static_cast<int>(argv.size()), argv.data());
}

TEST(Dialects, TritonsCommandLineIsUnderstood) {
  auto o = options({"tritonserver", "--model-store=/mnt/models", "--grpc-port=9000",
                    "--http-port=8080", "--allow-grpc=true", "--allow-http=true"});
  ASSERT_TRUE(o.ok()) << o.error().message;
  EXPECT_EQ(o->model_dir, "/mnt/models");
  EXPECT_EQ(o->grpc_port, 9000);
  EXPECT_EQ(o->http_port, 8080);
  EXPECT_TRUE(o->load_at_start);
  auto some = options({"tritonserver", "--model-repository=/m", "--model-control-mode=explicit",
                       "--load-model=a", "--load-model=b"});
  ASSERT_TRUE(some.ok()) << some.error().message;
  EXPECT_FALSE(some->load_at_start);
  EXPECT_EQ(some->load_models, (std::vector<std::string>{"a", "b"}));
}

TEST(Dialects, TensorflowServingsAndOpenvinosPortsAreGrpcsAndRests) {
  auto tf = options({"--model_name=iris", "--port=9000", "--rest_api_port=8080",
                     "--model_base_path=/mnt/models", "--rest_api_timeout_in_ms=60000"});
  ASSERT_TRUE(tf.ok()) << tf.error().message;
  EXPECT_EQ(tf->grpc_port, 9000);
  EXPECT_EQ(tf->http_port, 8080);
  EXPECT_EQ(tf->model_dir, "/mnt/models");
  auto ov = options({"--framework=openvino", "--model_name=iris", "--model_path=/mnt/models",
                     "--port=9000", "--rest_port=8080", "--file_system_poll_wait_seconds=0"});
  ASSERT_TRUE(ov.ok()) << ov.error().message;
  EXPECT_EQ(ov->engine, "openvino");
  EXPECT_EQ(ov->http_port, 8080);
}

TEST(Dialects, WhatIsNotServedIsRefusedWithTheWayOut) {
  auto hub = options({"--framework=huggingface", "--model_name=x", "--unknown=1"});
  ASSERT_FALSE(hub.ok());
  EXPECT_TRUE(contains(hub.error().message, "optimum-cli")) << hub.error().message;
  auto vllm = options({"--framework=vllm", "-m", "vllm.entrypoints.openai.api_server"});
  ASSERT_FALSE(vllm.ok());
  EXPECT_TRUE(contains(vllm.error().message, "custom predictor")) << vllm.error().message;
  auto list = options({"--model_config_file=/x"});
  ASSERT_FALSE(list.ok());
  EXPECT_TRUE(contains(list.error().message, "--model_base_path")) << list.error().message;
}

TEST(Dialects, TorchservesConfigurationNamesItsModels) {
  ServeOptions o;
  ASSERT_TRUE(parse_torchserve_config(o, R"(# a comment
inference_address=http://0.0.0.0:8085
model_store=/mnt/models/model-store
load_models = all
model_snapshot={"name":"startup.cfg","modelCount":1,"models":{"mnist":{"1.0":{"defaultVersion":true, \
  "marName":"mnist.mar","minWorkers":1}}, "other": {"2.0": {"marName": "o.mar"}}}}
)")
                  .ok());
  EXPECT_EQ(o.model_dir, "/mnt/models/model-store");
  EXPECT_EQ(o.named_models, (std::vector<std::pair<std::string, std::string>>{
                                {"mnist", "mnist.mar"}, {"other", "o.mar"}}));
  ServeOptions listed;
  ASSERT_TRUE(parse_torchserve_config(listed, "load_models=a.mar,b=c.mar").ok());
  EXPECT_EQ(listed.named_models,
            (std::vector<std::pair<std::string, std::string>>{{"a", "a.mar"}, {"b", "c.mar"}}));
  ServeOptions outside;
  EXPECT_FALSE(parse_torchserve_config(outside, "load_models=a=../../etc/passwd").ok());
  EXPECT_FALSE(parse_torchserve_config(outside, "model_snapshot={").ok());
}

}  // namespace
}  // namespace proa::models
