// LIBSVM's kernels of one row against all support vectors. Private to this folder.
#pragma once

#include <string_view>
#include <vector>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/linear/packed.h"

namespace proa::engines::linear {

enum class KernelKind { kLinear, kPoly, kRbf, kSigmoid, kPrecomputed };

// Support vectors are kept dense, or sparse where most of their numbers are 0.
class Kernel {
 public:
  KernelKind kind = KernelKind::kRbf;
  double gamma = 0, coef0 = 0;
  int degree = 3;

  void set_vectors(const Matrix& vectors);
  void set_vectors(SparseMatrix vectors);
  // Precomputed: where each vector's value is in a row of `width` numbers.
  void set_columns(std::vector<size_t> columns, size_t width);
  size_t count() const { return count_; }
  size_t features() const { return features_; }
  void values(const double* row, double* out) const;  // count() numbers

 private:
  void products(const double* row, double* out) const;  // or squared distances
  size_t count_ = 0, features_ = 0;
  bool is_sparse_ = false;
  Packed dense_;
  SparseMatrix sparse_;
  std::vector<double> squares_;  // |v|² of the sparse vectors
  std::vector<size_t> columns_;
};

// kernel, gamma, coef0, degree and the support vectors of a fitted SVM, checked.
Status read_kernel(const Attributes& a, Kernel& kernel);

}  // namespace proa::engines::linear
