// Four numbers side by side, each in the 16 bytes that end it. What a lane's bytes are comes as 16
// bits; counting leading zeros tells where the number begins and where its point is.
#include "models/protocols/scan_numbers.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PROA_AVX512 \
  __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512cd,bmi,bmi2,lzcnt")))

namespace proa::protocols {
namespace {

// A lane's 16 bits as a number of 32.
PROA_AVX512 inline __m128i lanes(__mmask64 bits) {
  return _mm_cvtepu16_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bits)));
}

PROA_AVX512 inline __mmask64 bits_of(__m128i lanes) {
  return static_cast<__mmask64>(_mm_cvtsi128_si64(_mm_cvtepi32_epi16(lanes)));
}

// 1 in the lanes whose bits have the one at `place` (0 to 15; -1: none).
PROA_AVX512 inline __m128i bit_at(__mmask64 bits, __m128i place) {
  return _mm_and_si128(_mm_srlv_epi32(lanes(bits), place), _mm_set1_epi32(1));
}

PROA_AVX512 inline __m512i load(const char* start, const int16_t* ends) {
  auto at = [&](int k) PROA_AVX512 {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(start + ends[k] - 16));
  };
  __m512i text = _mm512_castsi128_si512(at(0));
  text = _mm512_inserti32x4(text, at(1), 1);
  text = _mm512_inserti32x4(text, at(2), 2);
  return _mm512_inserti32x4(text, at(3), 3);
}

// Sixteen digits of each lane, the first the highest.
PROA_AVX512 inline __m256d value_of(__m512i digits) {
  __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));
  __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00010064));
  __m512i packed = _mm512_packus_epi32(fours, fours);
  __m512i eights = _mm512_madd_epi16(packed, _mm512_set1_epi32(0x00012710));
  __m512i high = _mm512_mul_epu32(eights, _mm512_set1_epi64(100000000));
  __m512i all = _mm512_add_epi64(high, _mm512_srli_epi64(eights, 32));
  all = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6), all);
  return _mm256_cvtepi64_pd(_mm512_castsi512_si256(all));
}

PROA_AVX512 inline __m256d ten_to(__m128i exponent) {
  const __m512d low = _mm512_setr_pd(1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7);
  const __m512d high = _mm512_setr_pd(1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15);
  __m512i place = _mm512_castsi256_si512(_mm256_cvtepu32_epi64(exponent));
  return _mm512_castpd512_pd256(_mm512_permutex2var_pd(low, place, high));
}

// One four. False: one of them is none of ours.
PROA_AVX512 inline bool read_four(const char* start, const int16_t* ends, double* to, bool& whole) {
  const __m128i one = _mm_set1_epi32(1), sixteen = _mm_set1_epi32(16), all = _mm_set1_epi32(0xffff);
  __m512i text = load(start, ends);
  __m512i digits = _mm512_sub_epi8(text, _mm512_set1_epi8('0'));
  __mmask64 point = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('.'));
  __mmask64 other = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9)) & ~point;

  // Where the last byte is that is of no number; how long that makes the number.
  __m128i zeros = _mm_lzcnt_epi32(lanes(other));
  __m128i length = _mm_sub_epi32(zeros, sixteen);
  __m128i place = _mm_sub_epi32(_mm_set1_epi32(31), zeros);
  __mmask64 ours = bits_of(_mm_sllv_epi32(all, _mm_sub_epi32(sixteen, length)));
  __m128i points = lanes(point & ours);
  __m128i behind = _mm_sub_epi32(_mm_lzcnt_epi32(points), sixteen);  // 16: no point
  __mmask8 has_point = _mm_cmplt_epi32_mask(behind, sixteen);
  __m128i before = _mm_mask_sub_epi32(length, has_point, length, _mm_add_epi32(behind, one));

  // Before it: a '-' perhaps, a blank perhaps, and the end of the element before.
  __m128i minus = bit_at(_mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('-')), place);
  __m128i mark = _mm_sub_epi32(place, minus);
  mark = _mm_sub_epi32(mark, bit_at(_mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(' ')), mark));
  __m128i end = _mm_cvtepi16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(ends)));
  __m128i last = _mm_cvtepi16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(ends - 1)));
  __m128i expected = _mm_sub_epi32(sixteen, _mm_sub_epi32(end, last));

  __m128i zero_first =
      bit_at(_mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('0')), _mm_add_epi32(place, one));
  unsigned wrong = _mm_cmpneq_epi32_mask(mark, expected) | _mm_cmpge_epi32_mask(length, sixteen) |
                   _mm_test_epi32_mask(points, _mm_sub_epi32(points, one)) |
                   _mm_testn_epi32_mask(behind, behind) | _mm_cmplt_epi32_mask(before, one) |
                   _mm_cmpgt_epi32_mask(
                       _mm_and_si128(before, _mm_sub_epi32(_mm_setzero_si128(), zero_first)), one);
  if (wrong != 0) return false;

  whole &= has_point == 0;
  digits = _mm512_maskz_mov_epi8(ours, digits);
  digits = _mm512_mask_mov_epi8(digits, bits_of(_mm_srlv_epi32(all, behind)),
                                _mm512_bslli_epi128(digits, 1));
  __m256d size = _mm256_div_pd(value_of(digits), ten_to(_mm_maskz_mov_epi32(has_point, behind)));
  __m256i sign = _mm256_slli_epi64(_mm256_cvtepu32_epi64(minus), 63);
  _mm256_storeu_pd(to, _mm256_xor_pd(size, _mm256_castsi256_pd(sign)));
  return true;
}

PROA_AVX512 size_t read_all(const char* start, const int16_t* ends, size_t count, double* to,
                            bool& whole) {
  size_t n = 0;
  bool all_whole = whole;
  while (n + 4 <= count && read_four(start, ends + n, to + n, all_whole)) n += 4;
  whole = all_whole;
  return n;
}

}  // namespace

bool has_fours() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("bmi2");
}

size_t read_fours(const char* start, const int16_t* ends, size_t count, double* to, bool& whole) {
  return read_all(start, ends, count, to, whole);
}

}  // namespace proa::protocols

#else

namespace proa::protocols {
bool has_fours() { return false; }
size_t read_fours(const char*, const int16_t*, size_t, double*, bool&) { return 0; }
}  // namespace proa::protocols

#endif
