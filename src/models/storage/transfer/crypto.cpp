#include "models/storage/transfer/crypto.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctime>

#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

std::string formatted(int64_t epoch_s, const char* format) {
  const auto t = static_cast<time_t>(epoch_s);
  tm parts{};
  gmtime_r(&t, &parts);
  char text[64];
  return {text, strftime(text, sizeof text, format, &parts)};
}

}  // namespace

std::string sha256(std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &n, EVP_sha256(), nullptr);
  return {reinterpret_cast<char*>(out), n};
}

std::string sha256_hex(std::string_view bytes) { return hex(sha256(bytes)); }

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out, &n);
  return {reinterpret_cast<char*>(out), n};
}

std::string base64url(std::string_view bytes) {
  std::string out = base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string basic_time(int64_t epoch_s) { return formatted(epoch_s, "%Y%m%dT%H%M%SZ"); }
std::string http_time(int64_t epoch_s) { return formatted(epoch_s, "%a, %d %b %Y %H:%M:%S GMT"); }

int64_t parse_time(const std::string& text) {
  tm parts{};
  if (!strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts)) return 0;
  return timegm(&parts);
}

}  // namespace proa::storage
