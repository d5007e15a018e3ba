// KernelPCA and Nystroem: products with kernels of training rows.
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/decomposition/makers.h"
#include "models/engines/sklearn/transform/algebra.h"

namespace proa::engines {
namespace {

bool needs_non_negative(PairwiseKernel k) {
  return k == PairwiseKernel::kChi2 || k == PairwiseKernel::kAdditiveChi2;
}

// out = (kernel(x, rows) − what centres it) weights.
class KernelProjection : public Transformer {
 public:
  KernelOf kernel;
  Matrix rows;         // of training; empty for a precomputed kernel
  Projection weights;  // kernel values × outputs
  size_t inputs = 0;
  bool centred = false;
  std::vector<double> means;  // of the training kernel's columns
  double mean = 0;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    if (in.columns != inputs)
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", inputs, " features as input."));
    Table dense = in;
    dense.form = Table::Form::kDense;
    dense.dense = x;
    if (needs_non_negative(kernel.kind)) TRY_STATUS(check_non_negative(dense, name));
    TRY(std::span<double> to, sized_output(in.rows, weights.out(), work, out));
    size_t n = weights.in();
    std::span<double> values = work.take<double>(n);
    Table one;
    one.rows = 1;
    one.columns = n;
    one.dense = values.data();
    for (size_t r = 0; r < in.rows; ++r) {
      fill(x + r * inputs, values);
      weights.apply(one, 0, to.data() + r * weights.out());
    }
    return {};
  }

 private:
  void fill(const double* x, std::span<double> values) const {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] =
          kernel.kind == PairwiseKernel::kPrecomputed ? x[i] : kernel.value(x, rows.row(i), inputs);
      sum += values[i];
    }
    if (!centred) return;
    sum /= static_cast<double>(values.size());
    for (size_t i = 0; i < values.size(); ++i) values[i] += mean - means[i] - sum;
  }
};

Status read_rows(const Attributes& a, Attributes::Names names, KernelProjection& k,
                 size_t precomputed) {
  if (k.kernel.kind == PairwiseKernel::kPrecomputed) {
    k.inputs = precomputed;
    return {};
  }
  TRY(k.rows, a.matrix(names));
  if (k.rows.rows != k.weights.in()) return a.wrong("its training rows are of another number");
  k.inputs = k.rows.columns;
  TRY(k.kernel, kernel_of(a, k.inputs));
  return check_features(a, k.inputs);
}

}  // namespace

Made make_kernel_pca(const Attributes& a, Maker&) {
  auto k = std::make_unique<KernelProjection>();
  TRY(k->kernel, kernel_of(a, 0));
  TRY(std::vector<double> values, a.vector({"eigenvalues_", "lambdas_"}));
  TRY(Matrix vectors, a.matrix({"eigenvectors_", "alphas_"}));
  if (vectors.columns != values.size()) return a.wrong("eigenvalues and eigenvectors disagree");
  for (size_t i = 0; i < vectors.values.size(); ++i) {
    double v = values[i % values.size()];
    vectors.values[i] = v == 0 ? 0 : vectors.values[i] / std::sqrt(v);
  }
  k->weights = Projection::of_columns(std::move(vectors));
  TRY_STATUS(read_rows(a, {"X_fit_"}, *k, k->weights.in()));
  TRY(Attributes centerer, a.object({"_centerer"}));
  TRY(k->means, centerer.vector({"K_fit_rows_"}));
  TRY(k->mean, centerer.number({"K_fit_all_"}));
  if (k->means.size() != k->weights.in()) return a.wrong("its centerer is of other rows");
  k->centred = true;
  k->width = k->weights.out();
  return k;
}

Made make_nystroem(const Attributes& a, Maker&) {
  auto k = std::make_unique<KernelProjection>();
  TRY(k->kernel, kernel_of(a, 0));
  TRY(Matrix normalization, a.matrix({"normalization_"}));
  k->weights = Projection::of_components(normalization);
  if (k->kernel.kind == PairwiseKernel::kPrecomputed) return a.unsupported("a precomputed kernel");
  TRY_STATUS(read_rows(a, {"components_"}, *k, 0));
  k->width = k->weights.out();
  return k;
}

}  // namespace proa::engines
