// Sixteen trees of one row side by side, so that the processor waits for none of them.
#include "models/engines/trees/layout.h"

namespace proa::trees {
namespace {

constexpr size_t kSide = 16;

template <bool kNan, bool kExact>
inline uint32_t step(const Packed& p, const float* row, size_t node, uint32_t& doubt) {
  auto [t, word] = p.node[node];
  float x = row[word & Packed::kFeature];
  if constexpr (!kExact) doubt |= x == t;
  uint32_t right = !(x <= t);
  if constexpr (kNan) right &= !(x != x && (word & Packed::kNanLeft) != 0);
  return right;
}

// The places of kCount trees' leaves, beginning with tree t.
template <bool kNan, bool kExact, size_t kCount>
inline void walk_complete(const Packed& p, size_t t, const float* row, uint32_t* at,
                          uint32_t& doubt) {
  uint32_t i[kCount];
  size_t base = t * p.stride;
  for (size_t k = 0; k < kCount; ++k) i[k] = 1;
  for (size_t level = 0; level < p.depth; ++level) {
#pragma GCC unroll 16
    for (size_t k = 0; k < kCount; ++k)
      i[k] = i[k] * 2 + step<kNan, kExact>(p, row, base + k * p.stride + i[k], doubt);
  }
  for (size_t k = 0; k < kCount; ++k)
    at[k] = static_cast<uint32_t>(base + k * p.stride) + i[k] - static_cast<uint32_t>(p.stride);
}

template <bool kNan, bool kExact, size_t kCount>
inline void walk_linked(const Packed& p, size_t t, const float* row, uint32_t* at,
                        uint32_t& doubt) {
  uint32_t i[kCount], moved = 1;
  for (size_t k = 0; k < kCount; ++k) i[k] = p.root[t + k];
  while (moved != 0) {
    moved = 0;
#pragma GCC unroll 16
    for (size_t k = 0; k < kCount; ++k) {
      uint32_t next = p.next[i[k]] + step<kNan, kExact>(p, row, i[k], doubt);
      moved |= next ^ i[k];
      i[k] = next;
    }
  }
  for (size_t k = 0; k < kCount; ++k) at[k] = i[k];
}

// One output: the sum stays in a register.
template <size_t kCount>
inline void add_alone(const Packed& p, const uint32_t* at, double& out) {
  if (p.value != nullptr) {
    double sum = out;
    for (size_t k = 0; k < kCount; ++k) sum += p.value[at[k]];
    out = sum;
    return;
  }
  auto sum = static_cast<float>(out);
  for (size_t k = 0; k < kCount; ++k) sum += p.float_value[at[k]];
  out = sum;
}

template <bool kNan, bool kExact, size_t kCount>
void add_some(const Layout& f, Block& b, size_t t) {
  const Packed& p = *f.packed;
  uint32_t at[kCount];
  for (size_t r = 0; r < b.n; ++r) {
    uint32_t doubt = 0;
    const float* row = b.values + r * p.features;
    if (p.complete)
      walk_complete<kNan, kExact, kCount>(p, t, row, at, doubt);
    else
      walk_linked<kNan, kExact, kCount>(p, t, row, at, doubt);
    double* sums = b.sums + r * f.outputs;
    if (f.outputs == 1 && f.width == 1)
      add_alone<kCount>(p, at, *sums);
    else
      for (size_t k = 0; k < kCount; ++k) add_leaf(f, t + k, at[k], sums);
    if constexpr (!kExact) b.doubtful[r] |= static_cast<uint8_t>(doubt != 0);
  }
}

template <bool kNan, bool kExact>
void add_all(const Layout& f, Block& b) {
  size_t t = 0, n = f.packed->trees;
  for (; t + kSide <= n; t += kSide) add_some<kNan, kExact, kSide>(f, b, t);
  for (; t + 4 <= n; t += 4) add_some<kNan, kExact, 4>(f, b, t);
  for (; t < n; ++t) add_some<kNan, kExact, 1>(f, b, t);
}

}  // namespace

void add_leaf(const Layout& f, size_t t, size_t at, double* sums) {
  const Packed& p = *f.packed;
  if (f.width != 1) {
    const double* v = &f.values[size_t{p.leaf[at]} * f.width];
    if (f.float_sum) {
      for (size_t k = 0; k < f.width; ++k)
        sums[k] = static_cast<float>(sums[k]) + static_cast<float>(v[k]);
    } else {
      for (size_t k = 0; k < f.width; ++k) sums[k] += v[k];
    }
    return;
  }
  double& sum = sums[f.tree_output[t]];
  if (f.float_sum)
    sum = static_cast<float>(sum) + p.float_value[at];
  else
    sum += p.value[at];
}

void add_trees_scalar(const Layout& f, Block& b) {
  bool exact = f.packed->exact;
  if (b.nan)
    exact ? add_all<true, true>(f, b) : add_all<true, false>(f, b);
  else
    exact ? add_all<false, true>(f, b) : add_all<false, false>(f, b);
}

}  // namespace proa::trees
