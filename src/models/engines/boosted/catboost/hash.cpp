#include "models/engines/boosted/catboost/hash.h"

#include <bit>
#include <cstring>
#include <utility>

namespace proa::engines::boosted {
namespace {

constexpr uint64_t k0 = 0xc3a5c85c97cb3127ULL, k1 = 0xb492b66fbe98f273ULL,
                   k2 = 0x9ae16a3b2f90404fULL, k3 = 0xc949d7c7509e6557ULL;
using Pair = std::pair<uint64_t, uint64_t>;

uint64_t load64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}
uint64_t load32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}
uint64_t right(uint64_t v, int by) { return std::rotr(v, by); }
uint64_t fold(uint64_t v) { return v ^ (v >> 47); }

uint64_t mix(uint64_t u, uint64_t v) {
  constexpr uint64_t factor = 0x9ddfea08eb382d69ULL;
  uint64_t a = fold((u ^ v) * factor);
  return fold((v ^ a) * factor) * factor;
}

uint64_t upto16(const char* s, size_t n) {
  if (n > 8) {
    uint64_t a = load64(s), b = load64(s + n - 8);
    return mix(a, right(b + n, static_cast<int>(n))) ^ b;
  }
  if (n >= 4) return mix(n + (load32(s) << 3), load32(s + n - 4));
  if (n == 0) return k2;
  auto byte = [&](size_t i) { return uint64_t{static_cast<unsigned char>(s[i])}; };
  uint64_t y = byte(0) + (byte(n / 2) << 8), z = n + (byte(n - 1) << 2);
  return fold(y * k2 ^ z * k3) * k2;
}

uint64_t upto32(const char* s, size_t n) {
  uint64_t a = load64(s) * k1, b = load64(s + 8);
  uint64_t c = load64(s + n - 8) * k2, d = load64(s + n - 16) * k0;
  return mix(right(a - b, 43) + right(c, 30) + d, a + right(b ^ k3, 20) - c + n);
}

Pair weak(const char* s, uint64_t a, uint64_t b) {
  uint64_t w = load64(s), x = load64(s + 8), y = load64(s + 16), z = load64(s + 24);
  a += w;
  b = right(b + a + z, 21);
  uint64_t c = a;
  a += x + y;
  return {a + z, b + right(a, 44) + c};
}

// One half of the hash of 33 to 64 bytes.
Pair half(uint64_t a, uint64_t z, uint64_t add8, uint64_t add16) {
  uint64_t b = right(a + z, 52), c = right(a, 37);
  a += add8;
  c += right(a, 7);
  a += add16;
  return {a + z, b + right(a, 31) + c};
}

uint64_t upto64(const char* s, size_t n) {
  uint64_t a = load64(s) + (n + load64(s + n - 16)) * k0;
  auto [vf, vs] = half(a, load64(s + 24), load64(s + 8), load64(s + 16));
  a = load64(s + 16) + load64(s + n - 32);
  auto [wf, ws] = half(a, load64(s + n - 8), load64(s + n - 24), load64(s + n - 16));
  uint64_t r = fold((vf + ws) * k2 + (wf + vs) * k0);
  return fold(r * k0 + vs) * k2;
}

}  // namespace

uint64_t city_hash64(std::string_view text) {
  const char* s = text.data();
  size_t n = text.size();
  if (n <= 16) return upto16(s, n);
  if (n <= 32) return upto32(s, n);
  if (n <= 64) return upto64(s, n);
  uint64_t x = load64(s), y = load64(s + n - 16) ^ k1, z = load64(s + n - 56) ^ k0;
  Pair v = weak(s + n - 64, n, y), w = weak(s + n - 32, n * k1, k0);
  z += fold(v.second) * k1;
  x = right(z + x, 39) * k1;
  y = right(y, 33) * k1;
  for (n = (n - 1) & ~size_t{63}; n != 0; n -= 64, s += 64) {
    x = right(x + y + v.first + load64(s + 16), 37) * k1;
    y = right(y + v.second + load64(s + 48), 42) * k1;
    x ^= w.second;
    y ^= v.first;
    z = right(z ^ w.first, 33);
    v = weak(s, v.second * k1, x + w.first);
    w = weak(s + 32, z + w.second, y);
    std::swap(z, x);
  }
  return mix(mix(v.first, w.first) + fold(y) * k1 + z, mix(v.second, w.second) + x);
}

}  // namespace proa::engines::boosted
