#include "models/engines/sklearn/transform/algebra.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {

Projection Projection::of_components(const Matrix& weights, std::vector<double> mean) {
  Matrix turned{weights.columns, weights.rows, {}};
  turned.values.resize(weights.values.size());
  for (size_t r = 0; r < weights.rows; ++r)
    for (size_t c = 0; c < weights.columns; ++c)
      turned.values[c * weights.rows + r] = weights.at(r, c);
  Projection p = of_columns(std::move(turned));
  p.mean_ = std::move(mean);
  if (p.mean_.empty()) return p;
  CHECK(p.mean_.size() == p.in_);
  p.offset_.assign(p.out_, 0);
  for (size_t i = 0; i < p.in_; ++i)
    for (size_t k = 0; k < p.out_; ++k) p.offset_[k] += p.mean_[i] * p.weights_[i * p.out_ + k];
  return p;
}

Projection Projection::of_columns(Matrix weights) {
  Projection p;
  p.in_ = weights.rows;
  p.out_ = weights.columns;
  p.weights_ = std::move(weights.values);
  return p;
}

Projection Projection::of_sparse(const SparseMatrix& m) {
  Projection p;
  p.in_ = m.columns;
  p.out_ = m.rows;
  p.starts_.assign(p.in_ + 1, 0);
  for (uint32_t c : m.indices) ++p.starts_[c + 1];
  for (size_t c = 0; c < p.in_; ++c) p.starts_[c + 1] += p.starts_[c];
  std::vector<size_t> at(p.starts_.begin(), p.starts_.end() - 1);
  p.targets_.resize(m.indices.size());
  p.weights_.resize(m.indices.size());
  for (size_t r = 0; r < m.rows; ++r)
    for (size_t i = m.starts[r]; i < m.starts[r + 1]; ++i) {
      size_t to = at[m.indices[i]]++;
      p.targets_[to] = static_cast<uint32_t>(r);
      p.weights_[to] = m.values[i];
    }
  return p;
}

void Projection::apply(const Table& t, size_t row, double* out) const {
  std::fill_n(out, out_, 0.0);
  if (!starts_.empty()) {
    each_entry(t, row, [&](uint32_t c, double v) {
      for (size_t i = starts_[c]; i < starts_[c + 1]; ++i) out[targets_[i]] += v * weights_[i];
    });
    return;
  }
  bool dense = t.form == Table::Form::kDense;
  each_entry(t, row, [&](uint32_t c, double v) {
    if (dense && !mean_.empty()) v -= mean_[c];
    const double* w = weights_.data() + c * out_;
    for (size_t k = 0; k < out_; ++k) out[k] += v * w[k];
  });
  if (!dense && !mean_.empty())
    for (size_t k = 0; k < out_; ++k) out[k] -= offset_[k];
}

void Projection::scale_column(size_t column, double factor) {
  CHECK(starts_.empty() && column < out_);
  for (size_t i = 0; i < in_; ++i) weights_[i * out_ + column] *= factor;
  if (!offset_.empty()) offset_[column] *= factor;
}

Status project(const Projection& p, const Table& in, const Estimator& e, Workspace& work,
               Table& out) {
  Table t;
  TRY_STATUS(numeric_input(in, e, work, t));
  if (t.columns != p.in())
    return error(Code::kInvalid, str("X has ", t.columns, " features, but ", e.name,
                                     " is expecting ", p.in(), " features as input."));
  TRY(std::span<double> to, sized_output(t.rows, p.out(), work, out));
  for (size_t r = 0; r < t.rows; ++r) p.apply(t, r, to.data() + r * p.out());
  return {};
}

bool solve_spd(double* a, size_t n, double* b, size_t count) {
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j <= i; ++j) {
      double s = a[i * n + j] - dot_of(a + i * n, a + j * n, j);
      if (i != j) {
        a[i * n + j] = s / a[j * n + j];
      } else {
        if (!(s > 0)) return false;
        a[i * n + i] = std::sqrt(s);
      }
    }
  for (size_t k = 0; k < count; ++k, b += n) {
    for (size_t i = 0; i < n; ++i) b[i] = (b[i] - dot_of(a + i * n, b, i)) / a[i * n + i];
    for (size_t i = n; i-- > 0;) {
      for (size_t j = i + 1; j < n; ++j) b[i] -= a[j * n + i] * b[j];
      b[i] /= a[i * n + i];
    }
  }
  return true;
}

Result<Matrix> inverse(Matrix m, const Attributes& a) {
  size_t n = m.rows;
  Matrix out{n, n, std::vector<double>(n * n, 0)};
  for (size_t i = 0; i < n; ++i) out.values[i * n + i] = 1;
  auto row = [n](Matrix& x, size_t r) { return x.values.data() + r * n; };
  for (size_t c = 0; c < n; ++c) {
    size_t pivot = c;
    for (size_t r = c + 1; r < n; ++r)
      if (std::abs(m.at(r, c)) > std::abs(m.at(pivot, c))) pivot = r;
    double p = m.at(pivot, c);
    if (p == 0 || !std::isfinite(p)) return a.wrong("a matrix that must be inverted is singular");
    std::swap_ranges(row(m, c), row(m, c) + n, row(m, pivot));
    if (pivot == c) {  // swapped with itself: nothing
    } else {
      std::swap_ranges(row(out, c), row(out, c) + n, row(out, pivot));
    }
    for (size_t k = 0; k < n; ++k) row(m, c)[k] /= p, row(out, c)[k] /= p;
    for (size_t r = 0; r < n; ++r) {
      double f = m.at(r, c);
      if (r == c || f == 0) continue;
      for (size_t k = 0; k < n; ++k) {
        row(m, r)[k] -= f * row(m, c)[k];
        row(out, r)[k] -= f * row(out, c)[k];
      }
    }
  }
  return out;
}

double dot_of(const double* x, const double* y, size_t n) {
  double s = 0;
  for (size_t i = 0; i < n; ++i) s += x[i] * y[i];
  return s;
}

double squared_distance(const double* x, const double* y, size_t n) {
  double s = 0;
  for (size_t i = 0; i < n; ++i) s += (x[i] - y[i]) * (x[i] - y[i]);
  return s;
}

namespace {

double additive_chi2(const double* x, const double* y, size_t n) {
  double s = 0;
  for (size_t i = 0; i < n; ++i) {
    double sum = x[i] + y[i], gap = x[i] - y[i];
    if (sum != 0) s -= gap * gap / sum;
  }
  return s;
}

double norm_or_one(const double* x, size_t n) {
  double v = std::sqrt(dot_of(x, x, n));
  return v == 0 ? 1 : v;
}

}  // namespace

double KernelOf::value(const double* x, const double* y, size_t n) const {
  switch (kind) {
    case PairwiseKernel::kLinear:
      return dot_of(x, y, n);
    case PairwiseKernel::kPoly:
      return std::pow(gamma * dot_of(x, y, n) + coef0, degree);
    case PairwiseKernel::kRbf:
      return std::exp(-gamma * squared_distance(x, y, n));
    case PairwiseKernel::kSigmoid:
      return std::tanh(gamma * dot_of(x, y, n) + coef0);
    case PairwiseKernel::kLaplacian: {
      double s = 0;
      for (size_t i = 0; i < n; ++i) s += std::abs(x[i] - y[i]);
      return std::exp(-gamma * s);
    }
    case PairwiseKernel::kCosine: {
      double s = 0, nx = norm_or_one(x, n), ny = norm_or_one(y, n);
      for (size_t i = 0; i < n; ++i) s += x[i] / nx * (y[i] / ny);
      return s;
    }
    case PairwiseKernel::kChi2:
      return std::exp(gamma * additive_chi2(x, y, n));
    case PairwiseKernel::kAdditiveChi2:
      return additive_chi2(x, y, n);
    case PairwiseKernel::kPrecomputed:
      break;
  }
  return 0;
}

Result<KernelOf> kernel_of(const Attributes& a, size_t features) {
  static constexpr std::pair<std::string_view, PairwiseKernel> kNames[] = {
      {"linear", PairwiseKernel::kLinear},
      {"poly", PairwiseKernel::kPoly},
      {"polynomial", PairwiseKernel::kPoly},
      {"rbf", PairwiseKernel::kRbf},
      {"sigmoid", PairwiseKernel::kSigmoid},
      {"laplacian", PairwiseKernel::kLaplacian},
      {"cosine", PairwiseKernel::kCosine},
      {"chi2", PairwiseKernel::kChi2},
      {"additive_chi2", PairwiseKernel::kAdditiveChi2},
      {"precomputed", PairwiseKernel::kPrecomputed}};
  const pickle::Node* named = a.find("kernel");
  if (named && named->kind != pickle::Kind::kStr) return a.unsupported("a kernel of one's own");
  TRY(std::string name, a.text({"kernel"}));
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const auto& n) { return n.first == name; });
  if (found == std::end(kNames)) return a.unsupported(str("the kernel ", name));
  KernelOf k;
  k.kind = found->second;
  bool one = k.kind == PairwiseKernel::kChi2;
  k.gamma = one || features == 0 ? 1 : 1.0 / static_cast<double>(features);
  if (a.has("gamma_")) {
    TRY(k.gamma, a.number({"gamma_"}));
  } else if (a.has("gamma")) {
    TRY(k.gamma, a.number({"gamma"}));
  }
  if (a.has("coef0")) {
    TRY(k.coef0, a.number({"coef0"}));
  }
  if (a.has("degree")) {
    TRY(k.degree, a.number({"degree"}));
  }
  if (a.has("kernel_params")) {
    TRY(auto extra, a.dict({"kernel_params"}));
    if (!extra.empty()) return a.unsupported("kernel_params");
  }
  return k;
}

}  // namespace proa::engines
