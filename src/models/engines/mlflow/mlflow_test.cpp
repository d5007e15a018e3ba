#include <gtest/gtest.h>
#include <unistd.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/mlflow/mlflow_engine.h"
#include "models/engines/mlflow/signature.h"

namespace proa::engines {
namespace {

// Adds up what it is given, the first column ten times.
class Sum : public inference::Model {
 public:
  const inference::ModelInfo& info() const override { return info_; }
  Status predict(const inference::Table& in, inference::Method, inference::Workspace& work,
                 inference::Output& out) const override {
    auto y = work.take<double>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      y[r] = 9 * in.dense[r * in.columns];
      for (size_t c = 0; c < in.columns; ++c) y[r] += in.dense[r * in.columns + c];
    }
    out.first = inference::vector_of(y);
    return {};
  }

 private:
  inference::ModelInfo info_;
};

class SumEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "sklearn"; }
  std::span<const std::string_view> extensions() const override { return {}; }
  Result<std::unique_ptr<inference::Model>> load(const std::string&,
                                                 const inference::LoadOptions&) const override {
    return std::unique_ptr<inference::Model>(std::make_unique<Sum>());
  }
  std::vector<std::string> covers() const override { return {}; }
};

class Mlflow : public testing::Test {
 protected:
  Mlflow() : folder_(str("/tmp/proa-mlflow-test-", ::getpid())) {
    EXPECT_TRUE(make_dirs(folder_).ok());
    EXPECT_TRUE(write_file(folder_ + "/model.pkl", "x").ok());
  }
  ~Mlflow() override { (void)remove_tree(folder_).ok(); }
  Result<std::unique_ptr<inference::Model>> load(std::string_view text) {
    EXPECT_TRUE(write_file(folder_ + "/MLmodel", text).ok());
    return MlflowEngine(others_).load(folder_ + "/MLmodel", {});
  }
  SumEngine sum_;
  const inference::Engine* const others_[1] = {&sum_};
  std::string folder_;
};

TEST_F(Mlflow, ColumnsComeInTheSignaturesOrder) {
  auto model = load(R"(
flavors:
  python_function: {loader_module: mlflow.sklearn}
  sklearn: {pickled_model: model.pkl}
signature:
  inputs: '[{"type": "double", "name": "a", "required": true}, {"type": "long", "name": "b"}]'
  outputs: null
)");
  ASSERT_TRUE(model.ok()) << model.error().message;
  ASSERT_EQ((*model)->info().inputs.size(), 2u);
  EXPECT_EQ((*model)->info().inputs[1].type, inference::DataType::kInt64);
  double row[] = {1, 2, 3};
  std::string_view names[] = {"b", "c", "a"};
  inference::Table in;
  in.rows = 1;
  in.columns = 3;
  in.dense = row;
  in.names = names;
  inference::Workspace work;
  inference::Output out;
  ASSERT_TRUE((*model)->predict(in, inference::Method::kDefault, work, out).ok());
  EXPECT_DOUBLE_EQ(out.first.numbers[0], 31);
  in.names = std::span(names).first(2);
  in.columns = 2;
  EXPECT_FALSE((*model)->predict(in, inference::Method::kDefault, work, out).ok());
}

TEST_F(Mlflow, AFlavourThatNeedsPythonIsRefusedWithTheWayOut) {
  auto model = load("flavors: {python_function: {loader_module: my.code}}");
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, Code::kUnimplemented);
  EXPECT_TRUE(contains(model.error().message, "ONNX"));
}

TEST_F(Mlflow, AFileOutsideOfTheFolderIsRefused) {
  for (const char* path : {"../../etc/passwd", "/etc/passwd", "a/../../b"})
    EXPECT_FALSE(load(str("flavors: {sklearn: {pickled_model: ", path, "}}")).ok()) << path;
}

}  // namespace
}  // namespace proa::engines
