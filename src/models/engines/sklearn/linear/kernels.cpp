#include "models/engines/sklearn/linear/kernels.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines::linear {
namespace {

constexpr size_t kAlwaysDense = size_t{1} << 16;  // numbers: sparse ones are filled in below this
constexpr size_t kWorthDense = 4;                 // or where a number in 4 is not 0

// By repeated squaring, as LIBSVM does it: std::pow rounds otherwise.
double power(double base, int exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2 == 1) result *= base;
  return result;
}

Result<KernelKind> kernel_kind(const Attributes& a) {
  const pickle::Node* node = a.find("kernel");
  if (node && node->kind != pickle::Kind::kStr)
    return a.unsupported("a kernel that is a function of one's own");
  TRY(std::string name, a.text({"kernel"}));
  if (name == "linear") return KernelKind::kLinear;
  if (name == "poly") return KernelKind::kPoly;
  if (name == "rbf") return KernelKind::kRbf;
  if (name == "sigmoid") return KernelKind::kSigmoid;
  if (name == "precomputed") return KernelKind::kPrecomputed;
  return a.unsupported(str("kernel '", shorten(name, 40), "'"));
}

// shape_fit_: the number of rows and features it was fitted with.
Result<size_t> fitted_shape(const Attributes& a, size_t index) {
  const pickle::Node* shape = a.find("shape_fit_");
  if (!shape || shape->items.size() != 2) return a.wrong("shape_fit_ is no pair; was it fitted?");
  TRY(int64_t n, pickle::as_int(*shape->items[index]).context("shape_fit_"));
  if (n <= 0 || n > (int64_t{1} << 40)) return a.wrong("shape_fit_ is out of range");
  return static_cast<size_t>(n);
}

Status read_precomputed(const Attributes& a, Kernel& k) {
  TRY(std::vector<int64_t> support, a.integers({"support_"}));
  TRY(size_t rows, fitted_shape(a, 0));
  std::vector<size_t> columns;
  for (int64_t s : support) {
    if (s < 0 || static_cast<size_t>(s) >= rows)
      return a.wrong("support_ points outside of the rows");
    columns.push_back(static_cast<size_t>(s));
  }
  k.set_columns(std::move(columns), rows);
  return {};
}

Status read_vectors(const Attributes& a, Kernel& k) {
  const pickle::Node* node = a.find("support_vectors_");
  if (node && !node->array) {
    TRY(SparseMatrix vectors, a.sparse({"support_vectors_"}));
    k.set_vectors(std::move(vectors));
  } else {
    TRY(Matrix vectors, a.matrix({"support_vectors_"}));
    k.set_vectors(vectors);
  }
  return {};
}

}  // namespace

void Kernel::set_vectors(const Matrix& m) {
  count_ = m.rows;
  features_ = m.columns;
  dense_ = Packed(m);
}

void Kernel::set_vectors(SparseMatrix m) {
  count_ = m.rows;
  features_ = m.columns;
  // Divided, not multiplied: the product of two hostile numbers may overflow.
  bool small = m.columns == 0 || m.rows <= kAlwaysDense / m.columns;
  bool full = m.columns != 0 && m.rows <= m.values.size() * kWorthDense / m.columns;
  if (small || full) {
    Matrix dense{m.rows, m.columns, std::vector<double>(m.rows * m.columns)};
    for (size_t r = 0; r < m.rows; ++r)
      for (size_t i = m.starts[r]; i < m.starts[r + 1]; ++i)
        dense.values[r * m.columns + m.indices[i]] += m.values[i];
    dense_ = Packed(dense);
    return;
  }
  is_sparse_ = true;
  sparse_ = std::move(m);
  for (size_t r = 0; r < count_; ++r) {
    double sum = 0;
    for (size_t i = sparse_.starts[r]; i < sparse_.starts[r + 1]; ++i)
      sum += sparse_.values[i] * sparse_.values[i];
    squares_.push_back(sum);
  }
}

void Kernel::set_columns(std::vector<size_t> columns, size_t width) {
  count_ = columns.size();
  features_ = width;
  columns_ = std::move(columns);
}

void Kernel::products(const double* row, double* out) const {
  if (!is_sparse_) {
    if (kind == KernelKind::kRbf) return dense_.distances(row, out);
    return dense_.times(row, 1, out);
  }
  double square = kind == KernelKind::kRbf ? dot(row, row, features_) : 0;
  for (size_t v = 0; v < count_; ++v) {
    double sum = 0;
    for (size_t i = sparse_.starts[v]; i < sparse_.starts[v + 1]; ++i)
      sum += row[sparse_.indices[i]] * sparse_.values[i];
    out[v] = kind == KernelKind::kRbf ? std::max(0.0, square + squares_[v] - 2 * sum) : sum;
  }
}

void Kernel::values(const double* row, double* out) const {
  if (kind == KernelKind::kPrecomputed) {
    for (size_t i = 0; i < count_; ++i) out[i] = row[columns_[i]];
    return;
  }
  products(row, out);
  switch (kind) {
    case KernelKind::kRbf:
      for (size_t i = 0; i < count_; ++i) out[i] *= -gamma;
      exponentials(out, count_);
      break;
    case KernelKind::kPoly:
      for (size_t i = 0; i < count_; ++i) out[i] = power(gamma * out[i] + coef0, degree);
      break;
    case KernelKind::kSigmoid:
      for (size_t i = 0; i < count_; ++i) out[i] = std::tanh(gamma * out[i] + coef0);
      break;
    default:
      break;
  }
}

Status read_kernel(const Attributes& a, Kernel& k) {
  TRY(k.kind, kernel_kind(a));
  if (k.kind == KernelKind::kPrecomputed) return read_precomputed(a, k);
  TRY_STATUS(read_vectors(a, k));
  TRY(size_t features, fitted_shape(a, 1));
  if (k.features() != features)
    return a.wrong(str("support_vectors_ has shape (", k.count(), ", ", k.features(),
                       "), fitted were ", features, " features"));
  TRY_STATUS(check_features(a, features));
  if (k.kind != KernelKind::kLinear) {
    TRY(k.gamma, a.number({"_gamma", "gamma"}));
  }
  TRY(k.coef0, a.number({"coef0"}));
  TRY(double degree, a.number({"degree"}));
  if (!(degree >= 0 && degree <= 1e6)) return a.wrong("degree is out of range");
  k.degree = static_cast<int>(degree);
  return {};
}

}  // namespace proa::engines::linear
