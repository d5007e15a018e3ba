#include "models/engines/sklearn/linear/pairwise.h"

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

double squared_distance(const double* x, const double* y, size_t n) {
  double sum = 0;
  for (size_t c = 0; c < n; ++c) sum += (x[c] - y[c]) * (x[c] - y[c]);
  return sum;
}

double manhattan(const double* x, const double* y, size_t n) {
  double sum = 0;
  for (size_t c = 0; c < n; ++c) sum += std::fabs(x[c] - y[c]);
  return sum;
}

double cosine(const double* x, const double* y, size_t n) {
  double a = std::sqrt(dot(x, x, n)), b = std::sqrt(dot(y, y, n));
  return dot(x, y, n) / ((a == 0 ? 1 : a) * (b == 0 ? 1 : b));
}

double chi2(const double* x, const double* y, size_t n) {
  double sum = 0;
  for (size_t c = 0; c < n; ++c)
    if (x[c] + y[c] != 0) sum -= (x[c] - y[c]) * (x[c] - y[c]) / (x[c] + y[c]);
  return sum;
}

}  // namespace

Result<Pairwise::Kind> Pairwise::named(std::string_view name) {
  if (name == "linear") return Kind::kLinear;
  if (name == "poly" || name == "polynomial") return Kind::kPoly;
  if (name == "rbf") return Kind::kRbf;
  if (name == "sigmoid") return Kind::kSigmoid;
  if (name == "laplacian") return Kind::kLaplacian;
  if (name == "cosine") return Kind::kCosine;
  if (name == "chi2") return Kind::kChi2;
  if (name == "additive_chi2") return Kind::kAdditiveChi2;
  return error(Code::kUnimplemented,
               str("kernel '", shorten(name, 40),
                   "' is not supported; supported: linear, poly, rbf, sigmoid, laplacian, cosine, "
                   "chi2, additive_chi2"));
}

double Pairwise::of(const double* x, const double* y, size_t n) const {
  switch (kind) {
    case Kind::kLinear:
      return dot(x, y, n);
    case Kind::kPoly:
      return std::pow(gamma * dot(x, y, n) + coef0, degree);
    case Kind::kRbf:
      return std::exp(-gamma * squared_distance(x, y, n));
    case Kind::kSigmoid:
      return std::tanh(gamma * dot(x, y, n) + coef0);
    case Kind::kLaplacian:
      return std::exp(-gamma * manhattan(x, y, n));
    case Kind::kCosine:
      return cosine(x, y, n);
    case Kind::kChi2:
      return std::exp(gamma * chi2(x, y, n));
    case Kind::kAdditiveChi2:
      return chi2(x, y, n);
  }
  return 0;
}

void Pairwise::values(const double* x, const Matrix& y, double* out) const {
  for (size_t r = 0; r < y.rows; ++r) out[r] = of(x, y.row(r), y.columns);
}

Status Pairwise::check(const double* x, size_t count) const {
  if (kind != Kind::kChi2 && kind != Kind::kAdditiveChi2) return {};
  for (size_t i = 0; i < count; ++i)
    if (x[i] < 0) return error(Code::kInvalid, "X contains negative values.");
  return {};
}

}  // namespace proa::engines
