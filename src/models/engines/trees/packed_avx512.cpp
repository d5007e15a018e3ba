// Sixteen rows side by side down one tree: the first levels of a complete tree by comparing all of
// its nodes, the next from registers, from which a permutation fetches each row's node.
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

// Sixteen nodes, thresholds and words apart.
struct Table {
  __m512 threshold;
  __m512i word;
};

PROA_AVX512 inline Table table(const Packed::Node* nodes) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  __m512i a = _mm512_load_si512(nodes), b = _mm512_load_si512(nodes + 8);
  return {_mm512_castsi512_ps(_mm512_permutex2var_epi32(a, even, b)),
          _mm512_permutex2var_epi32(a, odd, b)};
}

// The upper six levels of a complete tree: nodes 0 to 15, 16 to 31, 32 to 47, 48 to 63.
struct Top {
  Table first, second, third, fourth;
};

PROA_AVX512 inline Top top_of(const Packed::Node* nodes, size_t depth) {
  Top top;
  top.first = table(nodes);
  top.second = depth > 4 ? table(nodes + 16) : top.first;
  top.third = depth > 5 ? table(nodes + 32) : top.first;
  top.fourth = depth > 5 ? table(nodes + 48) : top.first;
  return top;
}

// The first seven nodes, which every row of a group is compared with at once: that costs less than
// to fetch each row's own value.
struct Head {
  Packed::Node node[8];
  size_t place[8];  // of the feature in a group's values
};

PROA_AVX512 inline Head head_of(const Packed::Node* nodes) {
  Head head;
  for (size_t k = 1; k < 8; ++k) {
    head.node[k] = nodes[k];
    head.place[k] = size_t{nodes[k].word & Packed::kFeature} * Block::kLanes;
  }
  return head;
}

// Which of the rows `among` go right at node `k`.
template <bool kNan, bool kExact>
PROA_AVX512 inline __mmask16 right_at(const Head& head, size_t k, __mmask16 among,
                                      const float* values, __mmask16& doubt) {
  __m512 x = _mm512_loadu_ps(values + head.place[k]);
  __m512 t = _mm512_set1_ps(head.node[k].threshold);
  __mmask16 right = _mm512_mask_cmp_ps_mask(among, x, t, _CMP_NLE_UQ);
  if constexpr (!kExact)
    doubt = _kor_mask16(doubt, _mm512_mask_cmp_ps_mask(among, x, t, _CMP_EQ_OQ));
  if constexpr (kNan)
    if ((head.node[k].word & Packed::kNanLeft) != 0)
      right = _kandn_mask16(_mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), right);
  return right;
}

// Each row's node below the first three levels: 8 to 15.
template <bool kNan, bool kExact>
PROA_AVX512 inline __m512i three_levels(const Head& head, const float* values, __mmask16& doubt) {
  auto go = [&](size_t k, __mmask16 among)
                PROA_AVX512 { return right_at<kNan, kExact>(head, k, among, values, doubt); };
  __mmask16 right = go(1, 0xffff), left = _knot_mask16(right);
  __mmask16 left_right = go(2, left), right_right = go(3, right);
  __mmask16 third =
      _kor_mask16(_kor_mask16(go(4, _kandn_mask16(left_right, left)), go(5, left_right)),
                  _kor_mask16(go(6, _kandn_mask16(right_right, right)), go(7, right_right)));
  __m512i i = _mm512_set1_epi32(8);
  i = _mm512_mask_add_epi32(i, right, i, _mm512_set1_epi32(4));
  i = _mm512_mask_add_epi32(i, _kor_mask16(left_right, right_right), i, _mm512_set1_epi32(2));
  return _mm512_mask_add_epi32(i, third, i, _mm512_set1_epi32(1));
}

// Where in the tree's leaves each row of one group comes to. depth: of this tree, 3 at least.
template <bool kNan, bool kExact>
PROA_AVX512 inline __m512i walk_complete(const Head& head, const Top& top,
                                         const Packed::Node* nodes, size_t depth,
                                         const float* values, __mmask16& doubt) {
  __m512i i = three_levels<kNan, kExact>(head, values, doubt);
  if (depth > 3) {
    __m512 t = _mm512_permutexvar_ps(i, top.first.threshold);
    __m512i w = _mm512_permutexvar_epi32(i, top.first.word);
    i = child(i, goes_right<kNan, kExact>(t, w, values, doubt));
  }
  if (depth > 4) {
    __m512 t = _mm512_permutexvar_ps(i, top.second.threshold);
    __m512i w = _mm512_permutexvar_epi32(i, top.second.word);
    i = child(i, goes_right<kNan, kExact>(t, w, values, doubt));
  }
  if (depth > 5) {
    __m512 t = _mm512_permutex2var_ps(top.third.threshold, i, top.fourth.threshold);
    __m512i w = _mm512_permutex2var_epi32(top.third.word, i, top.fourth.word);
    i = child(i, goes_right<kNan, kExact>(t, w, values, doubt));
  }
  for (size_t level = 6; level < depth; ++level) {
    __m512 t = _mm512_i32gather_ps(i, &nodes->threshold, 8);
    __m512i w = _mm512_i32gather_epi32(i, &nodes->word, 8);
    i = child(i, goes_right<kNan, kExact>(t, w, values, doubt));
  }
  return _mm512_sub_epi32(i, _mm512_set1_epi32(1 << depth));
}

template <bool kNan, bool kExact>
PROA_AVX512 inline __m512i walk_linked(const Packed& p, size_t tree, const float* values,
                                       __mmask16& doubt) {
  __m512i i = _mm512_set1_epi32(static_cast<int>(p.root[tree]));
  for (;;) {
    __m512 t = _mm512_i32gather_ps(i, &p.node[0].threshold, 8);
    __m512i w = _mm512_i32gather_epi32(i, &p.node[0].word, 8);
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
  if (f.width == 2 && !f.float_sum) {
    for (size_t r = 0; r < rows; ++r) {
      const double* v = &f.values[size_t{p.leaf[first + place[r]]} * 2];
      sums[r * 2] += v[0], sums[r * 2 + 1] += v[1];
    }
    return;
  }
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
    const Packed::Node* nodes = p.node.get() + first;
    Top top;
    Head head;
    size_t depth = p.complete ? p.tree_depth[t] : 0;
    if (p.complete) top = top_of(nodes, p.depth), head = head_of(nodes);
    for (size_t r = 0; r < b.n; r += Block::kLanes) {
      const float* values = b.values + r * p.features;
      __mmask16 doubt = 0;
      __m512i at;
      if (p.complete)
        at = _mm512_slli_epi32(walk_complete<kNan, kExact>(head, top, nodes, depth, values, doubt),
                               static_cast<unsigned>(p.depth - depth));
      else
        at = walk_linked<kNan, kExact>(p, t, values, doubt);
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
