#include "models/repository/triton.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"

namespace proa::repository {
namespace {

TEST(TritonConfig, SaysWhichFileAndWhichVersions) {
  auto c = parse_triton(R"(# a comment
name: "densenet"
platform: "onnxruntime_onnx"
max_batch_size : 0
input [
  { name: "data_0" data_type: TYPE_FP32 dims: [ 3, 224, 224 ] reshape { shape: [ 1, 3 ] } }
]
output [{ name: "fc6_1", dims: 1000 }]
instance_group [ { count: 2 kind: KIND_CPU } ]
dynamic_batching { preferred_batch_size: [ 4, 8 ] }
default_model_filename: "net.onnx"
version_policy: { specific { versions: [1, 3] } }
)");
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(c->name, "densenet");
  EXPECT_EQ(c->file, "net.onnx");
  ASSERT_TRUE(c->policy);
  EXPECT_EQ(c->policy->versions, (std::vector<std::string>{"1", "3"}));
}

TEST(TritonConfig, VersionPoliciesAreLatestAllAndSpecific) {
  EXPECT_EQ(parse_triton("version_policy { latest { num_versions: 2 } }")->policy->count, 2u);
  EXPECT_EQ(parse_triton("version_policy: { all {} }")->policy->kind, VersionPolicy::Kind::kAll);
  auto one = parse_triton("version_policy { specific { versions: 7 } }");
  EXPECT_EQ(one->policy->versions, std::vector<std::string>{"7"});
  EXPECT_FALSE(parse_triton("name: 'x'")->policy.has_value());
}

TEST(TritonConfig, WhatIsNotServedIsRefusedWithTheWayOut) {
  for (const char* text : {"backend: \"python\"", "platform: \"tensorrt_plan\"",
                           "sequence_batching { }", "model_transaction_policy { decoupled: true }",
                           "batch_input [ { kind: BATCH_ELEMENT_COUNT } ]",
                           "input [ { name: \"x\" optional: true } ]"}) {
    auto c = parse_triton(text);
    ASSERT_FALSE(c.ok()) << text;
    EXPECT_EQ(c.error().code, Code::kUnimplemented) << text;
  }
}

TEST(TritonConfig, BatchingIsReadAndWhatChangesNothingIsNamed) {
  auto c = parse_triton(R"(max_batch_size: 16
dynamic_batching { preferred_batch_size: [ 8, 4, 99 ] max_queue_delay_microseconds: 2500
                   priority_levels: 2 }
instance_group [ { count: 2 kind: KIND_GPU gpus: [ 0 ] }, { count: 1 } ]
model_warmup [ { name: "w" } ])");
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_TRUE(c->batches);
  EXPECT_EQ(c->max_batch_size, 16u);
  EXPECT_EQ(c->preferred, 4u);
  EXPECT_EQ(c->delay_seconds, 0.0025);
  EXPECT_EQ(c->instances, 3u);
  std::string all = join(c->warnings, "\n");
  for (const char* named : {"priority_levels", "KIND_GPU", "model_warmup", "99", "3 instances"})
    EXPECT_TRUE(contains(all, named)) << named;
  EXPECT_FALSE(parse_triton("no_such_field: 3").ok());
}

TEST(TritonConfig, AnEnsemblesStepsAreReadWithTheirMaps) {
  auto c = parse_triton(R"(name: "e" platform: "ensemble" max_batch_size: 4
input { name: "a" data_type: TYPE_FP32 dims: [ 2 ] }
output [ { name: "z" data_type: TYPE_STRING dims: [ -1 ] } ]
ensemble_scheduling { step [
  { model_name: "one" model_version: -1 input_map { key: "x" value: "a" }
    output_map { key: "y" value: "b" } },
  { model_name: "two" model_version: 3 input_map [ { key: "x", value: "b" } ]
    output_map { key: "y" value: "z" } output_map { key: "w" value: "v" } } ] })");
  ASSERT_TRUE(c.ok()) << c.error().message;
  ASSERT_TRUE(c->ensemble);
  EXPECT_EQ(c->ensemble->inputs[0].shape, (std::vector<int64_t>{-1, 2}));
  EXPECT_EQ(c->ensemble->outputs[0].type, inference::DataType::kBytes);
  ASSERT_EQ(c->ensemble->steps.size(), 2u);
  EXPECT_EQ(c->ensemble->steps[0].version, "");
  EXPECT_EQ(c->ensemble->steps[1].version, "3");
  EXPECT_EQ(c->ensemble->steps[1].outputs.size(), 2u);
  EXPECT_EQ(c->ensemble->steps[1].inputs[0].second, "b");
  EXPECT_FALSE(parse_triton("platform: \"ensemble\" ensemble_scheduling { }").ok());
}

TEST(TritonConfig, WhatIsNotWellFormedNamesTheLine) {
  for (const char* text : {"name: \"x", "input [", "input {", ": 3", "name:", "a { b", "x: ]"})
    EXPECT_FALSE(parse_triton(text).ok()) << text;
  auto c = parse_triton("name: \"a\"\nplatform: \"b");
  EXPECT_TRUE(contains(c.error().message, "line 2"));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "a {";
  EXPECT_FALSE(parse_triton(deep).ok());
  EXPECT_FALSE(parse_triton("default_model_filename: \"../x.onnx\"").ok());
}

}  // namespace
}  // namespace proa::repository
