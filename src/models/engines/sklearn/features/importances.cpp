// coef_ and feature_importances_ of fitted estimators. Linear ones keep theirs; those of trees are
// computed of the nodes, as scikit-learn does when it is asked.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/selection.h"

namespace proa::engines {
namespace {

using Scores = std::vector<double>;

constexpr size_t kMostNodes = 50'000'000;  // a file may name the same tree again and again

Result<Scores> node_values(const Attributes& tree, const pickle::Array& nodes, const char* field) {
  TRY(pickle::Array column, nodes.field(field));
  TRY(Scores values, pickle::doubles(column));
  for (double v : values)
    if (!std::isfinite(v)) return tree.wrong(str(field, " of a node is not finite"));
  return values;
}

Scores normalized(Scores s) {
  double sum = 0;
  for (double v : s) sum += v;
  if (sum > 0)
    for (double& v : s) v /= sum;
  return s;
}

struct TreeScores {
  Scores scores;
  size_t nodes = 0;
};

// How much the splits on each feature lowered the impurity. `estimator` is a decision tree.
Result<TreeScores> of_tree(const Attributes& estimator, bool normalize) {
  TRY(Attributes tree, estimator.object({"tree_"}));
  const pickle::Node* node = tree.find("nodes");
  if (!node || node->kind != pickle::Kind::kArray || !node->array)
    return tree.wrong("nodes is no array");
  const pickle::Node* args = tree.node().args;
  if (!args || args->items.empty()) return tree.wrong("it does not say how many features it has");
  TRY(int64_t features, pickle::as_int(*args->items[0]));
  if (features < 1 || features > 10'000'000) return tree.wrong("its features are not possible");
  TRY(Scores left, node_values(tree, *node->array, "left_child"));
  TRY(Scores right, node_values(tree, *node->array, "right_child"));
  TRY(Scores feature, node_values(tree, *node->array, "feature"));
  TRY(Scores impurity, node_values(tree, *node->array, "impurity"));
  TRY(Scores weight, node_values(tree, *node->array, "weighted_n_node_samples"));
  TreeScores out{Scores(static_cast<size_t>(features), 0.0), left.size()};
  double count = static_cast<double>(left.size());
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i] < 0) continue;
    if (left[i] >= count || right[i] < 0 || right[i] >= count || feature[i] < 0 ||
        feature[i] >= static_cast<double>(features))
      return tree.wrong("a node is out of range");
    size_t l = static_cast<size_t>(left[i]), r = static_cast<size_t>(right[i]);
    out.scores[static_cast<size_t>(feature[i])] +=
        weight[i] * impurity[i] - weight[l] * impurity[l] - weight[r] * impurity[r];
  }
  if (!weight.empty() && weight[0] != 0)
    for (double& v : out.scores) v /= weight[0];
  if (normalize) out.scores = normalized(std::move(out.scores));
  return out;
}

// The mean over trees that split at all; forests' trees are normalized first, boosting's are not.
Result<Scores> of_trees(const Attributes& a, bool boosting) {
  TRY(auto trees, a.list({"estimators_"}));
  Scores sum;
  double count = 0;
  size_t visited = 0;
  for (const pickle::Node* node : trees) {
    TRY(TreeScores one, of_tree(Attributes(*node), !boosting));
    if ((visited += one.nodes) > kMostNodes) return a.wrong("its trees have too many nodes");
    if (sum.empty()) sum.assign(one.scores.size(), 0.0);
    if (sum.size() != one.scores.size()) return a.wrong("its trees differ in features");
    if (one.nodes <= 1) continue;
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += one.scores[i];
    ++count;
  }
  if (count == 0) return sum;
  for (double& v : sum) v /= count;
  return normalized(std::move(sum));
}

Result<Scores> of_ada_boost(const Attributes& a) {
  TRY(auto estimators, a.list({"estimators_"}));
  TRY(Scores weights, a.vector({"estimator_weights_"}));
  if (weights.size() < estimators.size()) return a.wrong("estimator_weights_ are too few");
  Scores sum;
  double norm = 0;
  size_t visited = 0;
  for (double w : weights) norm += w;
  for (size_t e = 0; e < estimators.size(); ++e) {
    Attributes inner(*estimators[e]);
    if (!inner.has("tree_")) return a.unsupported("selecting features by boosting of no trees");
    TRY(TreeScores tree, of_tree(inner, true));
    const Scores& one = tree.scores;
    if ((visited += tree.nodes) > kMostNodes) return a.wrong("its trees have too many nodes");
    if (sum.empty()) sum.assign(one.size(), 0.0);
    if (sum.size() != one.size()) return a.wrong("its estimators differ in features");
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += weights[e] * one[i] / norm;
  }
  return sum;
}

Result<Scores> of_coefficients(const Matrix& coef, double order) {
  Scores out(coef.columns, 0.0);
  bool infinite = std::isinf(order);
  for (size_t c = 0; c < coef.columns; ++c) {
    double s = 0;
    for (size_t r = 0; r < coef.rows; ++r) {
      double v = std::abs(coef.at(r, c));
      if (infinite)
        s = r == 0 ? v : order > 0 ? std::max(s, v) : std::min(s, v);
      else
        s += order == 1 ? v : order == 2 ? v * v : std::pow(v, order);
    }
    out[c] = infinite || order == 1 ? s : order == 2 ? std::sqrt(s) : std::pow(s, 1 / order);
  }
  return out;
}

// coef_ of an SVM with a linear kernel is no attribute, but a product.
Result<Scores> of_linear_svm(const Attributes& a, double order) {
  TRY(Matrix vectors, a.matrix({"support_vectors_"}));
  TRY(Matrix dual, a.matrix({"_dual_coef_", "dual_coef_"}));
  TRY(std::vector<int64_t> counts, a.integers({"_n_support", "n_support_"}));
  if (dual.columns != vectors.rows) return a.wrong("dual_coef_ and support_vectors_ disagree");
  size_t classes = dual.rows + 1;
  if (counts.size() != classes && dual.rows != 1) return a.wrong("n_support_ is of other classes");
  if (dual.rows == 1) counts.assign({static_cast<int64_t>(vectors.rows), 0});
  std::vector<size_t> first{0};  // vector of each class
  for (int64_t n : counts) {
    if (n < 0 || first.back() + static_cast<size_t>(n) > vectors.rows)
      return a.wrong("n_support_ is out of range");
    first.push_back(first.back() + static_cast<size_t>(n));
  }
  Matrix coef{classes * (classes - 1) / 2, vectors.columns, {}};
  for (size_t i = 0; i < classes; ++i)  // each class against each later one
    for (size_t j = i + 1; j < classes; ++j) {
      std::vector<double> sum(vectors.columns, 0.0);
      auto add = [&](size_t row, size_t of) {
        for (size_t v = first[of]; v < first[of + 1]; ++v)
          for (size_t c = 0; c < vectors.columns; ++c) sum[c] += dual.at(row, v) * vectors.at(v, c);
      };
      add(j - 1, i);
      add(i, j);
      coef.values.insert(coef.values.end(), sum.begin(), sum.end());
    }
  return of_coefficients(coef, order);
}

Result<Scores> own_coefficients(const Attributes& a, double order) {
  TRY(NdArray coef, a.array({"coef_"}));
  if (coef.shape.size() > 2 || coef.shape.empty()) return a.wrong("coef_ is no vector or matrix");
  size_t rows = coef.shape.size() == 1 ? 1 : coef.shape[0];
  bool vector = coef.shape.size() == 1;
  return of_coefficients(Matrix{rows, coef.shape.back(), std::move(coef.values)},
                         vector ? 1 : order);
}

}  // namespace

Result<Scores> importances(const Attributes& a, std::string_view getter, double order,
                           size_t depth) {
  if (depth > 4) return a.wrong("estimators are nested too deeply");
  size_t dot = getter.find('.');
  if (dot != std::string_view::npos) {  // "best_estimator_.coef_", "named_steps.svc.coef_"
    std::string_view part = getter.substr(0, dot);
    TRY(Attributes inner,
        part == "regressor_" || part == "best_estimator_" || part == "estimator_"
            ? a.object({part})
            : Result<Attributes>(a.unsupported(str("importance_getter='", getter, "'"))));
    return importances(inner, getter.substr(dot + 1), order, depth + 1);
  }
  if (getter != "auto" && getter != "coef_" && getter != "feature_importances_")
    return a.unsupported(str("importance_getter='", getter, "'"));
  if (getter != "feature_importances_") {
    if (a.has("coef_")) return own_coefficients(a, order);
    if (a.has("kernel") && a.find("kernel")->text == "linear" && a.has("support_vectors_"))
      return of_linear_svm(a, order);
  }
  std::string_view name = a.class_name();
  if (name.starts_with("GradientBoosting")) return of_trees(a, true);
  if (name.starts_with("AdaBoost")) return of_ada_boost(a);
  if (name.starts_with("RandomForest") || name.starts_with("ExtraTrees")) return of_trees(a, false);
  if (a.has("tree_")) {
    TRY(TreeScores one, of_tree(a, true));
    return one.scores;
  }
  return a.unsupported("selecting features by its importances");
}

}  // namespace proa::engines
