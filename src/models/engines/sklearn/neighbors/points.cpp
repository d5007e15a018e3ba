#include "models/engines/sklearn/neighbors/points.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace proa::engines::neighbors {
namespace {

// Columns are added up in their order, so that the sums are the ones of a plain loop over a row;
// only the points go side by side.
using Lane = double __attribute__((vector_size(32)));
constexpr size_t kLanes = 4;

enum class Fold { kSquares, kAbsolute, kLargest };

template <Fold fold>
[[gnu::always_inline]] inline double add(double sum, double d) {
  if constexpr (fold == Fold::kSquares) return sum + d * d;
  if constexpr (fold == Fold::kAbsolute) return sum + std::abs(d);
  return std::max(sum, std::abs(d));
}

// `kLanesAtOnce` lanes of points, from the point p on.
template <Fold fold, size_t kLanesAtOnce>
[[gnu::always_inline]] inline void tile(const double* query, size_t width, const double* cells,
                                        size_t count, size_t p, double* out) {
  Lane sums[kLanesAtOnce] = {};
  for (size_t f = 0; f < width; ++f) {
    const double* at = cells + f * count + p;
    Lane q = {query[f], query[f], query[f], query[f]};
#pragma GCC unroll 4
    for (size_t i = 0; i < kLanesAtOnce; ++i) {
      Lane d;
      std::memcpy(&d, at + i * kLanes, sizeof d);
      d -= q;
      if constexpr (fold == Fold::kSquares) {
        sums[i] += d * d;
      } else {
        Lane minus = -d, size = d < 0 ? minus : d;
        if constexpr (fold == Fold::kAbsolute)
          sums[i] += size;
        else
          sums[i] = sums[i] < size ? size : sums[i];
      }
    }
  }
  std::memcpy(out + p, sums, sizeof sums);
}

template <Fold fold>
[[gnu::always_inline]] inline void pass(const double* query, size_t width, const double* cells,
                                        size_t count, double* out) {
  size_t p = 0;
  for (; p + 4 * kLanes <= count; p += 4 * kLanes)
    tile<fold, 4>(query, width, cells, count, p, out);
  for (; p + kLanes <= count; p += kLanes) tile<fold, 1>(query, width, cells, count, p, out);
  for (; p < count; ++p) {
    double sum = 0;
    for (size_t f = 0; f < width; ++f) sum = add<fold>(sum, cells[f * count + p] - query[f]);
    out[p] = sum;
  }
}

template <Fold fold>
void plain(const double* q, size_t width, const double* cells, size_t count, double* out) {
  pass<fold>(q, width, cells, count, out);
}

#if defined(__x86_64__)
template <Fold fold>
__attribute__((target("avx2"))) void wide(const double* q, size_t width, const double* cells,
                                          size_t count, double* out) {
  pass<fold>(q, width, cells, count, out);
}
#endif

template <Fold fold>
void run(const double* q, size_t width, const double* cells, size_t count, double* out) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return wide<fold>(q, width, cells, count, out);
#endif
  plain<fold>(q, width, cells, count, out);
}

}  // namespace

void Points::lay_out(const Matrix& rows, std::span<const uint32_t> order, std::vector<size_t> ends,
                     const Metric& metric) {
  width_ = rows.columns;
  ends_ = std::move(ends);
  by_column_ = metric.fast();
  cells_.resize(order.size() * width_);
  std::vector<double> row(width_);
  for (size_t b = 0; b < blocks(); ++b) {
    size_t first = begin(b), count = end(b) - first;
    largest_ = std::max(largest_, count);
    double* to = cells_.data() + first * width_;
    for (size_t p = 0; p < count; ++p) {
      std::copy_n(rows.row(order[first + p]), width_, row.data());
      metric.prepare(row.data(), width_);
      for (size_t f = 0; f < width_; ++f) to[by_column_ ? f * count + p : p * width_ + f] = row[f];
    }
  }
}

void Points::reduced(const double* query, size_t block, const Metric& metric, double* out) const {
  size_t first = begin(block), count = end(block) - first;
  const double* cells = cells_.data() + first * width_;
  switch (metric.kind()) {
    case Metric::Kind::kEuclidean:
    case Metric::Kind::kSqEuclidean:
      return run<Fold::kSquares>(query, width_, cells, count, out);
    case Metric::Kind::kManhattan:
      return run<Fold::kAbsolute>(query, width_, cells, count, out);
    case Metric::Kind::kChebyshev:
      return run<Fold::kLargest>(query, width_, cells, count, out);
    default:
      for (size_t p = 0; p < count; ++p) out[p] = metric.reduced(query, cells + p * width_, width_);
  }
}

}  // namespace proa::engines::neighbors
