// GaussianMixture and BayesianGaussianMixture: log density of each component (Bishop, "Pattern
// recognition and machine learning", 9.2 and 10.2), everything that does not depend on the row
// computed once.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/bayes/makers.h"
#include "models/engines/sklearn/bayes/special.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/packed.h"

namespace proa::engines::bayes {
namespace {

// precision_cholesky' · (x - mean), in one of three forms.
struct Component {
  Packed whitening;            // full and tied
  std::vector<double> scales;  // diagonal, or one number for spherical
  std::vector<double> mean;
  double constant = 0;
};

class Mixture : public Estimator {
 public:
  std::vector<Component> parts;

  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kPredictProba || m == Method::kScoreSamples;
  }

  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_rows(in, *this, features, work));
    Scores s = take_scores(in.rows, parts.size(), work);
    std::span<double> moved = work.take<double>(2 * features);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t k = 0; k < parts.size(); ++k)
        s.row(r)[k] = log_density(parts[k], x + r * features, moved.data());
    return answer(method, s, work, out);
  }

  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    info.shape.clear();
    if (method == Method::kPredict) info.type = DataType::kInt64;
    if (method == Method::kPredictProba) info.shape = {static_cast<int64_t>(parts.size())};
    return info;
  }

 private:
  double log_density(const Component& p, const double* x, double* moved) const {
    double* white = moved + features;
    for (size_t c = 0; c < features; ++c) moved[c] = x[c] - p.mean[c];
    if (p.scales.empty()) {
      p.whitening.times(moved, 1, white);
    } else {
      for (size_t c = 0; c < features; ++c)
        white[c] = moved[c] * (p.scales.size() == 1 ? p.scales[0] : p.scales[c]);
    }
    return p.constant - 0.5 * dot(white, white, features);
  }

  static Status answer(Method method, const Scores& s, Workspace& work, Output& out) {
    if (method == Method::kPredict) {
      std::span<int64_t> best = work.take<int64_t>(s.rows);
      for (size_t r = 0; r < s.rows; ++r) best[r] = largest(s.row(r), s.width);
      out.first = {DataType::kInt64, 1, {s.rows}, nullptr, best.data(), nullptr};
      return {};
    }
    if (method == Method::kScoreSamples) {
      Scores total = take_scores(s.rows, 1, work);
      for (size_t r = 0; r < s.rows; ++r) total.values[r] = log_sum_exp(s.row(r), s.width);
      set_output(total, true, out);
      return {};
    }
    normalise_logs(s);
    for (size_t i = 0; i < s.count(); ++i) s.values[i] = std::exp(s.values[i]);
    set_output(s, false, out);
    return {};
  }
};

// One component's matrix (F × F, row-major) or scales; adds ½ log det of the precision.
Status set_precision(const Attributes& a, Component& p, const double* values, size_t count,
                     size_t features, bool matrix) {
  double half_log_det = 0;
  if (matrix) {
    Matrix m{features, features, std::vector<double>(values, values + count)};
    for (size_t c = 0; c < features; ++c) half_log_det += std::log(m.at(c, c));
    p.whitening = Packed::transposed(m);
  } else {
    p.scales.assign(values, values + count);
    for (double s : p.scales) half_log_det += std::log(s);
    if (count == 1) half_log_det = static_cast<double>(features) * std::log(p.scales[0]);
  }
  if (!std::isfinite(half_log_det)) return a.wrong("precisions_cholesky_ is not positive");
  p.constant += half_log_det;
  return {};
}

Status read_precisions(const Attributes& a, const Matrix& means, Mixture& out) {
  TRY(std::string type, a.text({"covariance_type"}));
  TRY(NdArray p, a.array({"precisions_cholesky_"}));
  size_t k = means.rows, f = means.columns;
  bool full = type == "full", tied = type == "tied", diagonal = type == "diag";
  if (!full && !tied && !diagonal && type != "spherical")
    return a.wrong(str("covariance_type '", shorten(type, 30), "' is not known"));
  std::vector<size_t> expected = {k};
  if (full) expected = {k, f, f};
  if (tied) expected = {f, f};
  if (diagonal) expected = {k, f};
  if (p.shape != expected)
    return a.wrong(str("precisions_cholesky_ does not have the shape of ", k, " components of ", f,
                       " features, covariance_type '", type, "'"));
  size_t each = full || tied ? f * f : diagonal ? f : 1;
  for (size_t i = 0; i < k; ++i) {
    Component& c = out.parts[i];
    const double* at = p.values.data() + (tied ? 0 : i * each);
    TRY_STATUS(set_precision(a, c, at, each, f, full || tied));
  }
  return {};
}

Result<std::unique_ptr<Mixture>> read_mixture(const Attributes& a) {
  auto out = std::make_unique<Mixture>();
  TRY(Matrix means, a.matrix({"means_"}));
  if (means.rows == 0 || means.columns == 0) return a.wrong("means_ is empty");
  out->features = means.columns;
  TRY_STATUS(check_features(a, means.columns));
  out->parts.resize(means.rows);
  for (size_t k = 0; k < means.rows; ++k) {
    out->parts[k].mean.assign(means.row(k), means.row(k) + means.columns);
    out->parts[k].constant = -0.5 * static_cast<double>(means.columns) * std::log(2 * M_PI);
  }
  TRY_STATUS(read_precisions(a, means, *out));
  return out;
}

// Expected log weights of the components under their posterior.
Result<std::vector<double>> log_weights(const Attributes& a, size_t n) {
  TRY(std::string prior, a.text({"weight_concentration_prior_type"}));
  std::vector<double> out(n);
  if (prior == "dirichlet_distribution") {
    TRY(std::vector<double> c, a.vector({"weight_concentration_"}));
    if (c.size() != n) return a.wrong("weight_concentration_ has the wrong length");
    double sum = 0;
    for (double v : c) sum += v;
    for (size_t k = 0; k < n; ++k) out[k] = digamma(c[k]) - digamma(sum);
    return out;
  }
  if (prior != "dirichlet_process") return a.wrong("weight_concentration_prior_type");
  TRY(auto pair, a.list({"weight_concentration_"}));
  if (pair.size() != 2 || !pair[0]->array || !pair[1]->array)
    return a.wrong("weight_concentration_ is no pair of vectors");
  TRY(std::vector<double> p, pickle::doubles(*pair[0]->array));
  TRY(std::vector<double> q, pickle::doubles(*pair[1]->array));
  if (p.size() != n || q.size() != n) return a.wrong("weight_concentration_ has the wrong length");
  double left = 0;  // of the stick that is broken
  for (size_t k = 0; k < n; ++k) {
    double all = digamma(p[k] + q[k]);
    out[k] = digamma(p[k]) - all + left;
    left += digamma(q[k]) - all;
  }
  return out;
}

}  // namespace

Made make_mixture(const Attributes& a, Maker&) {
  TRY(auto out, read_mixture(a));
  TRY(std::vector<double> weights, a.vector({"weights_"}));
  if (weights.size() != out->parts.size())
    return a.wrong(
        str("weights_ has ", weights.size(), " numbers for ", out->parts.size(), " components"));
  for (size_t k = 0; k < weights.size(); ++k) out->parts[k].constant += std::log(weights[k]);
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_bayesian_mixture(const Attributes& a, Maker&) {
  TRY(auto out, read_mixture(a));
  size_t n = out->parts.size();
  double f = static_cast<double>(out->features);
  TRY(std::vector<double> weights, log_weights(a, n));
  TRY(std::vector<double> freedom, a.vector({"degrees_of_freedom_"}));
  TRY(std::vector<double> precision, a.vector({"mean_precision_"}));
  // A number for all where the covariance is tied.
  if (freedom.size() == 1) freedom.assign(n, freedom[0]);
  if (precision.size() == 1) precision.assign(n, precision[0]);
  if (freedom.size() != n || precision.size() != n)
    return a.wrong("degrees_of_freedom_ and mean_precision_ have the wrong length");
  for (size_t k = 0; k < n; ++k) {
    double log_lambda = f * std::log(2.0);
    for (size_t i = 0; i < out->features; ++i)
      log_lambda += digamma(0.5 * (freedom[k] - static_cast<double>(i)));
    out->parts[k].constant +=
        weights[k] - 0.5 * f * std::log(freedom[k]) + 0.5 * (log_lambda - f / precision[k]);
  }
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::bayes
