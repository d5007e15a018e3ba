// Sixteen rows side by side down one tree. The upper nodes of a complete tree lie in registers,
// from which a permutation fetches each row's node.
#include "models/engines/trees/layout.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PROA_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,bmi2")))

namespace proa::trees {
namespace {

template <bool kNan, bool kExact>
PROA_AVX512 inline __mmask16 goes_right(__m512 threshold, __m512i word, const float* values,
                                        __mmask16& doubt) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512i place = _mm512_add_epi32(_mm512_slli_epi32(word, 4), lanes);  // drops kNanLeft
  __m512 x = _mm512_i32gather_ps(place, values, 4);
  __mmask16 right = _mm512_cmp_ps_mask(x, threshold, _CMP_NLE_UQ);
  if constexpr (!kExact) doubt |= _mm512_cmp_ps_mask(x, threshold, _CMP_EQ_OQ);
  if constexpr (kNan) {
    __mmask16 nan = _mm512_mask_cmp_ps_mask(_mm512_movepi32_mask(word), x, x, _CMP_UNORD_Q);
    right = _kandn_mask16(nan, right);
  }
  return right;
}

PROA_AVX512 inline __m512i child(__m512i i, __mmask16 right) {
  __m512i twice = _mm512_add_epi32(i, i);
  return _mm512_mask_add_epi32(twice, right, twice, _mm512_set1_epi32(1));
}

// Where in the tree's leaves each row of one group comes to.
template <bool kNan, bool kExact>
PROA_AVX512 inline __m512i walk_complete(const float* threshold, const uint32_t* word, size_t depth,
                                         const float* values, __mmask16& doubt) {
  const __m512 t0 = _mm512_load_ps(threshold);
  const __m512i w0 = _mm512_load_si512(word);
  __m512i i = _mm512_set1_epi32(1);
  for (size_t level = 0; level < 4; ++level) {
    __m512 t = _mm512_permutexvar_ps(i, t0);
    __m512i w = _mm512_permutexvar_epi32(i, w0);
    i = child(i, goes_right<kNan, kExact>(t, w, values, doubt));
  }
  if (depth > 4) {
    __m512 t = _mm512_permutexvar_ps(i, _mm512_load_ps(threshold + 16));
    __m512i w = _mm512_permutexvar_epi32(i, _mm512_load_si512(word + 16));
    i = child(i, goes_right<kNan, kExact>(t, w, values, doubt));
  }
  if (depth > 5) {
    __m512 t =
        _mm512_permutex2var_ps(_mm512_load_ps(threshold + 32), i, _mm512_load_ps(threshold + 48));
    __m512i w =
        _mm512_permutex2var_epi32(_mm512_load_si512(word + 32), i, _mm512_load_si512(word + 48));
    i = child(i, goes_right<kNan, kExact>(t, w, values, doubt));
  }
  for (size_t level = 6; level < depth; ++level) {
    __m512 t = _mm512_i32gather_ps(i, threshold, 4);
    __m512i w = _mm512_i32gather_epi32(i, word, 4);
    i = child(i, goes_right<kNan, kExact>(t, w, values, doubt));
  }
  return _mm512_sub_epi32(i, _mm512_set1_epi32(1 << depth));
}

template <bool kNan, bool kExact>
PROA_AVX512 inline __m512i walk_linked(const Packed& p, size_t tree, const float* values,
                                       __mmask16& doubt) {
  __m512i i = _mm512_set1_epi32(static_cast<int>(p.root[tree]));
  for (;;) {
    __m512 t = _mm512_i32gather_ps(i, p.threshold.get(), 4);
    __m512i w = _mm512_i32gather_epi32(i, p.word.get(), 4);
    __m512i next = _mm512_i32gather_epi32(i, p.next.get(), 4);
    __mmask16 right = goes_right<kNan, kExact>(t, w, values, doubt);
    next = _mm512_mask_add_epi32(next, right, next, _mm512_set1_epi32(1));
    if (_mm512_cmpneq_epi32_mask(next, i) == 0) return i;
    i = next;
  }
}

// Adds the leaves' values to one group's sums, `outputs` apart from row to row.
PROA_AVX512 inline void add_leaves(const Layout& f, size_t tree, size_t first, __m512i at,
                                   size_t rows, double* sums) {
  const Packed& p = *f.packed;
  alignas(64) uint32_t place[16];
  _mm512_store_si512(place, at);
  if (f.width != 1) {
    for (size_t r = 0; r < rows; ++r) {
      const double* v = &f.values[size_t{p.leaf[first + place[r]]} * f.width];
      double* s = sums + r * f.outputs;
      if (f.float_sum)
        for (size_t k = 0; k < f.width; ++k)
          s[k] = static_cast<float>(s[k]) + static_cast<float>(v[k]);
      else
        for (size_t k = 0; k < f.width; ++k) s[k] += v[k];
    }
    return;
  }
  double* s = sums + f.tree_output[tree];
  if (f.float_sum)
    for (size_t r = 0; r < rows; ++r)
      s[r * f.outputs] = static_cast<float>(s[r * f.outputs]) + p.float_value[first + place[r]];
  else
    for (size_t r = 0; r < rows; ++r) s[r * f.outputs] += p.value[first + place[r]];
}

// One output and a whole group: the sums stay vectors.
PROA_AVX512 inline void add_alone(const Packed& p, size_t first, __m512i at, double* sums) {
  __m256i low = _mm512_castsi512_si256(at), high = _mm512_extracti64x4_epi64(at, 1);
  __m512d a = _mm512_loadu_pd(sums), b = _mm512_loadu_pd(sums + 8);
  if (p.value != nullptr) {
    a = _mm512_add_pd(a, _mm512_i32gather_pd(low, p.value.get() + first, 8));
    b = _mm512_add_pd(b, _mm512_i32gather_pd(high, p.value.get() + first, 8));
  } else {
    __m256 v = _mm256_i32gather_ps(p.float_value.get() + first, low, 4);
    a = _mm512_cvtps_pd(_mm256_add_ps(_mm512_cvtpd_ps(a), v));
    v = _mm256_i32gather_ps(p.float_value.get() + first, high, 4);
    b = _mm512_cvtps_pd(_mm256_add_ps(_mm512_cvtpd_ps(b), v));
  }
  _mm512_storeu_pd(sums, a);
  _mm512_storeu_pd(sums + 8, b);
}

template <bool kNan, bool kExact>
PROA_AVX512 void add_all(const Layout& f, Block& b) {
  const Packed& p = *f.packed;
  bool alone = f.outputs == 1;
  for (size_t t = 0; t < p.trees; ++t) {
    size_t first = p.complete ? t * p.stride : 0;
    for (size_t r = 0; r < b.n; r += Block::kLanes) {
      const float* values = b.values + r * p.features;
      __mmask16 doubt = 0;
      __m512i at = p.complete
                       ? walk_complete<kNan, kExact>(p.threshold.get() + first,
                                                     p.word.get() + first, p.depth, values, doubt)
                       : walk_linked<kNan, kExact>(p, t, values, doubt);
      size_t rows = b.n - r < Block::kLanes ? b.n - r : Block::kLanes;
      if (alone && rows == Block::kLanes)
        add_alone(p, first, at, b.sums + r);
      else
        add_leaves(f, t, first, at, rows, b.sums + r * f.outputs);
      if constexpr (!kExact) {
        if (doubt == 0) continue;
        for (size_t k = 0; k < rows; ++k) b.doubtful[r + k] |= (doubt >> k) & 1;
      }
    }
  }
}

}  // namespace

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("bmi2");
}

void add_trees_avx512(const Layout& f, Block& b) {
  bool exact = f.packed->exact;
  if (b.nan)
    exact ? add_all<true, true>(f, b) : add_all<true, false>(f, b);
  else
    exact ? add_all<false, true>(f, b) : add_all<false, false>(f, b);
}

}  // namespace proa::trees

#else

namespace proa::trees {
bool has_avx512() { return false; }
void add_trees_avx512(const Layout& f, Block& b) { add_trees_scalar(f, b); }
}  // namespace proa::trees

#endif
