#include "models/repository/ensemble.h"

#include <gtest/gtest.h>

#include <map>

#include "foundation/base/strings.h"
#include "models/repository/fake_engine.h"
#include "models/repository/repository.h"
#include "models/repository/row_tensors.h"

namespace proa::repository {
namespace {

using inference::Tensor;
using inference::TensorInfo;

// y = x + number, one FP32 a row.
class Adding : public inference::TensorModel {
 public:
  explicit Adding(float number, inference::DataType type = inference::DataType::kFp32,
                  std::vector<int64_t> shape = {-1, 1})
      : number_(number) {
    info_.inputs = {{"x", type, shape}};
    info_.outputs = {{"y", type, shape}, {"twice", type, shape}};
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

// Of rows: [n, 2] of doubles to labels, where the networks' tensors are FP32.
TEST_F(EnsembleTest, AModelOfRowsIsAStepWhoseNumbersBecomeWhatTheNextOneTakes) {
  std::atomic<int> alive{0};
  add("rows", std::make_unique<FakeModel>(-4.0, alive));
  config.inputs = {{"in", inference::DataType::kFp32, {-1, 2}}};
  config.outputs = {{"label", inference::DataType::kInt32, {-1}},
                    {"more", inference::DataType::kFp32, {-1}}};
  add("one", std::make_unique<Adding>(1, inference::DataType::kFp32, std::vector<int64_t>{-1}));
  config.steps = {{"rows", "", {{"input__0", "in"}}, {{"output__0", "label"}}},
                  {"one", "", {{"x", "label"}}, {{"y", "more"}}}};
  auto made = Ensemble::make("e", config, version_of());
  ASSERT_TRUE(made.ok()) << made.error().message;
  float values[] = {1, 2, 3, 4};
  int64_t shape[] = {2, 2};
  Tensor in{"in", inference::DataType::kFp32, shape, values, 4};
  size_t wanted[] = {0, 1};
  Tensor out[2];
  inference::Workspace work;
  Status s = (*made)->tensors()->infer({&in, 1}, wanted, work, out);
  ASSERT_TRUE(s.ok()) << s.error().message;
  EXPECT_EQ(out[0].type, inference::DataType::kInt32);
  EXPECT_EQ(static_cast<const int32_t*>(out[0].data)[0], 0);
  EXPECT_EQ(static_cast<const int32_t*>(out[0].data)[1], 1);
  EXPECT_EQ(static_cast<const float*>(out[1].data)[1], 2);
  config.steps[0].outputs[0].first = "nothing";
  EXPECT_TRUE(contains(refusal(), "no output 'nothing'")) << refusal();
  config.steps[0].outputs[0].first = "output__0";
  config.outputs[0].type = inference::DataType::kBytes;
  EXPECT_TRUE(contains(refusal(), "not BYTES")) << refusal();
}

TEST(ConvertedTensors, HoldTheSameNumbersOrAreRefused) {
  inference::Workspace work;
  double values[] = {-1, 2, 1e10};
  int64_t shape[] = {3};
  Tensor t{"t", inference::DataType::kFp64, shape, values, 3};
  auto longs = converted(t, inference::DataType::kInt64, work);
  ASSERT_TRUE(longs.ok());
  EXPECT_EQ(static_cast<const int64_t*>(longs->data)[2], 10'000'000'000);
  EXPECT_FALSE(converted(t, inference::DataType::kInt32, work).ok());
  EXPECT_FALSE(converted(t, inference::DataType::kUint64, work).ok());
  EXPECT_FALSE(converted(t, inference::DataType::kBytes, work).ok());
  auto back = converted(*longs, inference::DataType::kFp32, work);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(static_cast<const float*>(back->data)[0], -1);
  EXPECT_FALSE(converted(*longs, inference::DataType::kUint8, work).ok());
  values[0] = 0.5;
  EXPECT_FALSE(converted(t, inference::DataType::kInt64, work).ok());
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
