#include "models/engines/boosted/xgboost.h"

#include <array>
#include <cmath>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/boosted/rows.h"
#include "models/engines/boosted/xgboost/file.h"

namespace proa::engines {
namespace {

using boosted::XgboostFile;
using boosted::XgboostLink;
using inference::DataType;
using inference::Method;

constexpr size_t kMostPadded = 65536;  // a short row of a wider model is refused, not filled up

class XgboostModel : public inference::Model {
 public:
  XgboostModel(XgboostFile file, trees::Forest forest, size_t bytes, Method method)
      : file_(std::move(file)),
        forest_(std::move(forest)),
        linear_(file_.booster == "gblinear"),
        link_(boosted::xgboost_objective(file_.objective)->link),
        default_(method == Method::kDefault ? Method::kPredict : method) {
    describe(bytes);
  }

  const inference::ModelInfo& info() const override { return info_; }

  Status predict(const inference::Table& in, Method method, inference::Workspace& work,
                 inference::Output& out) const override {
    if (method == Method::kDefault) method = default_;
    TRY_STATUS(has(method));
    TRY(const double* rows, boosted::number_rows(in, file_.features, file_.feature_names, work,
                                                 file_.features <= kMostPadded));
    TRY_STATUS(check_finite(rows, in.rows));
    out = {};
    if (method == Method::kApply) return leaves(rows, in.rows, work, out);
    size_t groups = file_.groups;
    double* m = work.take<double>(in.rows * groups).data();
    linear_ ? linear_margins(rows, in.rows, m) : forest_.predict(rows, in.rows, m, work);
    if (method == Method::kPredictProba) return probabilities(m, in.rows, work, out);
    size_t width = method == Method::kRaw ? groups : boosted::apply_link(link_, m, in.rows, groups);
    out.first = width == 1 ? inference::vector_of({m, in.rows}, DataType::kFp32)
                           : inference::matrix_of(m, in.rows, width, DataType::kFp32);
    return {};
  }

 private:
  void describe(size_t bytes) {
    info_.engine = info_.platform = "xgboost";
    info_.type = str(file_.booster, ", ", file_.objective);
    info_.version = file_.version;
    info_.features = file_.features;
    info_.file_bytes = bytes;
    info_.memory_bytes = forest_.memory() + file_.weights.size() * 4;
    info_.classes = classes();
    info_.methods = {Method::kPredict, Method::kRaw};
    if (link_ == XgboostLink::kSigmoid || link_ == XgboostLink::kSoftmax ||
        link_ == XgboostLink::kArgmax)
      info_.methods.push_back(Method::kPredictProba);
    if (!linear_) info_.methods.push_back(Method::kApply);
    auto features = static_cast<int64_t>(file_.features);
    info_.inputs = {{"input-0", DataType::kFp32, {-1, features}}};
    info_.outputs = {{"output-0", DataType::kFp32, {-1}}};
    if (file_.groups > 1 && link_ != XgboostLink::kArgmax)
      info_.outputs[0].shape.push_back(static_cast<int64_t>(file_.groups));
  }

  // XGBClassifier tells labels from classes by num_class, which is 0 or 1 for labels.
  inference::Classes classes() const {
    using inference::Classes;
    if (!file_.classifier) return Classes::kNone;
    if (link_ == XgboostLink::kArgmax) return Classes::kNumber;
    if (file_.groups == 1) return Classes::kAboveHalf;
    return link_ == XgboostLink::kSoftmax && file_.groups > 2 ? Classes::kLargest
                                                              : Classes::kEachAboveHalf;
  }

  Status has(Method method) const {
    for (Method m : info_.methods)
      if (m == method) return {};
    return error(Code::kUnimplemented, str("an XGBoost model of ", file_.booster, " and ",
                                           file_.objective, " has no ", to_string(method)));
  }

  // XGBoost refuses infinity where it is not the missing value, after rounding to float.
  Status check_finite(const double* rows, size_t n) const {
    constexpr double most = 3.4028235677973366e38;  // from here on a float is infinite
    size_t count = n * file_.features;
    bool bad = false;
    for (size_t i = 0; i < count; ++i) bad |= std::abs(rows[i]) >= most;
    if (!bad) return {};
    for (size_t i = 0;; ++i) {
      if (std::abs(rows[i]) < most || std::isnan(rows[i])) continue;
      return error(Code::kInvalid, str("row ", i / file_.features, ", column ", i % file_.features,
                                       ": infinite, or too large for float32"));
    }
  }

  void linear_margins(const double* rows, size_t n, double* out) const {
    size_t f = file_.features, g = file_.groups;
    for (size_t r = 0; r < n; ++r) {
      for (size_t k = 0; k < g; ++k) {
        float sum = file_.weights[f * g + k] + static_cast<float>(file_.base[k]);
        for (size_t c = 0; c < f; ++c) {
          auto x = static_cast<float>(rows[r * f + c]);
          if (!std::isnan(x)) sum += x * file_.weights[c * g + k];
        }
        out[r * g + k] = sum;
      }
    }
  }

  Status leaves(const double* rows, size_t n, inference::Workspace& work,
                inference::Output& out) const {
    size_t trees = forest_.trees();
    auto ids = work.take<uint32_t>(n * trees);
    forest_.leaves(rows, n, ids.data(), work);
    auto wide = work.take<int64_t>(n * trees);
    for (size_t i = 0; i < ids.size(); ++i) wide[i] = ids[i];
    out.first = {DataType::kInt32, 2, {n, trees}, nullptr, wide.data(), nullptr};
    return {};
  }

  // As XGBClassifier.predict_proba: two columns for a binary model.
  Status probabilities(double* m, size_t n, inference::Workspace& work,
                       inference::Output& out) const {
    size_t groups = file_.groups;
    if (link_ == XgboostLink::kSigmoid && groups == 1) {
      boosted::apply_link(link_, m, n, 1);
      double* both = work.take<double>(n * 2).data();
      for (size_t r = 0; r < n; ++r) {
        both[r * 2] = 1.0f - static_cast<float>(m[r]);
        both[r * 2 + 1] = m[r];
      }
      out.first = inference::matrix_of(both, n, 2, DataType::kFp32);
      return {};
    }
    bool sigmoid = link_ == XgboostLink::kSigmoid;
    boosted::apply_link(sigmoid ? link_ : XgboostLink::kSoftmax, m, n, groups);
    out.first = inference::matrix_of(m, n, groups, DataType::kFp32);
    return {};
  }

  XgboostFile file_;  // less its trees
  trees::Forest forest_;
  bool linear_;
  XgboostLink link_;
  Method default_;
  inference::ModelInfo info_;
};

class XgboostEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "xgboost"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::array<std::string_view, 5> all = {".bst", ".json", ".ubj", ".model",
                                                            ".xgb"};
    return all;
  }
  Result<std::unique_ptr<inference::Model>> load(
      const std::string& file, const inference::LoadOptions& options) const override {
    size_t most = size_t{4} << 30;
    if (options.memory_limit != 0) most = std::min(most, options.memory_limit);
    TRY(std::string bytes, read_file(file, most));
    return read_xgboost(bytes, options).context(file);
  }
  std::vector<std::string> covers() const override {
    std::vector<std::string> out = {
        "xgboost: .json, .ubj and the old binary (.bst, .model), releases 0.80 and later",
        "xgboost: boosters gbtree, dart, gblinear; categorical splits; several outputs"};
    for (const auto& o : boosted::xgboost_objectives()) out.push_back(str("xgboost: ", o.name));
    return out;
  }
};

// JSON begins with a brace and then a quote or white space; UBJSON with a brace and a length.
Result<XgboostFile> read_any(std::string_view bytes) {
  size_t at = bytes.find_first_not_of(" \t\r\n");
  if (at == bytes.npos) return error(Code::kDataLoss, "the file is empty");
  if (bytes[at] == '{') {
    size_t next = bytes.find_first_not_of(" \t\r\n", at + 1);
    bool text = next != bytes.npos && (bytes[next] == '"' || bytes[next] == '}');
    return boosted::read_xgboost_document(bytes, !text);
  }
  if (bytes[0] == '\x80' && bytes.size() > 1 && bytes[1] >= 2 && bytes[1] <= 5)
    return error(Code::kUnimplemented,
                 "this is a Python pickle: save the model with Booster.save_model(\"model.ubj\")");
  if (bytes.starts_with("bs64"))
    return error(Code::kUnimplemented,
                 "base64 models of XGBoost 0.x are not supported: load and "
                 "save it again as model.bst");
  return boosted::read_xgboost_binary(bytes);
}

}  // namespace

const inference::Engine& xgboost_engine() {
  static const XgboostEngine engine;
  return engine;
}

Result<std::unique_ptr<inference::Model>> read_xgboost(std::string_view bytes,
                                                       const inference::LoadOptions& options) {
  TRY(XgboostFile file, read_any(bytes));
  TRY(trees::Forest forest, trees::Forest::make(std::move(file.forest)));
  file.forest = {};
  std::unique_ptr<inference::Model> model = std::make_unique<XgboostModel>(
      std::move(file), std::move(forest), bytes.size(), options.method);
  return model;
}

}  // namespace proa::engines
