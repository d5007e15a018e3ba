#include "models/storage/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
    t[i] = c;
  }
  return t;
}

uint32_t by_table(uint32_t c, const unsigned char* p, size_t n) {
  static const auto table = make_table();
  for (size_t i = 0; i < n; ++i) c = table[(c ^ p[i]) & 0xff] ^ (c >> 8);
  return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t by_cpu(uint32_t c, const unsigned char* p, size_t n) {
  uint64_t c64 = c;
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    c64 = __builtin_ia32_crc32di(c64, v);
  }
  c = static_cast<uint32_t>(c64);
  for (; n > 0; --n, ++p) c = __builtin_ia32_crc32qi(c, *p);
  return c;
}
#endif

Status each_block(const std::string& path, const std::function<void(std::string_view)>& f) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error(str("open ", path));
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const ssize_t n = read(fd.get(), buffer.data(), buffer.size());
    if (n == 0) return {};
    if (n < 0) return errno_error(str("read ", path));
    f({buffer.data(), static_cast<size_t>(n)});
  }
}

}  // namespace

uint32_t crc32c(uint32_t so_far, std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~by_cpu(~so_far, p, bytes.size());
#endif
  return ~by_table(~so_far, p, bytes.size());
}

Result<std::string> crc32c_of_file(const std::string& path) {
  uint32_t c = 0;
  TRY_STATUS(each_block(path, [&](std::string_view b) { c = crc32c(c, b); }));
  std::string big;
  for (int shift = 24; shift >= 0; shift -= 8) big += static_cast<char>(c >> shift);
  return base64(big);
}

Result<std::string> md5_of_file(const std::string& path) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!ctx || EVP_DigestInit_ex(ctx.get(), EVP_md5(), nullptr) != 1)
    return error(Code::kInternal, "MD5 is not to be had");
  TRY_STATUS(each_block(
      path, [&](std::string_view b) { EVP_DigestUpdate(ctx.get(), b.data(), b.size()); }));
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  EVP_DigestFinal_ex(ctx.get(), out, &n);
  return base64({reinterpret_cast<char*>(out), n});
}

}  // namespace proa::storage
