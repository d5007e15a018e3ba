#include "models/engines/kernels.h"

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

constexpr size_t kBlock = 8;
using Two = double __attribute__((vector_size(16), aligned(8), may_alias));

// Four pairs of sums over the features of one block.
template <bool kDistance>
void sums(const double* row, const double* block, size_t features, double* out) {
  Two a{}, b{}, c{}, d{};
  for (size_t f = 0; f < features; ++f, block += kBlock) {
    Two x = {row[f], row[f]};
    const Two* v = reinterpret_cast<const Two*>(block);
    if constexpr (kDistance) {
      Two p = x - v[0], q = x - v[1], r = x - v[2], s = x - v[3];
      a += p * p;
      b += q * q;
      c += r * r;
      d += s * s;
    } else {
      a += x * v[0];
      b += x * v[1];
      c += x * v[2];
      d += x * v[3];
    }
  }
  Two* to = reinterpret_cast<Two*>(out);
  to[0] = a;
  to[1] = b;
  to[2] = c;
  to[3] = d;
}

// By repeated squaring, as LIBSVM does it: std::pow rounds otherwise.
double power(double base, int exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2 == 1) result *= base;
  return result;
}

}  // namespace

Result<KernelKind> kernel_named(std::string_view name) {
  if (name == "linear") return KernelKind::kLinear;
  if (name == "poly") return KernelKind::kPoly;
  if (name == "rbf") return KernelKind::kRbf;
  if (name == "sigmoid") return KernelKind::kSigmoid;
  if (name == "precomputed") return KernelKind::kPrecomputed;
  return error(Code::kUnimplemented, str("kernel '", shorten(name, 40),
                                         "' is not supported; supported: "
                                         "linear, poly, rbf, sigmoid, precomputed"));
}

void Kernel::set_vectors(const Matrix& m) {
  count_ = m.rows;
  features_ = m.columns;
  blocks_.assign(padded() * features_, 0.0);
  for (size_t r = 0; r < m.rows; ++r)
    for (size_t f = 0; f < m.columns; ++f)
      blocks_[(r / kBlock * features_ + f) * kBlock + r % kBlock] = m.at(r, f);
}

void Kernel::set_columns(std::vector<size_t> columns, size_t width) {
  count_ = columns.size();
  features_ = width;
  columns_ = std::move(columns);
}

void Kernel::values(const double* row, double* out) const {
  if (kind == KernelKind::kPrecomputed) {
    for (size_t i = 0; i < count_; ++i) out[i] = row[columns_[i]];
    return;
  }
  for (size_t b = 0; b < padded(); b += kBlock) {
    const double* block = blocks_.data() + b * features_;
    if (kind == KernelKind::kRbf)
      sums<true>(row, block, features_, out + b);
    else
      sums<false>(row, block, features_, out + b);
  }
  switch (kind) {
    case KernelKind::kRbf:
      for (size_t i = 0; i < count_; ++i) out[i] = std::exp(-gamma * out[i]);
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

}  // namespace proa::engines
