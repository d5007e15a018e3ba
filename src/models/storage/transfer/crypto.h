// Small uses of libcrypto for signing requests. Pure; threads: any.
#pragma once

#include <string>
#include <string_view>

namespace proa::storage {

std::string sha256(std::string_view bytes);      // 32 bytes
std::string sha256_hex(std::string_view bytes);  // 64 digits
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string base64url(std::string_view bytes);  // not padded

// "20150830T123600Z", and its day as the first 8.
std::string basic_time(int64_t epoch_s);
// "Sun, 30 Aug 2015 12:36:00 GMT"
std::string http_time(int64_t epoch_s);
// RFC 3339 "2015-08-30T12:36:00Z" (fractions dropped) → seconds; 0 if it is none.
int64_t parse_time(const std::string& text);

}  // namespace proa::storage
