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
  for (const char* text :
       {"backend: \"python\"", "platform: \"pytorch_libtorch\"", "platform: \"tensorrt_plan\"",
        "platform: \"ensemble\" ensemble_scheduling { step [ { model_name: \"a\" } ] }",
        "sequence_batching { }"}) {
    auto c = parse_triton(text);
    ASSERT_FALSE(c.ok()) << text;
    EXPECT_EQ(c.error().code, Code::kUnimplemented) << text;
  }
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
