// IsolationForest: a leaf's value is how deep a row came, and how much deeper it would have come.
#include <cmath>
#include <limits>

#include "models/engines/sklearn/tree/makers.h"
#include "models/engines/sklearn/tree/tree_reader.h"

namespace proa::engines {
namespace {

// The mean depth of an unsuccessful search in a binary tree of n rows. first: as release 0.20 has
// it.
double mean_path(double n, bool first) {
  constexpr double kEuler = 0.57721566490153286060651209008240243;
  if (n <= 1) return first ? 1 : 0;
  if (n <= 2 && !first) return 1;
  return 2 * (std::log(n - 1) + kEuler) - 2 * (n - 1) / n;
}

class IsolationForest final : public Estimator {
 public:
  IsolationForest(trees::Forest forest, double expected, double offset, double threshold,
                  Missing missing, bool guarded)
      : forest_(std::move(forest)),
        expected_(expected),
        offset_(offset),
        threshold_(threshold),
        missing_(missing),
        guarded_(guarded) {}

  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kDecisionFunction || m == Method::kScoreSamples;
  }

  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* rows, float_input(in, *this, work, missing_));
    std::span<double> scores = work.take<double>(in.rows);
    forest_.predict(rows, in.rows, scores.data(), work);
    for (double& v : scores) {
      v = -std::exp2(-(expected_ != 0 || !guarded_ ? v / expected_ : 1));
      if (method != Method::kScoreSamples) v -= offset_;
    }
    out = {};
    out.first = inference::vector_of(scores);
    if (method != Method::kPredict) return {};
    std::span<int64_t> classes = work.take<int64_t>(in.rows);
    for (size_t i = 0; i < in.rows; ++i) classes[i] = scores[i] < threshold_ ? -1 : 1;
    out.first = {DataType::kInt64, 1, {in.rows}, nullptr, classes.data(), nullptr};
    return {};
  }

  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info;
    if (method == Method::kPredict) info.type = DataType::kInt64;
    return info;
  }

 private:
  trees::Forest forest_;
  double expected_, offset_, threshold_;
  Missing missing_;
  bool guarded_;  // since 1.0: forests of one row a tree answer -0.5, not NaN
};

std::vector<double> path_lengths(const TreeData& t, bool first) {
  std::vector<double> out(t.nodes());
  std::vector<std::pair<size_t, double>> todo{{0, 1.0}};
  // A file whose nodes are no tree is refused when the forest is made; until then this is bounded.
  for (size_t seen = 0; !todo.empty() && seen < t.nodes(); ++seen) {
    auto [at, depth] = todo.back();
    todo.pop_back();
    out[at] = depth + mean_path(t.samples[at], first) - 1;
    if (t.left[at] < 0) continue;
    todo.emplace_back(static_cast<size_t>(t.left[at]), depth + 1);
    todo.emplace_back(static_cast<size_t>(t.right[at]), depth + 1);
  }
  return out;
}

Result<std::vector<std::vector<int64_t>>> read_columns(const Attributes& a, size_t trees,
                                                       size_t features) {
  TRY(std::vector<const pickle::Node*> lists, a.list({"estimators_features_"}));
  std::vector<std::vector<int64_t>> out;
  if (lists.size() != trees) return a.wrong("it has other columns than trees");
  for (const pickle::Node* node : lists) {
    if (node->kind != pickle::Kind::kArray) return a.wrong("a tree's columns are no array");
    TRY(std::vector<int64_t> columns, pickle::integers(*node->array));
    for (int64_t c : columns)
      if (c < 0 || c >= static_cast<int64_t>(features))
        return a.wrong("a tree's column is not there");
    out.push_back(std::move(columns));
  }
  return out;
}

Result<trees::Forest> read_forest(const Attributes& a, size_t features, bool first) {
  TRY(std::vector<const pickle::Node*> members, a.list({"estimators_"}));
  TRY(std::vector<TreeData> all, read_trees(a, members));
  TRY(auto columns, read_columns(a, all.size(), features));
  trees::Spec spec;
  spec.features = features;
  spec.float_input = true;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].features != columns[i].size()) return a.wrong("a tree has other columns");
    for (double n : all[i].samples)
      if (!(n >= 0 && n < 1e18)) return a.wrong("a node has a wrong number of samples");
    TRY_STATUS(add_tree(all[i], path_lengths(all[i], first), 0, &columns[i], spec));
  }
  return trees::Forest::make(std::move(spec)).context(a.class_name());
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_isolation_forest(const Attributes& a, Maker& maker) {
  TRY(int64_t features, a.integer({"n_features_in_", "n_features_"}));
  if (features < 1 || features > (1 << 24)) return a.wrong("it has a wrong number of features");
  bool first = maker.release() == Maker::Release{0, 20};
  TRY(trees::Forest forest, read_forest(a, static_cast<size_t>(features), first));
  TRY(double samples, a.number({"_max_samples", "max_samples_"}));
  TRY(double offset, a.number({"offset_"}));
  double threshold = 0;
  if (a.has("behaviour") && a.has("_threshold_")) {  // behaviour='old' of releases 0.20 and 0.21
    TRY(std::string behaviour, a.text({"behaviour"}));
    if (behaviour == "old") {
      TRY(threshold, a.number({"_threshold_", "threshold_"}));
    }
  }
  auto trees = static_cast<double>(forest.trees());
  bool guarded = maker.release() == Maker::Release{} || maker.release().major >= 1;
  bool any = maker.release() == Maker::Release{} || maker.release() >= Maker::Release{1, 6};
  auto made = std::make_unique<IsolationForest>(
      std::move(forest), trees * mean_path(samples, first), offset, threshold,
      any ? Missing::kAllowed : Missing::kRefused, guarded);
  made->features = static_cast<size_t>(features);
  return std::unique_ptr<Estimator>(std::move(made));
}

}  // namespace proa::engines
