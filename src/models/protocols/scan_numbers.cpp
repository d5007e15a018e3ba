// Lists of short numbers, many a time: the separators of 64 bytes are found at once, so that the
// numbers between them are read side by side, each from the 16 bytes that end it.
#include "models/protocols/scan_numbers.h"

#include <algorithm>

#include "models/protocols/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PROA_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))

namespace proa::protocols {
namespace {

constexpr double kTens[16] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
// 16 bytes from place n: the last n are ones; the first 16 - n of kEarly.
alignas(32) constexpr uint8_t kLate[32] = {
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
alignas(32) constexpr uint8_t kEarly[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

PROA_AVX2 inline __m128i at(const uint8_t* table, unsigned n) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + n));
}

// Sixteen digits, the first the highest.
PROA_AVX2 inline uint64_t value_of(__m128i digits) {
  __m128i pairs = _mm_maddubs_epi16(
      digits, _mm_setr_epi8(10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1));
  __m128i fours = _mm_madd_epi16(pairs, _mm_setr_epi16(100, 1, 100, 1, 100, 1, 100, 1));
  __m128i packed = _mm_packus_epi32(fours, fours);
  __m128i eights = _mm_madd_epi16(packed, _mm_setr_epi16(10000, 1, 10000, 1, 10000, 1, 10000, 1));
  auto both = static_cast<uint64_t>(_mm_cvtsi128_si64(eights));
  return (both & 0xffffffff) * 100000000 + (both >> 32);
}

constexpr unsigned kNoPoint = 16;

// The last n characters of a number, 1 to 16 of them: its digits without the point.
struct Tail {
  uint64_t number;
  unsigned behind;  // the point; or kNoPoint
  bool ok;          // digits and at most one point
};

PROA_AVX2 inline Tail tail_of(const char* end, unsigned n) {
  __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(end - 16));
  __m128i digits = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
  __m128i is_point = _mm_cmpeq_epi8(text, _mm_set1_epi8('.'));
  auto others = ~static_cast<unsigned>(_mm_movemask_epi8(is_digit)) & (0xffff0000u >> n) & 0xffff;
  auto points = static_cast<unsigned>(_mm_movemask_epi8(is_point));
  Tail out;
  out.ok = ((others & (others - 1)) | (others & ~points)) == 0;
  out.behind = 16 - (31 - static_cast<unsigned>(__builtin_clz(others * 2 + 1)));
  digits = _mm_and_si128(digits, at(kLate, n));
  digits = _mm_blendv_epi8(digits, _mm_bslli_si128(digits, 1), at(kEarly, out.behind));
  out.number = value_of(digits);
  return out;
}

// A number of more than 16 characters, up to 19 digits; its first few are taken one by one.
PROA_AVX2 bool read_long(const char* from, const char* end, double& size, bool& whole) {
  if (end - from > 20) return false;
  Tail tail = tail_of(end, 16);
  if (!tail.ok || tail.behind == 0) return false;
  bool point = tail.behind != kNoPoint;
  unsigned behind = point ? tail.behind : 0;
  uint64_t first = 0;
  for (const char *p = from, *rest = end - 16; p < rest; ++p) {
    auto d = static_cast<unsigned>(*p - '0');
    if (d < 10) {
      first = first * 10 + d;
    } else {
      if (*p != '.' || point || p == from) return false;
      point = true;
      behind = static_cast<unsigned>(end - p - 1);
    }
  }
  if ((!point && end - from > 19) || (*from == '0' && from[1] != '.')) return false;
  whole &= !point;
  uint64_t shift = tail.behind != kNoPoint ? 1000000000000000 : 10000000000000000;
  size = quotient(first * shift + tail.number, behind);
  return true;
}

// A number from `from` to `end`, before which 16 bytes can be read. False: it is none, or one of
// many digits, or has an exponent.
PROA_AVX2 inline bool read_one(const char* from, const char* end, double& v, bool& whole) {
  bool negative = *from == '-';
  from += negative;
  auto length = static_cast<size_t>(end - from);
  double size;
  if (length - 1 < 16) [[likely]] {
    auto n = static_cast<unsigned>(length);
    Tail tail = tail_of(end, n);
    unsigned before = n - (tail.behind == kNoPoint ? 0 : tail.behind + 1);
    bool zero = *from == '0' && before > 1;
    if (!tail.ok || tail.behind == 0 || before == 0 || zero || tail.number > (uint64_t{1} << 53))
      return false;
    whole &= tail.behind == kNoPoint;
    size = static_cast<double>(tail.number) / kTens[tail.behind & 15];
  } else if (length == 0 || !read_long(from, end, size, whole)) {
    return false;
  }
  v = negative ? -size : size;
  return true;
}

PROA_AVX2 inline uint64_t find(const char* block, char c) {
  __m256i want = _mm256_set1_epi8(c);
  auto bits = [&](const char* p) PROA_AVX2 {
    __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(text, want)));
  };
  return bits(block) | static_cast<uint64_t>(bits(block + 32)) << 32;
}

// Where elements end: at commas and at the first ']'.
struct Ends {
  static constexpr size_t kMost = 128;
  size_t count = 0;
  bool closed = false;  // the last one is the ']'
  // at[-1]: where the element before the first one ended.
  int16_t all[1 + kMost + 64 + 12];
  int16_t* at = all + 1;
};

PROA_AVX2 inline void find_ends(const char* from, const char* end, Ends& out) {
  out.count = 0;
  out.closed = false;
  for (const char* block = from; end - block >= 64 && out.count < Ends::kMost; block += 64) {
    uint64_t close = find(block, ']'), first = close & (0 - close);
    uint64_t ends = (find(block, ',') | first) & (first ^ (first - 1));
    auto count = static_cast<size_t>(__builtin_popcountll(ends));
    auto base = static_cast<unsigned>(block - from);
    int16_t* to = out.at + out.count;
    for (size_t i = 0; i < 12; ++i, ends &= ends - 1)  // more than there are mostly
      to[i] =
          static_cast<int16_t>(base + static_cast<unsigned>(__builtin_ctzll(ends | 1ull << 63)));
    for (size_t i = 12; i < count; ++i, ends &= ends - 1)
      to[i] = static_cast<int16_t>(base + static_cast<unsigned>(__builtin_ctzll(ends)));
    out.count += count;
    out.closed = first != 0;
    if (out.closed || count == 0) return;
  }
}

// Behind an element's comma and a blank; `end` is not the text's last byte.
inline const char* behind(const char* end) { return end + 1 + (end[1] == ' '); }

// `from`: behind the last element that was read, its comma and a blank. closed: before the ']'.
PROA_AVX2 size_t read_many(const char*& from, const char* end, double* to, bool& whole,
                           bool& closed) {
  double* next = to;
  const char* p = from;
  bool fours = has_fours();
  Ends ends;
  for (bool more = true; more;) {
    const char* start = p;
    find_ends(start, end, ends);
    ends.at[-1] = start[-1] == ' ' ? -2 : -1;
    for (size_t i = 0; i < ends.count;) {
      size_t n = fours ? read_fours(start, ends.at + i, ends.count - i, next, whole) : 0;
      if (n != 0) p = behind(start + ends.at[i + n - 1]);
      fours = n != 0;
      next += n;
      i += n;
      // What is left, or the four that holds another kind of number.
      for (size_t last = std::min(i + 4, ends.count); i < last; ++i) {
        const char* stop = start + ends.at[i];
        if (!read_one(p, stop, *next, whole)) {
          from = p;
          return static_cast<size_t>(next - to);
        }
        ++next;
        p = behind(stop);
      }
    }
    closed = ends.closed;
    more = !closed && ends.count >= Ends::kMost;
    if (closed) p = start + ends.at[ends.count - 1];
  }
  from = p;
  return static_cast<size_t>(next - to);
}

}  // namespace

size_t Scanner::quick_numbers(double* to, bool& whole, bool& closed) {
  closed = false;
  if (at_ - begin_ < 16 || left() < 65 || !__builtin_cpu_supports("avx2") ||
      !__builtin_cpu_supports("bmi2"))
    return 0;
  return read_many(at_, end_ - 1, to, whole, closed);
}

}  // namespace proa::protocols

#else

namespace proa::protocols {
size_t Scanner::quick_numbers(double*, bool&, bool& closed) {
  closed = false;
  return 0;
}
}  // namespace proa::protocols

#endif
