// EllipticEnvelope: outliers are far from the centre, by Mahalanobis distance.
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/bayes/makers.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/packed.h"

namespace proa::engines::bayes {
namespace {

class EllipticEnvelope : public Estimator {
 public:
  std::vector<double> location;
  Packed precision;
  double offset = 0;

  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kDecisionFunction || m == Method::kScoreSamples;
  }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_rows(in, *this, features, work));
    Scores s = take_scores(in.rows, 1, work);
    std::span<double> moved = work.take<double>(features), by = work.take<double>(features);
    for (size_t r = 0; r < in.rows; ++r) {
      for (size_t c = 0; c < features; ++c) moved[c] = x[r * features + c] - location[c];
      precision.times(moved.data(), 1, by.data());
      s.values[r] = -dot(moved.data(), by.data(), features);
      if (method != Method::kScoreSamples) s.values[r] -= offset;
    }
    if (method == Method::kPredict)
      set_inliers(s, DataType::kInt64, work, out);
    else
      set_output(s, true, out);
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (method == Method::kPredict) info.type = DataType::kInt64;
    return info;
  }
};

// The inverse of a symmetric positive definite matrix, by Cholesky's decomposition.
Result<Matrix> inverse(const Attributes& a, const Matrix& m) {
  size_t n = m.rows;
  std::vector<double> lower(n * n), out(n * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j <= i; ++j) {
      double sum = m.at(i, j) - dot(&lower[i * n], &lower[j * n], j);
      if (i == j && !(sum > 0))
        return a.unsupported("a singular covariance_ without a stored precision_");
      lower[i * n + j] = i == j ? std::sqrt(sum) : sum / lower[j * n + j];
    }
  for (size_t c = 0; c < n; ++c) {  // L y = e_c, then L' x = y
    std::vector<double> y(n);
    for (size_t i = 0; i < n; ++i)
      y[i] = ((i == c ? 1.0 : 0.0) - dot(&lower[i * n], y.data(), i)) / lower[i * n + i];
    for (size_t i = n; i-- > 0;) {
      double sum = y[i];
      for (size_t j = i + 1; j < n; ++j) sum -= lower[j * n + i] * y[j];
      y[i] = sum / lower[i * n + i];
      out[i * n + c] = y[i];
    }
  }
  return Matrix{n, n, std::move(out)};
}

constexpr size_t kMostInverted = 2000;  // features; longer than a second beyond

}  // namespace

Made make_elliptic_envelope(const Attributes& a, Maker&) {
  auto out = std::make_unique<EllipticEnvelope>();
  TRY(out->location, a.vector({"location_"}));
  size_t n = out->location.size();
  bool stored = a.has("precision_");
  TRY(Matrix m, a.matrix({stored ? "precision_" : "covariance_"}));
  if (n == 0 || m.rows != n || m.columns != n)
    return a.wrong(
        str("location_ has ", n, " numbers, its matrix is (", m.rows, ", ", m.columns, ")"));
  TRY_STATUS(check_features(a, n));
  if (!stored) {
    if (n > kMostInverted) return a.unsupported("so wide a covariance_ without precision_");
    TRY(m, inverse(a, m));
  }
  out->precision = Packed(m);
  TRY(out->offset, a.number({"offset_"}));
  out->features = n;
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::bayes
