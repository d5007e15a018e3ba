#include "models/engines/boosted/catboost.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/boosted/catboost/columns.h"
#include "models/engines/boosted/catboost/hash.h"
#include "models/engines/boosted/catboost/link.h"
#include "models/engines/boosted/rows.h"

namespace proa::engines {
namespace {

using boosted::CatboostFile;
using boosted::CatboostTask;
using inference::Cell;
using inference::DataType;
using inference::Method;
using inference::Table;

class CatboostModel : public inference::Model {
 public:
  CatboostModel(CatboostFile file, size_t bytes, Method method)
      : file_(std::move(file)),
        columns_(file_),
        task_(boosted::catboost_task(file_)),
        plain_(file_.cats.empty()),
        default_(method == Method::kDefault ? Method::kPredict : method) {
    for (size_t i = 0; i < file_.floats.size(); ++i) plain_ &= file_.floats[i].flat == i;
    info_.file_bytes = bytes;
  }

  Status prepare() {
    TRY(trees::Spec spec, columns_.spec());
    TRY(forest_, trees::Forest::make(std::move(spec)));
    file_.trees = {};
    file_.leaf_values = {};
    for (auto& t : file_.tables) std::sort(t.buckets.begin(), t.buckets.end());
    named_ = std::none_of(file_.names.begin(), file_.names.end(),
                          [](const std::string& n) { return n.empty(); });
    describe();
    return {};
  }

  const inference::ModelInfo& info() const override { return info_; }

  Status predict(const Table& in, Method method, inference::Workspace& work,
                 inference::Output& out) const override {
    if (method == Method::kDefault) method = default_;
    if (std::find(info_.methods.begin(), info_.methods.end(), method) == info_.methods.end())
      return error(Code::kUnimplemented,
                   str("a CatBoost model of ", file_.loss, " has no ", to_string(method)));
    TRY(const double* rows, forest_rows(in, work));
    out = {};
    size_t k = file_.dimension;
    double* raw = work.take<double>(in.rows * k).data();
    forest_->predict(rows, in.rows, raw, work);
    for (size_t i = 0; i < in.rows * k; ++i) raw[i] = raw[i] * file_.scale + file_.bias[i % k];
    return boosted::catboost_answer(file_, task_, method, raw, in.rows, work, out);
  }

 private:
  void describe() {
    info_.engine = info_.platform = "catboost";
    info_.type = file_.loss.empty() ? "CatBoost" : str("CatBoost, ", file_.loss);
    info_.version = file_.version;
    info_.features = file_.features;
    info_.memory_bytes = forest_->memory();
    for (const auto& t : file_.tables)
      info_.memory_bytes += t.buckets.size() * 16 + t.counts.size() * 4;
    info_.methods = {Method::kPredict, Method::kRaw};
    if (boosted::is_classifier(task_))
      info_.methods.insert(info_.methods.end(), {Method::kPredictProba, Method::kPredictLogProba});
    bool text = !file_.cats.empty();
    info_.inputs = {{"input-0",
                     text ? DataType::kBytes : DataType::kFp32,
                     {-1, static_cast<int64_t>(file_.features)}}};
    info_.outputs = {boosted::catboost_output(file_, task_)};
  }

  // The request's rows as the forest's columns.
  Result<const double*> forest_rows(const Table& in, inference::Workspace& work) const {
    std::span<const std::string> names;
    if (named_) names = file_.names;
    if (plain_ && columns_.count() == file_.features)
      return boosted::number_rows(in, file_.features, names, work);
    TRY(auto order, boosted::column_order(in, file_.features, names, work));
    double* out = work.take<double>(in.rows * columns_.count()).data();
    auto numbers = work.take<double>(file_.floats.size());
    auto hashes = work.take<int32_t>(file_.cats.size());
    auto cells = work.take<Cell>(file_.features);
    for (size_t r = 0; r < in.rows; ++r) {
      row_cells(in, r, order, cells);
      for (size_t i = 0; i < numbers.size(); ++i)
        TRY_STATUS(number(cells[file_.floats[i].flat], r, file_.floats[i].flat, numbers[i]));
      for (size_t i = 0; i < hashes.size(); ++i)
        TRY_STATUS(category(cells[file_.cats[i]], r, file_.cats[i], hashes[i]));
      columns_.fill(numbers.data(), hashes.data(), out + r * columns_.count());
    }
    return static_cast<const double*>(out);
  }

  static void row_cells(const Table& in, size_t r, std::span<const uint32_t> order,
                        std::span<Cell> out) {
    for (size_t c = 0; c < out.size(); ++c) {
      size_t from = order.empty() ? c : order[c];
      if (in.form == Table::Form::kCells) {
        out[c] = in.cells[r * in.columns + from];
        continue;
      }
      out[c] = {Cell::Kind::kNumber, 0, {}};
      if (in.form == Table::Form::kDense) out[c].number = in.row(r)[from];
      if (in.form == Table::Form::kSparse)
        for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i)
          if (in.indices[i] == from) out[c].number = in.values[i];
    }
  }

  static Status number(const Cell& cell, size_t row, size_t column, double& out) {
    if (cell.kind == Cell::Kind::kText)
      return error(Code::kInvalid,
                   str("row ", row, ", column ", column, ": \"", shorten(cell.text, 40),
                       "\" is text in a numerical feature"));
    out = cell.kind == Cell::Kind::kNumber ? cell.number : std::nan("");
    return {};
  }

  // Categories are texts; an integer is its digits.
  static Status category(const Cell& cell, size_t row, size_t column, int32_t& out) {
    if (cell.kind == Cell::Kind::kText) {
      out = boosted::category_hash(cell.text);
      return {};
    }
    if (cell.kind != Cell::Kind::kNumber || cell.number != std::floor(cell.number) ||
        std::abs(cell.number) > 9e15)
      return error(Code::kInvalid, str("row ", row, ", column ", column,
                                       ": a category must be a text or an integer"));
    std::array<char, 32> digits;
    int n =
        std::snprintf(digits.data(), digits.size(), "%lld", static_cast<long long>(cell.number));
    out = boosted::category_hash({digits.data(), static_cast<size_t>(n)});
    return {};
  }

  CatboostFile file_;  // less its trees
  boosted::CatboostColumns columns_;
  CatboostTask task_;
  bool plain_;  // the request's columns are the forest's
  bool named_ = false;
  Method default_;
  std::optional<trees::Forest> forest_;
  inference::ModelInfo info_;
};

class CatboostEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "catboost"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::array<std::string_view, 2> all = {".cbm", ".json"};
    return all;
  }
  Result<std::unique_ptr<inference::Model>> load(
      const std::string& file, const inference::LoadOptions& options) const override {
    size_t most = size_t{4} << 30;
    if (options.memory_limit != 0) most = std::min(most, options.memory_limit);
    TRY(std::string bytes, read_file(file, most));
    return read_catboost(bytes, options).context(file);
  }
  std::vector<std::string> covers() const override {
    return {"catboost: .cbm and .json; symmetric and other trees",
            "catboost: numerical and categorical features (one-hot, every CTR, combinations)",
            "catboost: regression, binary, multi-class, multi-label, ranking"};
  }
};

}  // namespace

const inference::Engine& catboost_engine() {
  static const CatboostEngine engine;
  return engine;
}

Result<std::unique_ptr<inference::Model>> read_catboost(std::string_view bytes,
                                                        const inference::LoadOptions& options) {
  bool binary = bytes.starts_with("CBM1");
  TRY(CatboostFile file,
      binary ? boosted::read_catboost_cbm(bytes) : boosted::read_catboost_json(bytes));
  auto model = std::make_unique<CatboostModel>(std::move(file), bytes.size(), options.method);
  TRY_STATUS(model->prepare());
  return std::unique_ptr<inference::Model>(std::move(model));
}

}  // namespace proa::engines
