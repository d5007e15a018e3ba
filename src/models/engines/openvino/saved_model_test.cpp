#include "models/engines/openvino/saved_model.h"

#include <gtest/gtest.h>

#include "foundation/grpc/wire.h"

namespace proa::openvino {
namespace {

using grpc::Writer;

void tensor(Writer& w, uint32_t field, std::string_view key, std::string_view name) {
  size_t entry = w.open(field);
  w.bytes(1, key);
  size_t info = w.open(2);
  w.bytes(1, name);
  w.number(2, 1);
  size_t shape = w.open(3);
  for (int64_t size : {int64_t{-1}, int64_t{4}}) {
    size_t dim = w.open(2);
    w.number(1, static_cast<uint64_t>(size));
    w.close(dim);
  }
  w.close(shape);
  w.close(info);
  w.close(entry);
}

void signature(Writer& w, std::string_view name) {
  size_t entry = w.open(5);
  w.bytes(1, name);
  size_t whole = w.open(2);
  tensor(w, 1, "features", std::string(name) + "_features:0");
  tensor(w, 2, "scores", "Partitioned:1");
  tensor(w, 2, "label", "Partitioned:0");
  w.bytes(3, "tensorflow/serving/predict");
  w.close(whole);
  w.close(entry);
}

std::string model(std::initializer_list<std::string_view> names) {
  std::string out;
  Writer w(out);
  w.number(1, 1);
  size_t graph = w.open(2);
  size_t info = w.open(1);
  w.bytes(4, "serve");
  w.close(info);
  w.bytes(2, "a graph");
  for (std::string_view name : names) signature(w, name);
  w.close(graph);
  return out;
}

TEST(SavedModel, TheDefaultSignatureComesFirstAndTensorFlowsOwnAreLeftOut) {
  auto all = read_signatures(model({"b", "__saved_model_init_op", "serving_default", "a"}));
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[0].name, "serving_default");
  EXPECT_EQ((*all)[1].name, "a");
  EXPECT_EQ((*all)[0].method, "tensorflow/serving/predict");
  ASSERT_EQ((*all)[0].outputs.size(), 2u);
  EXPECT_EQ((*all)[0].outputs[0].name, "label");
  EXPECT_EQ((*all)[0].outputs[0].tensor, "Partitioned:0");
  EXPECT_EQ((*all)[0].inputs[0].shape, (std::vector<int64_t>{-1, 4}));
  EXPECT_EQ((*all)[0].inputs[0].type, 1);
}

TEST(SavedModel, AnotherSignatureBecomesTheDefaultOfACopyThatKeepsTheGraph) {
  auto copy = with_default(model({"serving_default", "other"}), "other");
  ASSERT_TRUE(copy.ok());
  EXPECT_NE(copy->find("a graph"), std::string::npos);
  auto all = read_signatures(*copy);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ((*all)[0].name, "serving_default");
  EXPECT_EQ((*all)[0].inputs[0].tensor, "other_features:0");
}

TEST(SavedModel, PortsGetTheSignaturesNamesByTensorOrByNameOrNotAtAll) {
  auto all = read_signatures(model({"serving_default"}));
  std::vector<inference::TensorInfo> ports(2);
  ports[0].name = "Partitioned:1";
  ports[1].name = "label";
  ASSERT_TRUE(name_by_signature(ports, (*all)[0].outputs));
  EXPECT_EQ(ports[0].name, "scores");
  EXPECT_EQ(ports[1].name, "label");
  ports[0].name = "Partitioned";  // without a number: the first output
  ports[1].name = "what else";
  ASSERT_TRUE(name_by_signature(ports, (*all)[0].outputs));
  EXPECT_EQ(ports[0].name, "label");
  EXPECT_EQ(ports[1].name, "scores");
  ports[0].name = "x", ports[1].name = "y";
  EXPECT_FALSE(name_by_signature(ports, (*all)[0].outputs));
  EXPECT_EQ(ports[0].name, "x");
}

TEST(SavedModel, WhatIsCutOffIsAnError) {
  std::string whole = model({"serving_default"});
  EXPECT_FALSE(read_signatures(whole.substr(0, whole.size() - 3)).value_or({}).size() > 0);
  auto none = read_signatures("\xff\xff");
  EXPECT_TRUE(!none.ok() || none->empty());
}

}  // namespace
}  // namespace proa::openvino
