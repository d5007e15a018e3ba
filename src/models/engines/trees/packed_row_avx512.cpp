// Sixteen complete trees of one row side by side. Up to 32 features lie in registers, from which a
// permutation fetches each tree's value.
#include "models/engines/trees/layout.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PROA_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,bmi2")))

namespace proa::trees {
namespace {

// One row's values; kFew: at most 32.
struct Row {
  __m512 low, high;
  const float* values;
};

PROA_AVX512 inline Row row_of(const float* values, size_t features) {
  Row row;
  row.values = values;
  auto mask = static_cast<uint32_t>(features >= 32 ? ~0u : (1u << features) - 1);
  row.low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), values);
  row.high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), values + 16);
  return row;
}

template <bool kFew>
PROA_AVX512 inline __m512 value_of(const Row& row, __m512i word) {
  if constexpr (kFew) return _mm512_permutex2var_ps(row.low, word, row.high);
  __m512i feature = _mm512_and_si512(word, _mm512_set1_epi32(Packed::kFeature));
  return _mm512_i32gather_ps(feature, row.values, 4);
}

template <bool kFew, bool kNan, bool kExact>
PROA_AVX512 inline __mmask16 goes_right(const Row& row, __m512 t, __m512i word, __mmask16& doubt) {
  __m512 x = value_of<kFew>(row, word);
  __mmask16 right = _mm512_cmp_ps_mask(x, t, _CMP_NLE_UQ);
  if constexpr (!kExact) doubt = _kor_mask16(doubt, _mm512_cmp_ps_mask(x, t, _CMP_EQ_OQ));
  if constexpr (kNan) {
    __mmask16 nan = _mm512_mask_cmp_ps_mask(_mm512_movepi32_mask(word), x, x, _CMP_UNORD_Q);
    right = _kandn_mask16(nan, right);
  }
  return right;
}

struct Pick {
  __m512 threshold;
  __m512i word;
};

PROA_AVX512 inline Pick load(const Packed::Head& head, size_t k) {
  return {_mm512_load_ps(head.threshold[k]), _mm512_load_si512(head.word[k])};
}

// `pick`, but node k of the head for the trees of the mask.
PROA_AVX512 inline Pick put(Pick pick, __mmask16 mask, const Packed::Head& head, size_t k) {
  return {_mm512_mask_load_ps(pick.threshold, mask, head.threshold[k]),
          _mm512_mask_load_epi32(pick.word, mask, head.word[k])};
}

// Each tree's node below its first three levels: 8 to 15.
template <bool kFew, bool kNan, bool kExact>
PROA_AVX512 inline __m512i three_levels(const Packed::Head& head, const Row& row,
                                        __mmask16& doubt) {
  Pick pick = load(head, 1);
  __mmask16 first = goes_right<kFew, kNan, kExact>(row, pick.threshold, pick.word, doubt);
  pick = put(load(head, 2), first, head, 3);
  __mmask16 second = goes_right<kFew, kNan, kExact>(row, pick.threshold, pick.word, doubt);
  pick = put(load(head, 4), second, head, 5);
  pick = put(pick, _kandn_mask16(second, first), head, 6);
  pick = put(pick, _kand_mask16(second, first), head, 7);
  __mmask16 third = goes_right<kFew, kNan, kExact>(row, pick.threshold, pick.word, doubt);
  __m512i i = _mm512_set1_epi32(8);
  i = _mm512_mask_add_epi32(i, first, i, _mm512_set1_epi32(4));
  i = _mm512_mask_add_epi32(i, second, i, _mm512_set1_epi32(2));
  return _mm512_mask_add_epi32(i, third, i, _mm512_set1_epi32(1));
}

// The nodes at `place`, thresholds and words apart.
PROA_AVX512 inline Pick fetch(const Packed::Node* nodes, __m512i place) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  __m512i a = _mm512_i32gather_epi64(_mm512_castsi512_si256(place), nodes, 8);
  __m512i b = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(place, 1), nodes, 8);
  return {_mm512_castsi512_ps(_mm512_permutex2var_epi32(a, even, b)),
          _mm512_permutex2var_epi32(a, odd, b)};
}

// One output: the sum stays in a register.
template <typename T>
inline void add_values(const T* values, const uint32_t* at, size_t count, double& out) {
  auto sum = static_cast<T>(out);
  if (count == 16) {
#pragma GCC unroll 16
    for (size_t k = 0; k < 16; ++k) sum += values[at[k]];
  } else {
    for (size_t k = 0; k < count; ++k) sum += values[at[k]];
  }
  out = sum;
}

inline void add_alone(const Packed& p, const uint32_t* at, size_t count, double& out) {
  if (p.value != nullptr) return add_values(p.value.get(), at, count, out);
  add_values(p.float_value.get(), at, count, out);
}

// Two outputs, as of a forest of two classes.
inline void add_pairs(const Layout& f, const uint32_t* at, size_t count, double* sums) {
  double a = sums[0], b = sums[1];
  const uint32_t* leaf = f.packed->leaf.get();
  for (size_t k = 0; k < count; ++k) {
    const double* v = &f.values[size_t{leaf[at[k]]} * 2];
    a += v[0], b += v[1];
  }
  sums[0] = a, sums[1] = b;
}

template <bool kFew, bool kNan, bool kExact>
PROA_AVX512 bool add_row(const Layout& f, const Row& row, double* sums) {
  const Packed& p = *f.packed;
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __mmask16 doubtful = 0;
  auto last = _mm512_set1_epi32(static_cast<int>(p.trees - 1));
  auto stride = _mm512_set1_epi32(static_cast<int>(p.stride));
  for (size_t t = 0; t < p.trees; t += 16) {
    __mmask16 doubt = 0;
    __m512i i = three_levels<kFew, kNan, kExact>(p.head[t / 16], row, doubt);
    __m512i tree = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(t)));
    __m512i base = _mm512_mullo_epi32(_mm512_min_epi32(tree, last), stride);
    for (size_t level = 3; level < p.depth; ++level) {
      Pick pick = fetch(p.node.get(), _mm512_add_epi32(base, i));
      __mmask16 right = goes_right<kFew, kNan, kExact>(row, pick.threshold, pick.word, doubt);
      __m512i twice = _mm512_add_epi32(i, i);
      i = _mm512_mask_add_epi32(twice, right, twice, _mm512_set1_epi32(1));
    }
    alignas(64) uint32_t at[16];
    _mm512_store_si512(at, _mm512_add_epi32(base, _mm512_sub_epi32(i, stride)));
    size_t count = p.trees - t < 16 ? p.trees - t : 16;
    doubtful |= doubt & static_cast<__mmask16>((1u << count) - 1);
    if (f.outputs == 1 && f.width == 1)
      add_alone(p, at, count, *sums);
    else if (f.width == 2 && !f.float_sum)
      add_pairs(f, at, count, sums);
    else
      for (size_t k = 0; k < count; ++k) add_leaf(f, t + k, at[k], sums);
  }
  return doubtful != 0;
}

template <bool kNan, bool kExact>
PROA_AVX512 void add_rows(const Layout& f, Block& b) {
  const Packed& p = *f.packed;
  for (size_t r = 0; r < b.n; ++r) {
    Row row = row_of(b.values + r * p.features, p.features);
    double* sums = b.sums + r * f.outputs;
    bool doubt = p.features <= 32 ? add_row<true, kNan, kExact>(f, row, sums)
                                  : add_row<false, kNan, kExact>(f, row, sums);
    if constexpr (!kExact) b.doubtful[r] |= static_cast<uint8_t>(doubt);
  }
}

}  // namespace

void add_row_avx512(const Layout& f, Block& b) {
  bool exact = f.packed->exact;
  if (b.nan)
    exact ? add_rows<true, true>(f, b) : add_rows<true, false>(f, b);
  else
    exact ? add_rows<false, true>(f, b) : add_rows<false, false>(f, b);
}

}  // namespace proa::trees

#else

namespace proa::trees {
void add_row_avx512(const Layout& f, Block& b) { add_trees_scalar(f, b); }
}  // namespace proa::trees

#endif
