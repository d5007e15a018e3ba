// For tests: an engine of ".fake" files. The file's text is a number to add; the model answers with
// whether the sum of a row and that number is positive. "bad" cannot be loaded.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/inference/model.h"

namespace proa::repository {

class FakeModel : public inference::Model {
 public:
  FakeModel(double bias, std::atomic<int>& alive) : bias_(bias), alive_(alive) {
    ++alive_;
    info_.engine = info_.platform = "fake";
    info_.type = "Fake";
    info_.features = 2;
    info_.inputs = {{"input-0", inference::DataType::kFp64, {-1, 2}}};
    info_.outputs = {{"output-0", inference::DataType::kInt64, {-1}}};
    info_.memory_bytes = 16;
  }
  ~FakeModel() override { --alive_; }
  const inference::ModelInfo& info() const override { return info_; }
  Status predict(const inference::Table& in, inference::Method method, inference::Workspace& work,
                 inference::Output& out) const override {
    ++calls;
    rows += in.rows;
    if (in.form != inference::Table::Form::kDense)
      return error(Code::kInvalid, "could not convert string to float");
    if (in.columns != 2)
      return error(Code::kInvalid, str("X has ", in.columns,
                                       " features, but Fake is expecting 2 "
                                       "features as input."));
    for (size_t i = 0; i < in.rows * 2; ++i)
      if (std::isnan(in.dense[i])) return error(Code::kInvalid, "Input X contains NaN.");
    if (method == inference::Method::kPredictProba) {
      auto p = work.take<double>(in.rows * 2);
      for (size_t r = 0; r < in.rows; ++r) {
        p[2 * r + 1] = sum(in, r) > 0 ? 0.75 : 0.25;
        p[2 * r] = 1 - p[2 * r + 1];
      }
      out.first = inference::matrix_of(p.data(), in.rows, 2);
      return {};
    }
    if (method != inference::Method::kDefault && method != inference::Method::kPredict)
      return error(Code::kUnimplemented, str("Fake has no ", inference::to_string(method)));
    auto labels = work.take<int64_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) labels[r] = sum(in, r) > 0;
    out.first = {inference::DataType::kInt64, 1, {in.rows}, nullptr, labels.data(), nullptr};
    return {};
  }
  mutable std::atomic<int> calls{0};
  mutable std::atomic<size_t> rows{0};

 private:
  double sum(const inference::Table& in, size_t r) const {
    return in.row(r)[0] + in.row(r)[1] + bias_;
  }
  double bias_;
  std::atomic<int>& alive_;
  inference::ModelInfo info_;
};

class FakeEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "fake"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::string_view kAll[] = {".fake"};
    return kAll;
  }
  Result<std::unique_ptr<inference::Model>> load(const std::string& file,
                                                 const inference::LoadOptions&) const override {
    TRY(std::string text, read_file(file));
    auto bias = parse_double(trim(text));
    if (!bias) return error(Code::kDataLoss, "no number");
    auto model = std::make_unique<FakeModel>(*bias, alive);
    last = model.get();
    return std::unique_ptr<inference::Model>(std::move(model));
  }
  std::vector<std::string> covers() const override { return {"Fake"}; }
  mutable std::atomic<int> alive{0};
  mutable const FakeModel* last = nullptr;
};

// A folder that is removed at the end.
class Folder {
 public:
  Folder() {
    static std::atomic<int> next{0};
    path_ = str("/tmp/proa-models-", static_cast<int>(::getpid()), "-", next++);
  }
  ~Folder() { [[maybe_unused]] auto s = remove_tree(path_); }
  std::string put(const std::string& name, std::string_view content) {
    std::string file = str(path_, "/", name);
    CHECK(make_dirs(file.substr(0, file.rfind('/'))).ok());
    CHECK(write_file(file, content).ok());
    return file;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace proa::repository
