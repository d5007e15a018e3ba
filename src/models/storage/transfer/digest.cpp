#include "models/storage/transfer/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
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

using Tables64 = std::array<std::array<uint64_t, 256>, 8>;

Tables64 make_tables64() {
  Tables64 t{};
  for (uint64_t i = 0; i < 256; ++i) {
    uint64_t c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? (c >> 1) ^ 0xc96c5795d7870f42u : c >> 1;
    t[0][i] = c;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t i = 0; i < 256; ++i) t[k][i] = t[0][t[k - 1][i] & 0xff] ^ (t[k - 1][i] >> 8);
  return t;
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

}  // namespace

uint32_t crc32c(uint32_t so_far, std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~by_cpu(~so_far, p, bytes.size());
#endif
  return ~by_table(~so_far, p, bytes.size());
}

std::string crc32c_text(uint32_t crc) {
  std::string big;
  for (int shift = 24; shift >= 0; shift -= 8) big += static_cast<char>(crc >> shift);
  return base64(big);
}

uint64_t crc64(uint64_t so_far, std::string_view bytes) {
  static const Tables64 t = make_tables64();
  uint64_t c = ~so_far;
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    v ^= c;
    c = 0;
    for (size_t k = 0; k < 8; ++k) c ^= t[7 - k][v >> (8 * k) & 0xff];
  }
  for (; n > 0; --n, ++p) c = t[0][(c ^ static_cast<unsigned char>(*p)) & 0xff] ^ (c >> 8);
  return ~c;
}

struct Hasher::State {
  using Ctx = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
  Ctx sha256{nullptr, EVP_MD_CTX_free}, md5{nullptr, EVP_MD_CTX_free},
      sha1{nullptr, EVP_MD_CTX_free};
  uint32_t crc32c = 0;
  uint64_t crc64 = 0;

  static void begin(Ctx& ctx, const EVP_MD* kind) {
    ctx.reset(EVP_MD_CTX_new());
    CHECK(ctx && EVP_DigestInit_ex(ctx.get(), kind, nullptr) == 1);
  }
  static std::string end(Ctx& ctx) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_DigestFinal_ex(ctx.get(), out, &n);
    return {reinterpret_cast<char*>(out), n};
  }
};

Hasher::Hasher(const Checks& wanted, int64_t size)
    : wanted_(wanted), state_(std::make_unique<State>()) {
  State::begin(state_->sha256, EVP_sha256());
  if (!wanted_.md5.empty()) State::begin(state_->md5, EVP_md5());
  if (size < 0) wanted_.git_sha1.clear();  // its hash begins with the size
  if (!wanted_.git_sha1.empty()) {
    State::begin(state_->sha1, EVP_sha1());
    const std::string head = str("blob ", size, '\0');
    EVP_DigestUpdate(state_->sha1.get(), head.data(), head.size());
  }
}

Hasher::~Hasher() = default;

void Hasher::add(std::string_view bytes) {
  auto& s = *state_;
  for (auto* ctx : {&s.sha256, &s.md5, &s.sha1})
    if (*ctx) EVP_DigestUpdate(ctx->get(), bytes.data(), bytes.size());
  if (!wanted_.crc32c.empty()) s.crc32c = storage::crc32c(s.crc32c, bytes);
  if (!wanted_.crc64.empty()) s.crc64 = storage::crc64(s.crc64, bytes);
}

std::string Hasher::finish() {
  auto& s = *state_;
  sha256_ = hex(State::end(s.sha256));
  const auto other = [](std::string_view what, const std::string& is, const std::string& wanted) {
    return wanted.empty() || is == wanted ? std::string()
                                          : str("has ", what, " ", is, " instead of ", wanted);
  };
  auto wrong = other("sha256", sha256_, wanted_.sha256);
  if (wrong.empty()) wrong = other("crc32c", crc32c_text(s.crc32c), wanted_.crc32c);
  if (wrong.empty() && s.md5) wrong = other("md5", base64(State::end(s.md5)), wanted_.md5);
  if (wrong.empty() && s.sha1) wrong = other("git sha1", hex(State::end(s.sha1)), wanted_.git_sha1);
  if (wrong.empty()) wrong = other("crc64", str(s.crc64), wanted_.crc64);
  return wrong;
}

Status hash_range(Hasher& hasher, int fd, int64_t offset, int64_t length) {
  std::vector<char> buffer(256 << 10);
  while (length != 0) {
    size_t want = buffer.size();
    if (length > 0) want = static_cast<size_t>(std::min<int64_t>(length, 256 << 10));
    const ssize_t n = pread(fd, buffer.data(), want, offset);
    if (n < 0) return errno_error("read what was downloaded");
    if (n == 0) return {};
    hasher.add({buffer.data(), static_cast<size_t>(n)});
    offset += n;
    if (length > 0) length -= n;
  }
  return {};
}

Result<std::string> sha256_of_file(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error(str("open ", path));
  Hasher h({}, -1);
  TRY_STATUS(hash_range(h, fd.get(), 0, -1));
  h.finish();
  return h.sha256();
}

}  // namespace proa::storage
