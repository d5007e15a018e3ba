// The kernels of sklearn.gaussian_process (Rasmussen and Williams, "Gaussian processes for machine
// learning", chapter 4), as a tree.
//
// Private to this folder. Immutable once made; scratch memory comes from the caller.
#pragma once

#include <memory>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/estimator.h"

namespace proa::engines::bayes {

class ProcessKernel {
 public:
  virtual ~ProcessKernel() = default;
  // out[i] = k(x, row i of y); x has y.columns numbers.
  virtual void values(const double* x, const Matrix& y, Workspace& work, double* out) const = 0;
  // k(x, x) of one and the same point: noise counts.
  virtual double self(const double* x, size_t n) const = 0;
};

// `features`: the columns of the fitted rows, which length scales must match.
Result<std::unique_ptr<ProcessKernel>> read_process_kernel(const Attributes& estimator,
                                                           const pickle::Node* node,
                                                           size_t features);

}  // namespace proa::engines::bayes
