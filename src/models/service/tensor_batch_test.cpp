#include "models/service/tensor_batch.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "models/protocols/tensor/write.h"
#include "models/repository/fake_engine.h"
#include "models/service/model_service.h"

namespace proa::service {
namespace {

using inference::DataType;
using inference::Tensor;

// y = x + 1 for [-1, 2] of FP32; says in `log` how many rows each call had, and fails for a NaN.
class Adding : public inference::TensorModel {
 public:
  explicit Adding(std::string& log) : log_(log) {
    info_.type = "Adding";
    info_.inputs = {{"x", DataType::kFp32, {-1, 2}}};
    info_.outputs = {{"y", DataType::kFp32, {-1, 2}}};
  }
  const inference::ModelInfo& info() const override { return info_; }
  Status infer(Tensors in, std::span<const size_t> wanted, inference::Workspace& work,
               std::span<Tensor> out) const override {
    log_ += str(in[0].shape[0], " ");
    auto made = work.take<float>(in[0].count + 1);
    const auto* x = static_cast<const float*>(in[0].data);
    for (size_t i = 0; i < in[0].count; ++i) {
      if (x[i] != x[i]) return error(Code::kInvalid, "a NaN");
      made[i] = x[i] + 1;
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      out[i] = in[0];
      out[i].name = "y";
      out[i].data = made.data();
    }
    return {};
  }

 private:
  std::string& log_;
  inference::ModelInfo info_;
};

class Engine : public inference::Engine {
 public:
  std::string_view name() const override { return "adding"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::string_view kAll[] = {".onnx"};
    return kAll;
  }
  Result<std::unique_ptr<inference::Model>> load(const std::string&,
                                                 const inference::LoadOptions&) const override {
    return std::unique_ptr<inference::Model>(std::make_unique<Adding>(calls));
  }
  std::vector<std::string> covers() const override { return {}; }
  mutable std::string calls;
};

struct Asked : protocols::Call {
  Asked(std::string text, std::string& log) : body(std::move(text)), answers(log) {
    request.model = "m";
    request.body = body;
  }
  void done(Status s) override {
    if (s.ok())
      protocols::append_tensor_predictions(response.tensors, answers);
    else
      answers += s.error().message;
    answers += ';';
  }
  std::string body;
  std::string& answers;
};

struct TensorBatch : testing::Test {
  FakeClock clock;
  async::Loop loop{clock};
  repository::Folder folder;
  Engine engine;
  const inference::Engine* engines[1] = {&engine};
  metrics::Registry registry;
  std::unique_ptr<repository::Repository> repository;
  std::unique_ptr<ModelService> service;
  std::string answers;

  void open(std::string_view batching, ServiceOptions options = {}) {
    folder.put("m/1/model.onnx", "");
    folder.put("m/config.pbtxt", batching);
    repository = std::make_unique<repository::Repository>(
        repository::Options{folder.path(), "model", false, {}, {}, "", true}, engines, registry);
    ASSERT_TRUE(repository->load_all().ok());
    service = std::make_unique<ModelService>(loop, *repository, options);
  }
  void ask(std::string_view rows) {
    service->infer_later(std::make_unique<Asked>(str("{\"instances\": ", rows, "}"), answers));
  }
};

TEST_F(TensorBatch, RowsOfSeveralRequestsGoInOneCallAndComeBackToEach) {
  open("max_batch_size: 4 dynamic_batching { max_queue_delay_microseconds: 1000000 }");
  EXPECT_TRUE(service->defers("m", ""));
  ask("[[1, 2]]");
  ask("[[3, 4], [5, 6]]");
  EXPECT_EQ(answers, "");
  ask("[[7, 8]]");
  EXPECT_EQ(engine.calls, "4 ");
  EXPECT_EQ(answers, "[[2.0, 3.0]];[[4.0, 5.0], [6.0, 7.0]];[[8.0, 9.0]];");
}

TEST_F(TensorBatch, ABatchIsNeverLargerThanTheModelsMostAndGoesAtThePreferredSize) {
  open(
      "max_batch_size: 4 dynamic_batching { preferred_batch_size: [ 3 ] "
      "max_queue_delay_microseconds: 1000000 }");
  ask("[[1, 1], [1, 1]]");
  ask("[[1, 1], [1, 1], [1, 1]]");
  EXPECT_EQ(engine.calls, "2 3 ");
  answers.clear();
  ask("[[1, 1], [1, 1], [1, 1], [1, 1], [1, 1]]");
  EXPECT_EQ(answers, "inference request batch-size must be <= 4 for 'm';");
}

TEST_F(TensorBatch, ABadRequestHarmsNoOther) {
  open("max_batch_size: 2 dynamic_batching { max_queue_delay_microseconds: 1000000 }");
  ask("[[1, 2]]");
  ask("[[NaN, 2]]");
  EXPECT_EQ(engine.calls, "2 1 1 ");
  EXPECT_EQ(answers, "[[2.0, 3.0]];a NaN;");
}

TEST_F(TensorBatch, WithoutDynamicBatchingNothingIsJoined) {
  open("max_batch_size: 8");
  EXPECT_FALSE(service->defers("m", ""));
  EXPECT_TRUE(service->handling("m", "").tensors);
}

TEST_F(TensorBatch, TheServersBatcherJoinsTooWhereTheModelHasRows) {
  ServiceOptions options;
  options.batch.max_rows = 2;
  options.batch.max_latency = std::chrono::seconds(1);
  open("max_batch_size: 0", options);
  EXPECT_TRUE(service->defers("m", ""));
  ask("[[1, 2]]");
  ask("[[3, 4]]");
  EXPECT_EQ(engine.calls, "2 ");
}

TEST(JoinedTensors, ArePartedAsTheyWereAlsoTexts) {
  inference::Workspace work;
  std::string_view one[] = {"a", "b"}, two[] = {"c", "d", "e", "f"};
  int64_t small[] = {1, 2}, large[] = {2, 2};
  Tensor a{"t", DataType::kBytes, small, one, 2}, b{"t", DataType::kBytes, large, two, 4};
  ASSERT_TRUE(same_but_rows({&a, 1}, {&b, 1}));
  Tensors parts[] = {{&a, 1}, {&b, 1}};
  Tensors whole = join(parts, 3, work);
  EXPECT_EQ(inference::shape_text(whole[0].shape), "[3, 2]");
  EXPECT_EQ(rows_of(whole), 3u);
  Tensor out;
  part(whole, 1, 2, 3, work, {&out, 1});
  EXPECT_EQ(out.texts()[0], "c");
  EXPECT_EQ(out.count, 4u);
  int64_t other[] = {1, 3};
  Tensor c{"t", DataType::kBytes, other, two, 3};
  EXPECT_FALSE(same_but_rows({&a, 1}, {&c, 1}));
  Tensor both[] = {a, b};
  EXPECT_EQ(rows_of(both), 0u);
}

}  // namespace
}  // namespace proa::service
