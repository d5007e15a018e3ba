// Transformers that are one product with a matrix.
#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/decomposition/makers.h"
#include "models/engines/sklearn/transform/algebra.h"

namespace proa::engines {
namespace {

class Linear : public Transformer {
 public:
  Projection projection;
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    return project(projection, in, *this, work, out);
  }
};

Made linear(const Attributes& a, Projection p) {
  auto out = std::make_unique<Linear>();
  TRY_STATUS(check_features(a, p.in()));
  out->width = p.out();
  out->projection = std::move(p);
  return out;
}

// The columns of all rows of a call together are of length 1.
class LengthOne : public Linear {
 public:
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table raw;
    TRY_STATUS(Linear::transform(in, work, raw));
    TRY(std::span<double> to, sized_output(raw.rows, raw.columns, work, out));
    for (size_t c = 0; c < raw.columns; ++c) {
      double sum = 0;
      for (size_t r = 0; r < raw.rows; ++r) sum += raw.row(r)[c] * raw.row(r)[c];
      double length = sum == 0 ? 1 : std::sqrt(sum);
      for (size_t r = 0; r < raw.rows; ++r) to[r * raw.columns + c] = raw.row(r)[c] / length;
    }
    return {};
  }
};

// mean_, if it is there, of as many values as `columns`.
Result<std::vector<double>> read_mean(const Attributes& a, size_t columns) {
  if (!a.has("mean_")) return std::vector<double>{};
  TRY(std::vector<double> mean, a.vector({"mean_"}));
  if (mean.size() != columns) return a.wrong("mean_ and components_ disagree");
  return mean;
}

// The logarithm of the density of x − mean under a covariance whose inverse is `precision`.
class Gaussian {
 public:
  Matrix precision;
  std::vector<double> mean;
  double constant = 0;

  double log_density(const double* x, double* gap) const {
    size_t n = precision.rows;
    for (size_t i = 0; i < n; ++i) gap[i] = mean.empty() ? x[i] : x[i] - mean[i];
    double s = 0;
    for (size_t i = 0; i < n; ++i) s += gap[i] * dot_of(precision.row(i), gap, n);
    return constant - 0.5 * s;
  }
};

// log det of a symmetric positive definite matrix; NaN if it is none.
double log_determinant(Matrix m) {
  std::vector<double> none(m.rows, 0.0);
  if (!solve_spd(m.values.data(), m.rows, none.data(), 0)) return NAN;
  double s = 0;
  for (size_t i = 0; i < m.rows; ++i) s += 2 * std::log(m.at(i, i));
  return s;
}

constexpr size_t kMostScored = 256;  // features up to which a covariance is made

// Linear, and score_samples by the model's covariance.
class Scored : public Linear {
 public:
  Gaussian gaussian;
  bool scored = false;

  bool has(Method m) const override {
    return m == Method::kTransform || (m == Method::kScoreSamples && scored);
  }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    if (in.columns != projection.in())
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", projection.in(), " features as input."));
    std::span<double> scores = work.take<double>(in.rows);
    std::span<double> gap = work.take<double>(in.columns);
    for (size_t r = 0; r < in.rows; ++r)
      scores[r] = gaussian.log_density(x + r * in.columns, gap.data());
    out = Output{};
    out.first = inference::vector_of(scores);
    return {};
  }
  inference::TensorInfo output_info(Method m) const override {
    return m == Method::kTransform ? Linear::output_info(m) : inference::TensorInfo{};
  }

  // Of components (with their extra variance on each) and noise on the diagonal.
  Status set_covariance(const Attributes& a, const Matrix& components,
                        const std::vector<double>& extra, const std::vector<double>& noise) {
    size_t n = components.columns;
    if (n > kMostScored) return {};
    Matrix covariance{n, n, std::vector<double>(n * n, 0.0)};
    for (size_t k = 0; k < components.rows; ++k)
      for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < n; ++j)
          covariance.values[i * n + j] += components.at(k, i) * components.at(k, j) * extra[k];
    for (size_t i = 0; i < n; ++i) covariance.values[i * n + i] += noise[i];
    double determinant = log_determinant(covariance);
    if (!std::isfinite(determinant)) return {};
    TRY(gaussian.precision, inverse(std::move(covariance), a));
    gaussian.constant = -0.5 * (static_cast<double>(n) * std::log(2 * M_PI) + determinant);
    scored = true;
    return {};
  }
};

}  // namespace

Made make_pca(const Attributes& a, Maker&) {
  TRY(Matrix components, a.matrix({"components_"}));
  TRY(std::vector<double> mean, read_mean(a, components.columns));
  TRY(std::vector<double> variance, a.vector({"explained_variance_"}));
  TRY(bool whiten, a.flag("whiten", false));
  if (variance.size() != components.rows) return a.wrong("explained_variance_ is of others");
  auto p = std::make_unique<Scored>();
  TRY_STATUS(check_features(a, components.columns));
  p->gaussian.mean = mean;
  p->projection = Projection::of_components(components, std::move(mean));
  p->width = components.rows;
  for (size_t i = 0; whiten && i < variance.size(); ++i) {
    double scale = std::max(std::sqrt(variance[i]), std::numeric_limits<double>::epsilon());
    p->projection.scale_column(i, 1 / scale);
  }
  if (a.class_name() != "PCA" || !a.has("noise_variance_")) return p;
  TRY(double noise, a.number({"noise_variance_"}));
  std::vector<double> extra;
  // scikit-learn's covariance scales whitened components by their variance.
  for (double v : variance) extra.push_back(std::max(v - noise, 0.0) * (whiten ? v : 1));
  TRY_STATUS(p->set_covariance(a, components, extra, std::vector(components.columns, noise)));
  return p;
}

Made make_truncated_svd(const Attributes& a, Maker&) {
  TRY(Matrix components, a.matrix({"components_"}));
  return linear(a, Projection::of_components(components));
}

Made make_fast_ica(const Attributes& a, Maker&) {
  TRY(Matrix components, a.matrix({"components_"}));
  const pickle::Node* whiten = a.find("whiten");
  bool centred = whiten && (whiten->kind == pickle::Kind::kStr || whiten->boolean);
  std::vector<double> mean;
  if (centred) {
    TRY(mean, read_mean(a, components.columns));
  }
  return linear(a, Projection::of_components(components, std::move(mean)));
}

// E[z|x] = (I + C Ψ⁻¹ Cᵀ)⁻¹ C Ψ⁻¹ (x − mean).
Made make_factor_analysis(const Attributes& a, Maker&) {
  TRY(Matrix c, a.matrix({"components_"}));
  TRY(std::vector<double> noise, a.vector({"noise_variance_"}));
  TRY(std::vector<double> mean, read_mean(a, c.columns));
  if (noise.size() != c.columns) return a.wrong("noise_variance_ and components_ disagree");
  size_t k = c.rows, n = c.columns;
  if (k > 4096) return a.unsupported("this number of components");
  Matrix weighted = c;
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < n; ++j) weighted.values[i * n + j] /= noise[j];
  Matrix inner{k, k, std::vector<double>(k * k)};
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < k; ++j)
      inner.values[i * k + j] = dot_of(weighted.row(i), c.row(j), n) + (i == j ? 1 : 0);
  TRY(Matrix covariance, inverse(std::move(inner), a));
  Matrix weights{k, n, std::vector<double>(k * n, 0.0)};
  for (size_t i = 0; i < k; ++i)
    for (size_t m = 0; m < k; ++m)
      for (size_t j = 0; j < n; ++j)
        weights.values[i * n + j] += covariance.at(i, m) * weighted.at(m, j);
  auto p = std::make_unique<Scored>();
  TRY_STATUS(check_features(a, n));
  p->width = k;
  p->gaussian.mean = mean;
  p->projection = Projection::of_components(weights, std::move(mean));
  TRY_STATUS(p->set_covariance(a, c, std::vector(k, 1.0), noise));
  return p;
}

// Ridge regression of x − mean on the components: (C Cᵀ + α I)⁻¹ C.
Made make_sparse_pca(const Attributes& a, Maker&) {
  TRY(Matrix c, a.matrix({"components_"}));
  TRY(double alpha, a.number({"ridge_alpha"}));
  TRY(std::vector<double> mean, read_mean(a, c.columns));
  // To 0.21 as a default: not centred, and each column of the answer scaled to length 1.
  TRY(bool normalized, a.flag("normalize_components", true));
  if (!normalized) mean.clear();
  size_t k = c.rows, n = c.columns;
  if (k == 0 || k > 4096) return a.unsupported("this number of components");
  std::vector<double> gram(k * k);
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < k; ++j)
      gram[i * k + j] = dot_of(c.row(i), c.row(j), n) + (i == j ? alpha : 0);
  Matrix columns{n, k, std::vector<double>(n * k)};  // a column of C each, then its solution
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < n; ++j) columns.values[j * k + i] = c.at(i, j);
  if (!solve_spd(gram.data(), k, columns.values.data(), n))
    return a.unsupported("linearly dependent components with ridge_alpha=0");
  Matrix weights{k, n, std::vector<double>(n * k)};
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < n; ++j) weights.values[i * n + j] = columns.at(j, i);
  Projection p = Projection::of_components(weights, std::move(mean));
  if (normalized) return linear(a, std::move(p));
  TRY_STATUS(check_features(a, p.in()));
  auto out = std::make_unique<LengthOne>();
  out->width = p.out();
  out->projection = std::move(p);
  return out;
}

Made make_nca(const Attributes& a, Maker&) {
  TRY(Matrix components, a.matrix({"components_"}));
  return linear(a, Projection::of_components(components));
}

Made make_random_projection(const Attributes& a, Maker&) {
  if (a.class_name() == "SparseRandomProjection") {
    TRY(SparseMatrix components, a.sparse({"components_"}));
    return linear(a, Projection::of_sparse(components));
  }
  TRY(Matrix components, a.matrix({"components_"}));
  return linear(a, Projection::of_components(components));
}

}  // namespace proa::engines
