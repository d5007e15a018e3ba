// MurmurHash3, 32 bits for x86 (Austin Appleby's public-domain algorithm): how FeatureHasher places
// its features. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace proa::engines {

int32_t murmur3(std::string_view bytes, uint32_t seed = 0);

}  // namespace proa::engines
