// Linear and quadratic discriminant analysis (Hastie, Tibshirani, Friedman, "The elements of
// statistical learning", 4.3).
#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/linear_classifier.h"
#include "models/engines/sklearn/linear/makers.h"

namespace proa::engines::linear {
namespace {

class LinearDiscriminant : public LinearClassifier {
 public:
  Packed scalings;           // empty: the solver 'lsqr', which has no transform
  std::vector<double> mean;  // xbar_ of the solver 'svd', else empty
  bool lifts_zero = true;    // log of 0 is the log of the smallest normal number

  bool has(Method m) const override {
    return m == Method::kTransform ? scalings.rows() > 0 : Classifier::has(m);
  }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_rows(in, *this, affine.columns(), work));
    if (!mean.empty()) {
      std::span<double> moved = work.take<double>(in.rows * in.columns);
      for (size_t i = 0; i < moved.size(); ++i) moved[i] = x[i] - mean[i % mean.size()];
      x = moved.data();
    }
    std::span<double> to = dense_output(in.rows, scalings.rows(), work, out);
    scalings.times(x, in.rows, to.data());
    return {};
  }

 protected:
  Result<Scores> log_probabilities(const Table& in, Workspace& work) const override {
    TRY(Scores s, probabilities(in, work));
    for (size_t i = 0; lifts_zero && i < s.count(); ++i)
      if (s.values[i] == 0) s.values[i] = std::numeric_limits<double>::min();
    take_logs(s);
    return s;
  }
};

Status read_scalings(const Attributes& a, LinearDiscriminant& out) {
  TRY(std::string solver, a.text({"solver"}));
  if (solver == "lsqr" || !a.has("scalings_")) return {};
  TRY(Matrix m, a.matrix({"scalings_"}));
  if (m.rows != out.affine.columns())
    return a.wrong(
        str("scalings_ has ", m.rows, " rows, coef_ ", out.affine.columns(), " columns"));
  size_t kept = m.columns;
  if (a.has("_max_components")) {
    TRY(int64_t most, a.integer({"_max_components"}));
    if (most < 0) return a.wrong("_max_components is negative");
    kept = std::min(kept, static_cast<size_t>(most));
  }
  Matrix cut{m.rows, kept, std::vector<double>(m.rows * kept)};
  for (size_t r = 0; r < m.rows; ++r)
    std::copy_n(m.row(r), kept, cut.values.begin() + static_cast<ptrdiff_t>(r * kept));
  out.scalings = Packed::transposed(cut);
  if (solver != "svd") return {};
  TRY(out.mean, a.vector({"xbar_"}));
  if (out.mean.size() != m.rows)
    return a.wrong(str("xbar_ has ", out.mean.size(), " numbers, expected ", m.rows));
  return {};
}

// A class of the quadratic model: rotation scaled to unit variance, and what is constant.
struct Gaussian {
  Packed whitening;
  std::vector<double> mean;
  double constant = 0;  // -½ log det + log prior
};

class QuadraticDiscriminant : public Classifier {
 public:
  std::vector<Gaussian> parts;  // one a class
  size_t widest = 0;            // rows of the largest whitening
  bool stable_logs = true;

 protected:
  Result<Scores> ranking(const Table& in, Workspace& work) const override {
    TRY(const double* x, dense_rows(in, *this, features, work));
    Scores s = take_scores(in.rows, parts.size(), work);
    std::span<double> moved = work.take<double>(features), white = work.take<double>(widest);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t k = 0; k < parts.size(); ++k) {
        const Gaussian& g = parts[k];
        for (size_t c = 0; c < features; ++c) moved[c] = x[r * features + c] - g.mean[c];
        g.whitening.times(moved.data(), 1, white.data());
        s.row(r)[k] = -0.5 * dot(white.data(), white.data(), g.whitening.rows()) + g.constant;
      }
    return s;
  }

  Result<Scores> decision(const Table& in, Workspace& work) const override {
    TRY(Scores s, ranking(in, work));
    if (s.width != 2) return s;
    Scores one = take_scores(s.rows, 1, work);
    for (size_t r = 0; r < s.rows; ++r) one.values[r] = s.row(r)[1] - s.row(r)[0];
    return one;
  }

  Result<Scores> probabilities(const Table& in, Workspace& work) const override {
    TRY(Scores s, ranking(in, work));
    for (size_t r = 0; r < s.rows; ++r) softmax(s.row(r), s.width);
    return s;
  }

  Result<Scores> log_probabilities(const Table& in, Workspace& work) const override {
    if (!stable_logs) return Classifier::log_probabilities(in, work);
    TRY(Scores s, ranking(in, work));
    normalise_logs(s);
    return s;
  }
};

// The k-th item of a list of arrays as an attribute of its own would be read.
Result<Gaussian> read_gaussian(const Attributes& a, const pickle::Node* rotation,
                               const pickle::Node* scaling, size_t features) {
  if (!rotation->array || !scaling->array || rotation->array->shape.size() != 2)
    return a.wrong("rotations_ and scalings_ are no lists of arrays");
  Matrix m;
  m.rows = rotation->array->shape[0];
  m.columns = rotation->array->shape[1];
  TRY(m.values, pickle::doubles(*rotation->array).context("rotations_"));
  TRY(std::vector<double> scale, pickle::doubles(*scaling->array).context("scalings_"));
  if (m.rows != features || scale.size() != m.columns)
    return a.wrong(str("rotations_ has shape (", m.rows, ", ", m.columns, "), scalings_ has ",
                       scale.size(), " numbers, there are ", features, " features"));
  Gaussian g;
  for (size_t c = 0; c < m.columns; ++c) {
    g.constant -= 0.5 * std::log(scale[c]);
    for (size_t r = 0; r < m.rows; ++r) m.values[r * m.columns + c] /= std::sqrt(scale[c]);
  }
  for (double v : m.values)
    if (!std::isfinite(v)) return a.wrong("rotations_ by scalings_ is not finite");
  g.whitening = Packed::transposed(m);
  return g;
}

}  // namespace

Made make_linear_discriminant(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<LinearDiscriminant>();
  TRY_STATUS(read_linear_classifier(a, *out));
  Maker::Release release = maker.release();
  bool known = release.major != 0 || release.minor != 0;
  bool old = known && release < Maker::Release{0, 22};
  out->link = old || out->classes.size() == 2 ? LinearClassifier::Link::kOneVsRest
                                              : LinearClassifier::Link::kSoftmax;
  out->lifts_zero = !(known && release < Maker::Release{0, 24});
  out->probabilistic = true;
  TRY_STATUS(read_scalings(a, *out));
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_quadratic_discriminant(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<QuadraticDiscriminant>();
  TRY_STATUS(read_classes(a, *out, 2));
  TRY(Matrix means, a.matrix({"means_"}));
  TRY(std::vector<double> priors, a.vector({"priors_"}));
  TRY(auto rotations, a.list({"rotations_"}));
  TRY(auto scalings, a.list({"scalings_"}));
  size_t n = out->classes.size();
  if (means.rows != n || priors.size() != n || rotations.size() != n || scalings.size() != n)
    return a.wrong("classes_, means_, priors_, rotations_ and scalings_ differ in length");
  out->features = means.columns;
  TRY_STATUS(check_features(a, means.columns));
  for (size_t k = 0; k < n; ++k) {
    TRY(Gaussian g, read_gaussian(a, rotations[k], scalings[k], means.columns));
    g.mean.assign(means.row(k), means.row(k) + means.columns);
    g.constant += std::log(priors[k]);
    out->widest = std::max(out->widest, g.whitening.rows());
    out->parts.push_back(std::move(g));
  }
  Maker::Release release = maker.release();
  out->stable_logs = (release.major == 0 && release.minor == 0) || release >= Maker::Release{1, 6};
  out->probabilistic = out->decides = true;
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::linear
