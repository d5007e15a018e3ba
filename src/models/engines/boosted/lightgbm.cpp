#include "models/engines/boosted/lightgbm.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/boosted/lightgbm_contrib.h"
#include "models/engines/boosted/lightgbm_file.h"
#include "models/engines/boosted/lightgbm_objective.h"
#include "models/engines/trees/forest.h"

namespace proa::engines {
namespace {

using inference::Cell;
using inference::DataType;
using inference::LoadOptions;
using inference::Method;
using inference::ModelInfo;
using inference::Output;
using inference::Table;
using inference::Workspace;

trees::Node split_node(const LightgbmTree& t, size_t i, size_t first_set) {
  auto index = [&](int32_t child) {
    return static_cast<uint32_t>(child >= 0 ? static_cast<size_t>(child)
                                            : t.leaves - 1 + static_cast<size_t>(~child));
  };
  trees::Node n;
  n.feature = static_cast<int32_t>(t.feature[i]);
  n.left = index(t.left[i]);
  n.right = index(t.right[i]);
  n.nan = t.default_left(i) ? trees::Missing::kLeft : trees::Missing::kRight;
  if (t.categorical(i)) {
    n.set = static_cast<int32_t>(first_set + static_cast<size_t>(t.threshold[i]));
    n.nan = trees::Missing::kRight;
    return n;
  }
  n.threshold = t.threshold[i];
  if (t.missing(i) == LightgbmTree::MissingType::kNone) n.nan = trees::Missing::kZero;
  n.zero_is_missing = t.missing(i) == LightgbmTree::MissingType::kZero;
  return n;
}

void add_tree(const LightgbmTree& t, uint32_t output, trees::Spec& spec) {
  trees::Tree made;
  made.output = output;
  size_t first_set = spec.sets.size();
  for (size_t s = 0; s + 1 < t.boundaries.size(); ++s)
    spec.sets.emplace_back(t.bits.begin() + t.boundaries[s], t.bits.begin() + t.boundaries[s + 1]);
  for (size_t i = 0; i + 1 < t.leaves; ++i) made.nodes.push_back(split_node(t, i, first_set));
  for (size_t i = 0; i < t.leaves; ++i) {
    trees::Node n;
    n.value = static_cast<uint32_t>(spec.values.size());
    spec.values.push_back(t.leaf_value[i]);
    if (t.linear) {
      trees::Linear l{t.leaf_constant[i], {}, {}};
      for (uint32_t k = t.term_starts[i]; k < t.term_starts[i + 1]; ++k) {
        l.features.push_back(t.terms[k].feature);
        l.coefficients.push_back(t.terms[k].coefficient);
      }
      n.linear = static_cast<int32_t>(spec.linear.size());
      spec.linear.push_back(std::move(l));
    }
    made.nodes.push_back(n);
  }
  spec.trees.push_back(std::move(made));
}

Result<trees::Forest> make_forest(const LightgbmFile& file) {
  trees::Spec spec;
  spec.features = file.features;
  spec.outputs = file.per_iteration;
  for (size_t t = 0; t < file.trees.size(); ++t)
    add_tree(file.trees[t], static_cast<uint32_t>(t % file.per_iteration), spec);
  return trees::Forest::make(std::move(spec));
}

ModelInfo describe(const LightgbmFile& file, const LightgbmObjective& objective) {
  ModelInfo info;
  info.engine = info.platform = "lightgbm";
  info.type = str("lightgbm.Booster(",
                  objective.name().empty() ? std::string("custom") : objective.name(), ")");
  info.version = file.version;
  info.features = file.features;
  info.inputs.push_back({"input-0", DataType::kFp64, {-1, static_cast<int64_t>(file.features)}});
  inference::TensorInfo out{"output-0", DataType::kFp64, {-1}};
  if (file.per_iteration > 1) out.shape.push_back(static_cast<int64_t>(file.per_iteration));
  info.outputs.push_back(std::move(out));
  info.methods = {Method::kPredict, Method::kRaw, Method::kApply};
  return info;
}

Result<double> as_number(const Cell& cell, size_t row, size_t column) {
  if (cell.kind == Cell::Kind::kNumber) return cell.number;
  if (cell.kind == Cell::Kind::kNone) return std::numeric_limits<double>::quiet_NaN();
  if (cell.kind == Cell::Kind::kText) {
    if (auto v = parse_double(trim(cell.text))) return *v;
    return error(Code::kInvalid,
                 str("could not convert string to float: '", shorten(cell.text, 60), "'"));
  }
  return error(Code::kInvalid, str("row ", row, " has no column ", column));
}

Result<const double*> dense_rows(const Table& in, size_t features, Workspace& work) {
  if (in.columns != features)
    return error(Code::kInvalid,
                 str("The number of features in data (", in.columns,
                     ") is not the same as it was in training data (", features, ")."));
  if (in.form == Table::Form::kDense) return in.dense;
  if (in.form == Table::Form::kSparse) {
    std::span<double> out = work.zeros<double>(in.rows * features);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i)
        out[r * features + in.indices[i]] = in.values[i];
    return out.data();
  }
  std::span<double> out = work.take<double>(in.rows * features);
  for (size_t i = 0; i < out.size(); ++i) {
    TRY(out[i], as_number(in.cells[i], i / features, i % features));
  }
  return out.data();
}

class LightgbmModel final : public inference::Model {
 public:
  LightgbmModel(LightgbmFile file, LightgbmObjective objective, trees::Forest forest,
                Method standard)
      : file_(std::move(file)),
        objective_(std::move(objective)),
        forest_(std::move(forest)),
        standard_(standard),
        iterations_(file_.trees.size() / file_.per_iteration),
        contributes_(lightgbm_contrib_check(file_).ok()) {
    info_ = describe(file_, objective_);
    if (contributes_)
      info_.methods.push_back(Method::kContrib);
    else
      file_.trees.clear();
    info_.memory_bytes = forest_.memory() + sizeof(*this);
    for (const LightgbmTree& t : file_.trees) info_.memory_bytes += t.leaves * 80;
  }

  const ModelInfo& info() const override { return info_; }
  size_t& file_bytes() { return info_.file_bytes; }

  Status predict(const Table& in, Method method, Workspace& work, Output& out) const override {
    if (method == Method::kDefault) method = standard_;
    if (std::find(info_.methods.begin(), info_.methods.end(), method) == info_.methods.end())
      return refuse(method);
    TRY(const double* rows, dense_rows(in, file_.features, work));
    out = {};
    if (method == Method::kApply) return leaves(rows, in.rows, work, out);
    if (method == Method::kContrib) return contributions(rows, in.rows, work, out);
    std::span<double> values = work.take<double>(in.rows * file_.per_iteration);
    forest_.predict(rows, in.rows, values.data(), work);
    if (method == Method::kPredict) {
      if (file_.average && iterations_ > 0)
        for (double& v : values) v /= static_cast<double>(iterations_);
      objective_.transform(values);
    }
    out.first = file_.per_iteration == 1
                    ? inference::vector_of(values)
                    : inference::matrix_of(values.data(), in.rows, file_.per_iteration);
    return {};
  }

 private:
  Status refuse(Method method) const {
    if (method == Method::kContrib)
      return error(Code::kUnimplemented,
                   "this LightGBM model has no contributions: they need counts in the file, and "
                   "trees that are not linear");
    return error(Code::kUnimplemented,
                 str("a LightGBM model has no method ", inference::to_string(method),
                     "; it has predict, raw, apply and contributions"));
  }

  Status leaves(const double* rows, size_t n, Workspace& work, Output& out) const {
    size_t trees = forest_.trees();
    std::span<uint32_t> nodes = work.take<uint32_t>(n * trees);
    forest_.leaves(rows, n, nodes.data(), work);
    std::span<int64_t> ids = work.take<int64_t>(n * trees);
    for (size_t i = 0; i < ids.size(); ++i)
      ids[i] = static_cast<int64_t>(nodes[i]) - first_leaf_[i % trees];
    out.first = {DataType::kInt32, 2, {n, trees}, nullptr, ids.data(), nullptr};
    return {};
  }

  Status contributions(const double* rows, size_t n, Workspace& work, Output& out) const {
    size_t width = file_.per_iteration * (file_.features + 1);
    std::span<double> values = work.take<double>(n * width);
    lightgbm_contrib(file_, rows, n, values.data(), work);
    out.first = inference::matrix_of(values.data(), n, width);
    return {};
  }

  static std::vector<int64_t> first_leaves(const LightgbmFile& file) {
    std::vector<int64_t> out;
    for (const LightgbmTree& t : file.trees) out.push_back(static_cast<int64_t>(t.leaves) - 1);
    return out;
  }

  LightgbmFile file_;
  LightgbmObjective objective_;
  trees::Forest forest_;
  Method standard_;
  size_t iterations_;
  std::vector<int64_t> first_leaf_ = first_leaves(file_);
  bool contributes_;
  ModelInfo info_;
};

class LightgbmEngine final : public inference::Engine {
 public:
  std::string_view name() const override { return "lightgbm"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::string_view kExtensions[] = {".bst", ".txt"};
    return kExtensions;
  }

  Result<std::unique_ptr<inference::Model>> load(const std::string& file,
                                                 const LoadOptions& options) const override {
    size_t most = size_t{4} << 30;
    if (options.memory_limit != 0) most = std::min(most, options.memory_limit);
    TRY(std::string text, read_file(file, most));
    return lightgbm_model(text, options).context(file);
  }

  std::vector<std::string> covers() const override {
    return {
        "text models (.txt, .bst) of releases 2 to 4", "boosting: gbdt, dart, goss, rf",
        "objectives: regression (and sqrt), regression_l1, huber, fair, quantile, mape, poisson, "
        "gamma, tweedie, binary, multiclass, multiclassova, cross_entropy, cross_entropy_lambda, "
        "lambdarank, rank_xendcg, custom",
        "splits: numerical, categorical; missing: none, zero, NaN; linear trees",
        "methods: predict, raw, apply, contributions"};
  }
};

}  // namespace

const inference::Engine& lightgbm_engine() {
  static const LightgbmEngine kEngine;
  return kEngine;
}

Result<std::unique_ptr<inference::Model>> lightgbm_model(std::string_view text,
                                                         const LoadOptions& options) {
  if (text.starts_with("\x80") || text.starts_with("ccopy_reg") || text.starts_with("clightgbm"))
    return error(Code::kUnimplemented,
                 "a pickle of a LightGBM estimator is not supported: save its booster with "
                 "model.booster_.save_model('model.txt')");
  TRY(LightgbmFile file, parse_lightgbm(text));
  TRY(LightgbmObjective objective, LightgbmObjective::parse(file.objective, file.per_iteration));
  TRY(trees::Forest forest, make_forest(file));
  Method standard = options.method == Method::kDefault ? Method::kPredict : options.method;
  // Booster.predict is what gives probabilities already.
  if (standard == Method::kPredictProba) standard = Method::kPredict;
  auto model = std::make_unique<LightgbmModel>(std::move(file), std::move(objective),
                                               std::move(forest), standard);
  model->file_bytes() = text.size();
  return std::unique_ptr<inference::Model>(std::move(model));
}

}  // namespace proa::engines
