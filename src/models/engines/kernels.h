// LIBSVM's kernels of one row against all support vectors. Private to this folder.
#pragma once

#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/engines/attributes.h"

namespace proa::engines {

enum class KernelKind { kLinear, kPoly, kRbf, kSigmoid, kPrecomputed };
Result<KernelKind> kernel_named(std::string_view name);

// The support vectors lie in blocks of 8, one feature after the other: the sums of 8 vectors run
// side by side, and each is added up in the order that LIBSVM has.
//
//   block 0: sv0[0] … sv7[0], sv0[1] … sv7[1], …   block 1: sv8[0] … sv15[0], …
class Kernel {
 public:
  KernelKind kind = KernelKind::kRbf;
  double gamma = 0, coef0 = 0;
  int degree = 3;

  void set_vectors(const Matrix& vectors);
  void set_columns(std::vector<size_t> columns,
                   size_t width);  // precomputed: where each vector's value is
  size_t count() const { return count_; }
  size_t features() const { return features_; }
  size_t padded() const { return (count_ + 7) / 8 * 8; }  // doubles that `out` needs
  void values(const double* row, double* out) const;

 private:
  size_t count_ = 0, features_ = 0;
  std::vector<double> blocks_;
  std::vector<size_t> columns_;
};

}  // namespace proa::engines
