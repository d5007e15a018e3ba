#include "models/repository/ensemble.h"

#include <gtest/gtest.h>

#include <map>

#include "foundation/base/strings.h"
#include "models/repository/repository.h"

namespace proa::repository {
namespace {

using inference::Tensor;
using inference::TensorInfo;

// y = x + number, one FP32 a row.
class Adding : public inference::TensorModel {
 public:
  explicit Adding(float number, inference::DataType type = inference::DataType::kFp32)
      : number_(number) {
    info_.inputs = {{"x", type, {-1, 1}}};
    info_.outputs = {{"y", type, {-1, 1}}, {"twice", type, {-1, 1}}};
  }
  const inference::ModelInfo& info() const override { return info_; }
  Status infer(std::span<const Tensor> in, std::span<const size_t> wanted,
               inference::Workspace& work, std::span<Tensor> out) const override {
    for (size_t i = 0; i < wanted.size(); ++i) {
      auto made = work.take<float>(in[0].count);
      for (size_t j = 0; j < in[0].count; ++j)
        made[j] = (static_cast<const float*>(in[0].data)[j] + number_) * (wanted[i] == 1 ? 2 : 1);
      out[i] = in[0];
      out[i].name = info_.outputs[wanted[i]].name;
      out[i].data = made.data();
    }
    return {};
  }

 private:
  float number_;
  inference::ModelInfo info_;
};

struct EnsembleTest : testing::Test {
  std::map<std::string, std::shared_ptr<const Version>> models;
  EnsembleConfig config;

  void SetUp() override {
    add("one", std::make_unique<Adding>(1));
    add("ten", std::make_unique<Adding>(10));
    config.inputs = {{"in", inference::DataType::kFp32, {-1, 1}}};
    config.outputs = {{"out", inference::DataType::kFp32, {-1, 1}},
                      {"doubled", inference::DataType::kFp32, {-1, 1}}};
    // Out of order: the second step gives what the first takes.
    config.steps = {{"ten", "", {{"x", "between"}}, {{"y", "out"}}},
                    {"one", "", {{"x", "in"}}, {{"y", "between"}, {"twice", "doubled"}}}};
  }
  void add(const std::string& name, std::unique_ptr<const inference::Model> model) {
    auto v = std::make_shared<Version>();
    v->model = std::move(model);
    models[name] = std::move(v);
  }
  VersionOf version_of() {
    return [this](const std::string& model, const std::string& version) {
      return version.empty() && models.contains(model) ? models[model] : nullptr;
    };
  }
  std::string refusal() {
    auto made = Ensemble::make("e", config, version_of());
    return made.ok() ? "" : made.error().message;
  }
};

TEST_F(EnsembleTest, StepsRunInTheOrderThatTheirTensorsAsk) {
  auto made = Ensemble::make("e", config, version_of());
  ASSERT_TRUE(made.ok()) << made.error().message;
  float values[] = {1, 2};
  int64_t shape[] = {2, 1};
  Tensor in{"in", inference::DataType::kFp32, shape, values, 2};
  size_t wanted[] = {1, 0};
  Tensor out[2];
  inference::Workspace work;
  Status s = (*made)->tensors()->infer({&in, 1}, wanted, work, out);
  ASSERT_TRUE(s.ok()) << s.error().message;
  EXPECT_EQ(out[0].name, "doubled");
  EXPECT_EQ(static_cast<const float*>(out[0].data)[1], 6);
  EXPECT_EQ(out[1].name, "out");
  EXPECT_EQ(static_cast<const float*>(out[1].data)[0], 12);
}

TEST_F(EnsembleTest, WhatDoesNotFitIsRefusedByName) {
  auto good = config;
  EXPECT_EQ(refusal(), "");
  config.steps[1].model = "none";
  EXPECT_TRUE(contains(refusal(), "model none is not loaded")) << refusal();
  config = good;
  config.steps[0].inputs[0].first = "z";
  EXPECT_TRUE(contains(refusal(), "no input 'z'")) << refusal();
  config = good;
  config.steps[0].outputs[0].first = "z";
  EXPECT_TRUE(contains(refusal(), "no output 'z'")) << refusal();
  config = good;
  config.steps[0].inputs.clear();
  EXPECT_TRUE(contains(refusal(), "not in its input_map")) << refusal();
  config = good;
  config.steps[1].outputs[0].second = "elsewhere";
  EXPECT_TRUE(contains(refusal(), "nothing gives tensor 'between'")) << refusal();
  config = good;
  config.steps[1].outputs[1].second = "out";
  EXPECT_TRUE(contains(refusal(), "'out' is given twice")) << refusal();
  config = good;
  config.outputs.push_back({"more", inference::DataType::kFp32, {-1, 1}});
  EXPECT_TRUE(contains(refusal(), "nothing gives the output 'more'")) << refusal();
  config = good;
  config.inputs.push_back({"more", inference::DataType::kFp32, {-1, 1}});
  EXPECT_TRUE(contains(refusal(), "no step takes the input 'more'")) << refusal();
  config = good;
  config.outputs[0].type = inference::DataType::kInt64;
  EXPECT_TRUE(contains(refusal(), "'out' is FP32, not INT64")) << refusal();
  config = good;
  config.steps[0].model = "e";
  EXPECT_TRUE(contains(refusal(), "has itself")) << refusal();
}

TEST_F(EnsembleTest, StepsThatWaitForEachOtherAreRefused) {
  config.steps[1].inputs[0].second = "out";
  config.inputs.clear();
  EXPECT_TRUE(contains(refusal(), "wait for each other")) << refusal();
}

TEST_F(EnsembleTest, ItKnowsWhenAModelOfItsWasLoadedAgain) {
  auto made = Ensemble::make("e", config, version_of());
  ASSERT_TRUE(made.ok());
  const auto& ensemble = static_cast<const Ensemble&>(**made);
  EXPECT_TRUE(ensemble.is_made_of(version_of()));
  add("one", std::make_unique<Adding>(2));
  EXPECT_FALSE(ensemble.is_made_of(version_of()));
  EXPECT_TRUE(ensemble.uses("ten"));
  EXPECT_FALSE(ensemble.uses("e"));
}

}  // namespace
}  // namespace proa::repository
