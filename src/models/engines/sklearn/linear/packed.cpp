#include "models/engines/sklearn/linear/packed.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PROA_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define PROA_CLONES
#endif

namespace proa::engines {
namespace {

template <size_t kLanes>
struct Vector {
  typedef double Type __attribute__((vector_size(kLanes * 8), aligned(8), may_alias));
};

// kRows rows of the input by one block of the matrix.
template <size_t kLanes, size_t kRows, bool kDistance>
[[gnu::always_inline]] inline void block(const double* x, size_t stride, const double* w,
                                         size_t columns, double* out) {
  using V = typename Vector<kLanes>::Type;
  V sum[kRows] = {};
  for (size_t c = 0; c < columns; ++c, w += kLanes) {
    const V v = *reinterpret_cast<const V*>(w);
    for (size_t r = 0; r < kRows; ++r) {
      if constexpr (kDistance) {
        V d = x[r * stride + c] - v;
        sum[r] += d * d;
      } else {
        sum[r] += x[r * stride + c] * v;
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) *reinterpret_cast<V*>(out + r * kLanes) = sum[r];
}

using BlockFunction = void (*)(const double*, size_t, const double*, size_t, double*);

PROA_CLONES void one_by_2(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<2, 1, false>(x, s, w, n, out);
}
PROA_CLONES void one_by_4(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<4, 1, false>(x, s, w, n, out);
}
PROA_CLONES void one_by_8(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<8, 1, false>(x, s, w, n, out);
}
PROA_CLONES void four_by_2(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<2, 4, false>(x, s, w, n, out);
}
PROA_CLONES void four_by_4(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<4, 4, false>(x, s, w, n, out);
}
PROA_CLONES void four_by_8(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<8, 4, false>(x, s, w, n, out);
}
PROA_CLONES void distance_2(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<2, 1, true>(x, s, w, n, out);
}
PROA_CLONES void distance_4(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<4, 1, true>(x, s, w, n, out);
}
PROA_CLONES void distance_8(const double* x, size_t s, const double* w, size_t n, double* out) {
  block<8, 1, true>(x, s, w, n, out);
}

PROA_CLONES double long_dot(const double* a, const double* b, size_t n) {
  using V = typename Vector<8>::Type;
  V sum = {}, other = {};
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    sum += *reinterpret_cast<const V*>(a + i) * *reinterpret_cast<const V*>(b + i);
    other += *reinterpret_cast<const V*>(a + i + 8) * *reinterpret_cast<const V*>(b + i + 8);
  }
  sum += other;
  double total = ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

// exp(x) = 2^k · exp(r) with k = round(x / ln 2), |r| ≤ ln 2 / 2, exp(r) by its series to r^13.
[[gnu::always_inline]] inline void exponentials_of_8(double* at) {
  using V = typename Vector<8>::Type;
  typedef int64_t Bits __attribute__((vector_size(64), aligned(8), may_alias));
  constexpr double kRound = 6755399441055744.0;  // 1.5 · 2^52: what is added is rounded to integers
  constexpr double kLow = -708, kHigh = 709;
  const V given = *reinterpret_cast<V*>(at);
  V x = given > kLow ? given : V{} + kLow;
  x = x < kHigh ? x : V{} + kHigh;
  const V shifted = x * 1.4426950408889634 + kRound;
  const V k = shifted - kRound;
  const V r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
  static constexpr double kSeries[] = {1.0 / 479001600,
                                       1.0 / 39916800,
                                       1.0 / 3628800,
                                       1.0 / 362880,
                                       1.0 / 40320,
                                       1.0 / 5040,
                                       1.0 / 720,
                                       1.0 / 120,
                                       1.0 / 24,
                                       1.0 / 6,
                                       0.5,
                                       1.0,
                                       1.0};
  V sum = V{} + 1.0 / 6227020800;
  for (double term : kSeries) sum = sum * r + term;
  const Bits bits = reinterpret_cast<Bits>(shifted);
  const Bits power = (bits - std::bit_cast<int64_t>(kRound) + 1023) << 52;
  V out = sum * reinterpret_cast<V>(power);
  out = given < kLow ? V{} : out;
  out = given > kHigh ? V{} + HUGE_VAL : out;
  out = given == given ? out : given;
  *reinterpret_cast<V*>(at) = out;
}

PROA_CLONES void whole_exponentials(double* values, size_t n) {
  for (size_t i = 0; i < n; i += 8) exponentials_of_8(values + i);
}

size_t lanes_for(size_t rows) { return rows <= 1 ? 1 : rows == 2 ? 2 : rows <= 4 ? 4 : 8; }

Error wrong_width(const Estimator& e, size_t have, size_t want) {
  return error(Code::kInvalid, str("X has ", have, " features, but ", e.name, " is expecting ",
                                   want, " features as input."));
}

}  // namespace

double dot(const double* a, const double* b, size_t n) {
  if (n >= 16) return long_dot(a, b, n);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void exponentials(double* values, size_t n) {
  size_t whole = n / 8 * 8;
  whole_exponentials(values, whole);
  if (whole == n) return;
  double rest[8] = {};
  std::memcpy(rest, values + whole, (n - whole) * sizeof(double));
  whole_exponentials(rest, 8);
  std::memcpy(values + whole, rest, (n - whole) * sizeof(double));
}

Result<const double*> dense_rows(const Table& in, const Estimator& e, size_t width,
                                 Workspace& work) {
  if (in.columns != width && !in.flat) return wrong_width(e, in.columns, width);
  TRY(const double* x, dense_input(in, e, work));
  if (in.columns != width) return wrong_width(e, in.columns, width);
  return x;
}

Result<Rows> rows_of(const Table& in, const Estimator& e, size_t width, Workspace& work) {
  Rows out;
  out.count = in.rows;
  out.columns = width;
  if (in.form != Table::Form::kSparse) {
    TRY(out.dense, dense_rows(in, e, width, work));
    return out;
  }
  if (in.columns != width) return wrong_width(e, in.columns, width);
  if (in.rows == 0)
    return error(Code::kInvalid, str("Found array with 0 sample(s) (shape=(0, ", width,
                                     ")) while a minimum of 1 is required by ", e.name, "."));
  for (size_t i = in.starts[0]; i < in.starts[in.rows]; ++i) {
    if (std::isnan(in.values[i])) return error(Code::kInvalid, "Input X contains NaN.");
    if (std::isinf(in.values[i]))
      return error(Code::kInvalid,
                   "Input X contains infinity or a value too large for dtype('float64').");
  }
  out.sparse = &in;
  return out;
}

RowReader::RowReader(const Rows& rows, Workspace& work) : rows_(rows) {
  if (rows.sparse) buffer_ = work.zeros<double>(rows.columns).data();
}

void RowReader::clear() {
  if (last_ == SIZE_MAX) return;
  const Table& t = *rows_.sparse;
  for (size_t i = t.starts[last_]; i < t.starts[last_ + 1]; ++i) buffer_[t.indices[i]] = 0;
}

const double* RowReader::row(size_t r) {
  if (!rows_.sparse) return rows_.dense + r * rows_.columns;
  clear();
  const Table& t = *rows_.sparse;
  for (size_t i = t.starts[r]; i < t.starts[r + 1]; ++i) buffer_[t.indices[i]] = t.values[i];
  last_ = r;
  return buffer_;
}

Packed::Packed(size_t rows, size_t columns)
    : rows_(rows), columns_(columns), lanes_(lanes_for(rows)) {
  data_.assign((rows + lanes_ - 1) / lanes_ * lanes_ * columns, 0.0);
}

Packed::Packed(const Matrix& m) : Packed(m.rows, m.columns) {
  for (size_t r = 0; r < m.rows; ++r)
    for (size_t c = 0; c < m.columns; ++c) at(r, c) = m.at(r, c);
}

Packed Packed::transposed(const Matrix& m) {
  Packed out(m.columns, m.rows);
  for (size_t r = 0; r < m.rows; ++r)
    for (size_t c = 0; c < m.columns; ++c) out.at(c, r) = m.at(r, c);
  return out;
}

void Packed::times(const double* x, size_t count, double* out) const {
  if (lanes_ == 1) {
    for (size_t i = 0; rows_ == 1 && i < count; ++i)
      out[i] = dot(x + i * columns_, data_.data(), columns_);
    return;
  }
  BlockFunction one = lanes_ == 8 ? one_by_8 : lanes_ == 4 ? one_by_4 : one_by_2;
  BlockFunction four = lanes_ == 8 ? four_by_8 : lanes_ == 4 ? four_by_4 : four_by_2;
  double sums[4 * 8];
  for (size_t i = 0; i < count;) {
    size_t step = count - i >= 4 ? 4 : 1;
    for (size_t b = 0; b < rows_; b += lanes_) {
      (step == 4 ? four : one)(x + i * columns_, columns_, data_.data() + b * columns_, columns_,
                               sums);
      size_t used = std::min(lanes_, rows_ - b);
      for (size_t r = 0; r < step; ++r)
        std::memcpy(out + (i + r) * rows_ + b, sums + r * lanes_, used * sizeof(double));
    }
    i += step;
  }
}

void Packed::times_sparse(const Table& x, size_t r, double* out) const {
  std::fill(out, out + rows_, 0.0);
  for (size_t i = x.starts[r]; i < x.starts[r + 1]; ++i) {
    double v = x.values[i];
    for (size_t b = 0; b < rows_; b += lanes_) {
      const double* w = data_.data() + b * columns_ + x.indices[i] * lanes_;
      size_t used = std::min(lanes_, rows_ - b);
      for (size_t k = 0; k < used; ++k) out[b + k] += v * w[k];
    }
  }
}

void Packed::times(const Rows& x, double* out) const {
  if (!x.sparse) return times(x.dense, x.count, out);
  for (size_t r = 0; r < x.count; ++r) times_sparse(*x.sparse, r, out + r * rows_);
}

void Packed::distances(const double* x, double* out) const {
  if (lanes_ == 1) {
    double sum = 0;
    for (size_t c = 0; rows_ == 1 && c < columns_; ++c) {
      double d = x[c] - data_[c];
      sum += d * d;
    }
    if (rows_ == 1) out[0] = sum;
    return;
  }
  BlockFunction one = lanes_ == 8 ? distance_8 : lanes_ == 4 ? distance_4 : distance_2;
  double sums[8];
  for (size_t b = 0; b < rows_; b += lanes_) {
    one(x, columns_, data_.data() + b * columns_, columns_, sums);
    std::memcpy(out + b, sums, std::min(lanes_, rows_ - b) * sizeof(double));
  }
}

}  // namespace proa::engines
