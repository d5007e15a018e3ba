#include "models/storage/transfer/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const Address& a) { return std::memcmp(a.bytes.data(), kMapped, 12) == 0; }

Address v4(const uint8_t* four) {
  Address a;
  std::memcpy(a.bytes.data(), kMapped, 12);
  std::memcpy(a.bytes.data() + 12, four, 4);
  return a;
}

// Another address that this one only wraps: NAT64, 6to4, IPv4-compatible.
std::optional<Address> wrapped(const Address& a) {
  const auto& b = a.bytes;
  static constexpr uint8_t kNat64[12] = {0, 0x64, 0xff, 0x9b};
  static constexpr uint8_t kZero[12] = {};
  if (std::memcmp(b.data(), kNat64, 12) == 0) return v4(b.data() + 12);
  if (b[0] == 0x20 && b[1] == 0x02) return v4(b.data() + 2);
  if (std::memcmp(b.data(), kZero, 12) == 0 && (b[12] || b[13])) return v4(b.data() + 12);
  return std::nullopt;
}

Reach reach_v4(const uint8_t* b) {
  if (b[0] == 0 || b[0] >= 224) return Reach::kNever;
  if (b[0] == 169 && b[1] == 254) return Reach::kLinkLocal;
  if (b[0] == 100 && b[1] == 100 && b[2] == 100 && b[3] == 200) return Reach::kLinkLocal;
  if (b[0] == 192 && b[1] == 0 && b[2] == 0) return Reach::kLinkLocal;
  if (b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
      (b[0] == 192 && b[1] == 168) || (b[0] == 100 && (b[1] & 0xc0) == 64) ||
      (b[0] == 198 && (b[1] & 0xfe) == 18))
    return Reach::kPrivate;
  return Reach::kPublic;
}

Reach reach_v6(const std::array<uint8_t, 16>& b) {
  const bool zeros = std::all_of(b.begin(), b.begin() + 15, [](uint8_t v) { return v == 0; });
  if (zeros) return b[15] == 1 ? Reach::kPrivate : Reach::kNever;
  if (b[0] == 0xff) return Reach::kNever;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return Reach::kLinkLocal;
  if (b[0] == 0xfd && b[1] == 0x00 && b[2] == 0x0e && b[3] == 0xc2) return Reach::kLinkLocal;
  if ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0)) return Reach::kPrivate;
  return Reach::kPublic;
}

bool same_bits(const Address& a, const Address& b, int bits) {
  for (int i = 0; i < 16 && bits > 0; ++i, bits -= 8) {
    const auto mask = static_cast<uint8_t>(bits >= 8 ? 0xff : 0xff << (8 - bits));
    if ((a.bytes[static_cast<size_t>(i)] & mask) != (b.bytes[static_cast<size_t>(i)] & mask))
      return false;
  }
  return true;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::string t(text);
  uint8_t b[16];
  if (inet_pton(AF_INET, t.c_str(), b) == 1) return v4(b);
  if (inet_pton(AF_INET6, t.c_str(), b) != 1) return std::nullopt;
  Address a;
  std::memcpy(a.bytes.data(), b, 16);
  return a;
}

std::optional<Address> address_of(const sockaddr* s) {
  if (s->sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, s, sizeof in);
    uint8_t b[4];
    std::memcpy(b, &in.sin_addr, 4);
    return v4(b);
  }
  if (s->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in;
  std::memcpy(&in, s, sizeof in);
  Address a;
  std::memcpy(a.bytes.data(), &in.sin6_addr, 16);
  return a;
}

std::string to_string(const Address& a) {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_v4(a))
    inet_ntop(AF_INET, a.bytes.data() + 12, text, sizeof text);
  else
    inet_ntop(AF_INET6, a.bytes.data(), text, sizeof text);
  return text;
}

Reach reach_of(const Address& a) {
  if (is_v4(a)) return reach_v4(a.bytes.data() + 12);
  if (const auto inner = wrapped(a)) return std::max(reach_of(*inner), Reach::kPublic);
  return reach_v6(a.bytes);
}

Result<AddressRules> AddressRules::parse(std::string_view text) {
  AddressRules out;
  for (auto item : split(text, ',')) {
    item = trim(item);
    if (item.empty()) continue;
    if (item == "private") {
      out.private_ = true;
    } else if (item == "all") {
      out.all_ = true;
    } else if (item == "public") {
      out.strict_ = true;
    } else {
      const auto slash = item.find('/');
      const auto base = parse_address(item.substr(0, slash));
      const auto bits =
          slash == item.npos ? std::optional<int64_t>(-1) : parse_int(item.substr(slash + 1));
      const int most = base && is_v4(*base) ? 32 : 128;
      if (!base || !bits || *bits > most || (slash != item.npos && *bits < 0))
        return error(Code::kInvalid,
                     str("allowed address \"", item,
                         "\" is neither an address, ADDRESS/BITS, private, public nor all"));
      const int64_t n = *bits < 0 ? most : *bits;
      out.nets_.push_back({*base, static_cast<int>(most == 32 ? n + 96 : n)});
    }
  }
  return out;
}

bool AddressRules::allows(const Address& a, bool configured_server) const {
  const Reach reach = reach_of(a);
  if (reach == Reach::kPublic) return true;
  if (reach == Reach::kNever) return false;
  for (const auto& n : nets_)
    if (same_bits(n.base, a, n.bits)) return true;
  if (all_) return true;
  return reach == Reach::kPrivate && (private_ || (configured_server && !strict_));
}

}  // namespace proa::storage
