#include "models/engines/sklearn/features/text/hash.h"

#include <bit>
#include <cstddef>

namespace proa::engines {

int32_t murmur3(std::string_view bytes, uint32_t seed) {
  uint32_t h = seed;
  auto mixed = [](uint32_t k) { return std::rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u; };
  auto byte = [&](size_t i) { return uint32_t{static_cast<unsigned char>(bytes[i])}; };
  size_t whole = bytes.size() / 4 * 4;
  for (size_t i = 0; i < whole; i += 4) {
    uint32_t k = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    h = std::rotl(h ^ mixed(k), 13) * 5 + 0xe6546b64u;
  }
  uint32_t tail = 0;
  for (size_t i = bytes.size(); i > whole; --i) tail = tail << 8 | byte(i - 1);
  if (whole != bytes.size()) h ^= mixed(tail);
  h ^= static_cast<uint32_t>(bytes.size());
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return static_cast<int32_t>(h ^ h >> 16);
}

}  // namespace proa::engines
