// The kernels of sklearn.metrics.pairwise, of one row against many.
//
// Used by KernelRidge and by the kernel PairwiseKernel of Gaussian processes. Immutable once made.
#pragma once

#include <string_view>

#include "models/engines/sklearn/linear/packed.h"

namespace proa::engines {

class Pairwise {
 public:
  enum class Kind { kLinear, kPoly, kRbf, kSigmoid, kLaplacian, kCosine, kChi2, kAdditiveChi2 };
  Kind kind = Kind::kLinear;
  double gamma = 1, degree = 3, coef0 = 1;

  static Result<Kind> named(std::string_view name);  // "rbf"; kUnimplemented for others
  // out[i] = kernel(x, row i of `y`); both have y.columns numbers a row.
  void values(const double* x, const Matrix& y, double* out) const;
  double of(const double* x, const double* y, size_t n) const;
  // The chi-squared kernels refuse negative numbers: kInvalid.
  Status check(const double* x, size_t count) const;
};

}  // namespace proa::engines
