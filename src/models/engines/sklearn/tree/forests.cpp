// Decision trees and forests: one tree, or the average of many.
#include "foundation/base/strings.h"
#include "models/engines/sklearn/tree/classes.h"
#include "models/engines/sklearn/tree/makers.h"
#include "models/engines/sklearn/tree/tree_reader.h"

namespace proa::engines {
namespace {

bool is_classifier(const Attributes& a) { return a.class_name().ends_with("Classifier"); }

class ForestEstimator final : public Estimator {
 public:
  ForestEstimator(trees::Forest forest, std::vector<size_t> classes, std::vector<Labels> labels,
                  bool ensemble, bool missing)
      : forest_(std::move(forest)),
        classes_(std::move(classes)),
        labels_(std::move(labels)),
        ensemble_(ensemble),
        missing_(missing) {}

  bool has(Method m) const override {
    if (m == Method::kPredict || m == Method::kApply) return true;
    return !labels_.empty() && (m == Method::kPredictProba || m == Method::kPredictLogProba);
  }

  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    bool missing = missing_ && in.form != Table::Form::kSparse;
    TRY(const double* rows,
        float_input(in, *this, work, missing ? Missing::kNanAllowed : Missing::kRefused));
    out = {};
    if (method == Method::kApply) return apply(rows, in.rows, work, out);
    std::span<double> values = work.take<double>(in.rows * forest_.outputs());
    forest_.predict(rows, in.rows, values.data(), work);
    if (labels_.empty()) {
      out.first = classes_.size() == 1
                      ? inference::vector_of(values)
                      : inference::matrix_of(values.data(), in.rows, classes_.size());
      return {};
    }
    if (method == Method::kPredict) return classify(values, in.rows, work, out);
    if (method == Method::kPredictLogProba) logarithms(values);
    return probabilities(values, in.rows, work, out);
  }

  const Labels* labels() const override { return labels_.size() == 1 ? &labels_[0] : nullptr; }

  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    auto outputs = static_cast<int64_t>(classes_.size());
    if (method == Method::kApply) {
      info.type = DataType::kInt64;
      if (ensemble_) info.shape = {static_cast<int64_t>(forest_.trees())};
    } else if (outputs > 1 && method == Method::kPredict) {
      if (!labels_.empty()) info.type = labels_[0].type;
      info.shape = {outputs};
    } else if (outputs > 1) {
      info.shape = {static_cast<int64_t>(classes_[0])};
    }
    return info;
  }

 private:
  Status apply(const double* rows, size_t n, Workspace& work, Output& out) const {
    size_t trees = forest_.trees();
    std::span<uint32_t> nodes = work.take<uint32_t>(n * trees);
    forest_.leaves(rows, n, nodes.data(), work);
    std::span<int64_t> ids = work.take<int64_t>(n * trees);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = nodes[i];
    uint8_t rank = ensemble_ ? 2 : 1;
    out.first = {DataType::kInt64, rank, {n, trees}, nullptr, ids.data(), nullptr};
    return {};
  }

  Status classify(std::span<const double> values, size_t n, Workspace& work, Output& out) const {
    size_t width = forest_.outputs(), first = 0;
    std::span<uint32_t> picked = work.take<uint32_t>(n * classes_.size());
    for (size_t k = 0; k < classes_.size(); ++k) {
      for (size_t r = 0; r < n; ++r)
        picked[k * n + r] = argmax(&values[r * width + first], classes_[k]);
      first += classes_[k];
    }
    out.first =
        labels_.size() == 1 ? labels_[0].pick(picked, work) : pick_many(labels_, picked, n, work);
    return {};
  }

  // One matrix an output.
  Status probabilities(std::span<double> values, size_t n, Workspace& work, Output& out) const {
    size_t width = forest_.outputs(), first = classes_[0];
    if (classes_.size() == 1) {
      out.first = inference::matrix_of(values.data(), n, width);
      return {};
    }
    std::span<Values> rest = work.take<Values>(classes_.size() - 1);
    for (size_t k = 0; k < classes_.size(); ++k) {
      std::span<double> part = work.take<double>(n * classes_[k]);
      first = k == 0 ? 0 : first;
      for (size_t r = 0; r < n; ++r)
        for (size_t c = 0; c < classes_[k]; ++c)
          part[r * classes_[k] + c] = values[r * width + first + c];
      (k == 0 ? out.first : rest[k - 1]) = inference::matrix_of(part.data(), n, classes_[k]);
      first += classes_[k];
    }
    out.rest = rest;
    return {};
  }

  trees::Forest forest_;
  std::vector<size_t> classes_;  // of each output; 1 for regression
  std::vector<Labels> labels_;   // of each output; empty for regression
  bool ensemble_, missing_;
};

// Whether predict takes NaN: by the release that wrote the file, and the settings it asks about.
bool takes_missing(const Attributes& a, Maker& maker, const TreeData& tree, bool ensemble) {
  if (tree.missing_left.empty()) return false;
  bool known = maker.release() != Maker::Release{};
  if (a.has("monotonic_cst") && known && maker.release() < Maker::Release{1, 9}) return false;
  auto criterion = a.text({"criterion"});
  if (criterion.ok() && *criterion == "absolute_error" && known &&
      maker.release() < Maker::Release{1, 8})
    return false;
  auto splitter = a.text({"splitter"});
  bool random = a.class_name().starts_with("Extra") || (splitter.ok() && *splitter == "random");
  Maker::Release since{1, random ? 6 : ensemble ? 4 : 3};
  return !known || maker.release() >= since;
}

// Release 0.20 answers classes of many outputs as float64 whatever they are.
void as_floats(Labels& l) {
  if (l.type == DataType::kBytes) return;
  for (int64_t v : l.integers) l.numbers.push_back(static_cast<double>(v));
  l.integers.clear();
  l.type = DataType::kFp64;
}

Result<std::unique_ptr<Estimator>> assemble(const Attributes& a, Maker& maker,
                                            std::vector<TreeData> all, bool ensemble) {
  trees::Spec spec;
  spec.features = all[0].features;
  spec.float_input = true;
  spec.outputs = spec.width = all[0].width();
  if (ensemble) spec.divisor = static_cast<double>(all.size());
  std::vector<Labels> labels;
  if (is_classifier(a)) {
    TRY(labels, a.label_sets("classes_"));
    bool fit = labels.size() == all[0].classes.size() && same_kind(labels);
    for (size_t k = 0; fit && k < labels.size(); ++k) fit = labels[k].size() == all[0].classes[k];
    if (!fit) return a.wrong("classes_ and the trees do not agree");
    if (labels.size() > 1 && maker.release() == Maker::Release{0, 20})
      for (Labels& l : labels) as_floats(l);
  } else if (all[0].stride != 1) {
    return a.wrong("a regressor's tree has classes");
  }
  TRY_STATUS(check_features(a, spec.features));
  bool missing = takes_missing(a, maker, all[0], ensemble);
  std::vector<size_t> classes = all[0].classes;
  for (TreeData& t : all) {
    if (t.features != spec.features || t.classes != classes)
      return a.wrong("its trees are not of one kind");
    TRY_STATUS(add_tree(t, t.node_values(!labels.empty()), 0, nullptr, spec));
    t = {};
  }
  TRY(trees::Forest forest, trees::Forest::make(std::move(spec)).context(a.class_name()));
  auto made = std::make_unique<ForestEstimator>(std::move(forest), std::move(classes),
                                                std::move(labels), ensemble, missing);
  return std::unique_ptr<Estimator>(std::move(made));
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_tree(const Attributes& a, Maker& maker) {
  std::vector<TreeData> all(1);
  TRY(all[0], read_tree(a));
  return assemble(a, maker, std::move(all), false);
}

Result<std::unique_ptr<Estimator>> make_forest(const Attributes& a, Maker& maker) {
  TRY(std::vector<const pickle::Node*> members, a.list({"estimators_"}));
  TRY(std::vector<TreeData> all, read_trees(a, members));
  return assemble(a, maker, std::move(all), true);
}

}  // namespace proa::engines
