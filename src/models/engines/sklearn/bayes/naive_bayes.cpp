// Naive Bayes: the joint log likelihood of each class, as the sum of one term a feature (Manning,
// Raghavan, Schütze, "Introduction to information retrieval", chapter 13; for ComplementNB: Rennie
// et al., "Tackling the poor assumptions of naive Bayes text classifiers", 2003).
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/bayes/makers.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/packed.h"

namespace proa::engines::bayes {
namespace {

// Probabilities from ranking(), which is the joint log likelihood.
class NaiveBayes : public Classifier {
 protected:
  Result<Scores> log_probabilities(const Table& in, Workspace& work) const override {
    TRY(Scores s, ranking(in, work));
    normalise_logs(s);
    return s;
  }
  Result<Scores> probabilities(const Table& in, Workspace& work) const override {
    TRY(Scores s, log_probabilities(in, work));
    for (size_t i = 0; i < s.count(); ++i) s.values[i] = std::exp(s.values[i]);
    return s;
  }
  // With one class there is one score a row, which is no sign.
  Status choose(const Table& in, Workspace& work, std::span<uint32_t> best) const override {
    TRY(Scores s, ranking(in, work));
    uint32_t last = static_cast<uint32_t>(classes.size() - 1);
    for (size_t r = 0; r < s.rows; ++r) best[r] = std::min(largest(s.row(r), s.width), last);
    return {};
  }
};

class GaussianNaiveBayes : public NaiveBayes {
 public:
  Matrix mean, variance;
  std::vector<double> constant;  // log prior - ½ Σ log 2πσ²

 protected:
  Result<Scores> ranking(const Table& in, Workspace& work) const override {
    TRY(const double* x, dense_rows(in, *this, mean.columns, work));
    Scores s = take_scores(in.rows, mean.rows, work);
    for (size_t r = 0; r < in.rows; ++r, x += mean.columns)
      for (size_t k = 0; k < mean.rows; ++k) {
        const double *m = mean.row(k), *v = variance.row(k);
        double sum = 0;
        for (size_t c = 0; c < mean.columns; ++c) sum += (x[c] - m[c]) * (x[c] - m[c]) / v[c];
        s.row(r)[k] = constant[k] - 0.5 * sum;
      }
    return s;
  }
};

// Multinomial, complement and Bernoulli: linear in the input (of Bernoulli: in its 0 and 1).
class LinearNaiveBayes : public NaiveBayes {
 public:
  Packed weights;
  std::vector<double> constant;
  bool binarizes = false;
  double threshold = 0;

 protected:
  Result<Scores> ranking(const Table& in, Workspace& work) const override {
    TRY(Rows rows, rows_of(in, *this, weights.columns(), work));
    Table binary;
    if (binarizes) rows = binarized(rows, binary, work);
    Scores s = take_scores(rows.count, weights.rows(), work);
    weights.times(rows, s.values);
    for (size_t r = 0; r < s.rows; ++r)
      for (size_t k = 0; k < s.width; ++k) s.row(r)[k] += constant[k];
    return s;
  }

 private:
  Rows binarized(const Rows& rows, Table& binary, Workspace& work) const {
    Rows out = rows;
    if (!rows.sparse) {
      std::span<double> to = work.take<double>(rows.count * rows.columns);
      for (size_t i = 0; i < to.size(); ++i) to[i] = rows.dense[i] > threshold ? 1 : 0;
      out.dense = to.data();
      return out;
    }
    binary = *rows.sparse;
    size_t first = binary.starts[0], n = binary.starts[binary.rows];
    std::span<double> to = work.take<double>(n);
    for (size_t i = first; i < n; ++i) to[i] = binary.values[i] > threshold ? 1 : 0;
    binary.values = to.data();
    out.sparse = &binary;
    return out;
  }
};

class CategoricalNaiveBayes : public NaiveBayes {
 public:
  std::vector<Matrix> logs;  // one a feature: classes × categories
  std::vector<double> prior;

 protected:
  Result<Scores> ranking(const Table& in, Workspace& work) const override {
    size_t n = logs.size();
    TRY(const double* x, dense_rows(in, *this, n, work));
    Scores s = take_scores(in.rows, prior.size(), work);
    for (size_t r = 0; r < in.rows; ++r, x += n) {
      double* to = s.row(r);
      for (size_t k = 0; k < s.width; ++k) to[k] = 0;
      for (size_t c = 0; c < n; ++c) {
        TRY(size_t category, category_of(x[c], c));
        for (size_t k = 0; k < s.width; ++k) to[k] += logs[c].at(k, category);
      }
      for (size_t k = 0; k < s.width; ++k) to[k] += prior[k];
    }
    return s;
  }

 private:
  Result<size_t> category_of(double v, size_t column) const {
    if (v <= -1)
      return error(Code::kInvalid, "Negative values in data passed to CategoricalNB (input X)");
    size_t known = logs[column].columns;
    if (!(v < static_cast<double>(known)))
      return error(
          Code::kInvalid,
          str("index ", v, " is out of bounds for axis 1 with size ", known, " (column ", column,
              ": the model knows the categories 0 to ", known == 0 ? 0 : known - 1, ")"));
    return v < 0 ? 0 : static_cast<size_t>(v);  // to an integer, as numpy does: toward 0
  }
};

Status check_parts(const Attributes& a, const Classifier& c, const Matrix& m,
                   const std::vector<double>& prior) {
  size_t n = c.classes.size();
  if (n == 1 && m.rows == 2) n = 2;  // before 1.0 one class had a second that never occurs
  if (m.rows != n || prior.size() != n || m.columns == 0)
    return a.wrong(str("there are ", n, " classes, ", prior.size(), " priors, and parameters of (",
                       m.rows, ", ", m.columns, ")"));
  return check_features(a, m.columns);
}

// What multinomial, complement and Bernoulli have in common.
Result<Matrix> read_linear(const Attributes& a, LinearNaiveBayes& out) {
  TRY_STATUS(read_classes(a, out, 1));
  TRY(out.constant, a.vector({"class_log_prior_"}, Attributes::Finite::kAny));
  TRY(Matrix m, a.matrix({"feature_log_prob_"}, Attributes::Finite::kAny));
  TRY_STATUS(check_parts(a, out, m, out.constant));
  out.features = m.columns;
  out.probabilistic = true;
  return m;
}

}  // namespace

Made make_gaussian_nb(const Attributes& a, Maker&) {
  auto out = std::make_unique<GaussianNaiveBayes>();
  TRY_STATUS(read_classes(a, *out, 1));
  TRY(out->mean, a.matrix({"theta_"}));
  TRY(out->variance, a.matrix({"var_", "sigma_"}));
  TRY(out->constant, a.vector({"class_prior_"}));
  TRY_STATUS(check_parts(a, *out, out->mean, out->constant));
  if (out->variance.rows != out->mean.rows || out->variance.columns != out->mean.columns)
    return a.wrong("theta_ and var_ differ in shape");
  for (size_t k = 0; k < out->mean.rows; ++k) {
    double sum = 0;
    for (size_t c = 0; c < out->mean.columns; ++c)
      sum += std::log(2.0 * M_PI * out->variance.at(k, c));
    out->constant[k] = std::log(out->constant[k]) - 0.5 * sum;
  }
  out->features = out->mean.columns;
  out->probabilistic = true;
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_multinomial_nb(const Attributes& a, Maker&) {
  auto out = std::make_unique<LinearNaiveBayes>();
  TRY(Matrix m, read_linear(a, *out));
  out->weights = Packed(m);
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_complement_nb(const Attributes& a, Maker&) {
  auto out = std::make_unique<LinearNaiveBayes>();
  TRY(Matrix m, read_linear(a, *out));
  if (out->classes.size() > 1) out->constant.assign(m.rows, 0.0);
  out->weights = Packed(m);
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_bernoulli_nb(const Attributes& a, Maker&) {
  auto out = std::make_unique<LinearNaiveBayes>();
  TRY(Matrix m, read_linear(a, *out));
  for (size_t k = 0; k < m.rows; ++k)
    for (size_t c = 0; c < m.columns; ++c) {
      double& yes = m.values[k * m.columns + c];
      double no = std::log(1 - std::exp(yes));
      out->constant[k] += no;
      yes -= no;
    }
  out->weights = Packed(m);
  out->binarizes = a.has("binarize");
  if (out->binarizes) {
    TRY(out->threshold, a.number({"binarize"}));
    // Zeros that a sparse request leaves out stay 0 only under such a threshold.
    if (out->threshold < 0) return a.unsupported("binarize below 0");
  }
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_categorical_nb(const Attributes& a, Maker&) {
  auto out = std::make_unique<CategoricalNaiveBayes>();
  TRY_STATUS(read_classes(a, *out, 1));
  TRY(out->prior, a.vector({"class_log_prior_"}, Attributes::Finite::kAny));
  TRY(auto features, a.list({"feature_log_prob_"}));
  size_t n = out->classes.size();
  if (out->prior.size() != n) return a.wrong("class_log_prior_ and classes_ differ in length");
  for (const pickle::Node* node : features) {
    if (!node->array || node->array->shape.size() != 2 || node->array->shape[0] != n)
      return a.wrong("feature_log_prob_ is no list of arrays with one row a class");
    Matrix m{n, node->array->shape[1], {}};
    TRY(m.values, pickle::doubles(*node->array).context("feature_log_prob_"));
    out->logs.push_back(std::move(m));
  }
  if (out->logs.empty()) return a.wrong("feature_log_prob_ is empty");
  out->features = out->logs.size();
  TRY_STATUS(check_features(a, out->features));
  out->probabilistic = true;
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::bayes
