// CatBoost's hashes: of a category's text (CityHash64 1.0, its low half) and of a combination.
// Pure functions. Private to this folder.
#pragma once

#include <cstdint>
#include <string_view>

namespace proa::engines::boosted {

uint64_t city_hash64(std::string_view text);  // release 1.0
inline int32_t category_hash(std::string_view text) {
  return static_cast<int32_t>(static_cast<uint32_t>(city_hash64(text)));
}
inline uint64_t combine_hash(uint64_t a, uint64_t b) {
  constexpr uint64_t factor = 0x4906ba494954cb65ULL;
  return factor * (a + factor * b);
}

}  // namespace proa::engines::boosted
