// The linear algebra of the transformers: products of rows with a matrix, small solvers, the
// kernels of sklearn.metrics.pairwise.
//
// Used by preprocessing and features. Values are immutable once made; all functions are pure.
#pragma once

#include <vector>

#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {

// x → (x − mean) W, for W of as many rows as x is wide. Kept with x's columns as rows, so that
// sparse rows cost what they hold.
class Projection {
 public:
  Projection() = default;
  // `weights` is out × in, as components_ are; `mean` is empty or of `in` values.
  static Projection of_components(const Matrix& weights, std::vector<double> mean = {});
  static Projection of_columns(Matrix weights);  // in × out
  // Without mean; only what is not zero is kept.
  static Projection of_sparse(const SparseMatrix& components);
  size_t in() const { return in_; }
  size_t out() const { return out_; }
  void apply(const Table& numeric, size_t row, double* out) const;  // out() values, overwritten
  void scale_column(size_t column, double factor);                  // of what comes out; dense only

 private:
  size_t in_ = 0, out_ = 0;
  std::vector<double> weights_;        // in × out
  std::vector<double> mean_, offset_;  // offset: mean × weights, for sparse rows
  std::vector<size_t> starts_;         // of_sparse: by input column
  std::vector<uint32_t> targets_;
};

// Applies it to all rows of checked input; what most linear transformers are.
Status project(const Projection& p, const Table& in, const Estimator& e, Workspace& work,
               Table& out);

// Solves A X = B for a symmetric positive definite A (n × n, row-major, overwritten by its factor)
// and `count` right sides, each of n values, in place. False if A is not positive definite.
bool solve_spd(double* a, size_t n, double* b, size_t count);
// Inverse of a general square matrix; kDataLoss by `a` if it is singular.
Result<Matrix> inverse(Matrix m, const Attributes& a);

double dot_of(const double* x, const double* y, size_t n);
double squared_distance(const double* x, const double* y, size_t n);

enum class PairwiseKernel : uint8_t {
  kLinear,
  kPoly,
  kRbf,
  kSigmoid,
  kLaplacian,
  kCosine,
  kChi2,
  kAdditiveChi2,
  kPrecomputed
};
struct KernelOf {
  PairwiseKernel kind = PairwiseKernel::kLinear;
  double gamma = 1, coef0 = 1, degree = 3;
  double value(const double* x, const double* y, size_t n) const;
};
// kernel, gamma, coef0, degree and kernel_params of an estimator; `features` for gamma's default.
Result<KernelOf> kernel_of(const Attributes& a, size_t features);

}  // namespace proa::engines
