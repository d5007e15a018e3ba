// Which network addresses a download may reach. A URI comes from a stranger: it must not make this
// machine read a metadata service or what listens on the loopback.
//
//   public addresses        always
//   loopback, private       if named by `allow`, or if the server was configured (an endpoint of
//   the
//                           environment), unless `allow` is "public"
//   link-local, metadata    only if named by `allow`
//   multicast, unspecified  never
//
// Asked with the address that a socket is about to connect to, so that names which resolve to
// another address the second time gain nothing. Pure.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::storage {

struct Address {
  std::array<uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
};

std::optional<Address> parse_address(std::string_view text);  // dotted or IPv6, without brackets
std::optional<Address> address_of(const sockaddr* a);
std::string to_string(const Address& a);

enum class Reach { kPublic, kPrivate, kLinkLocal, kNever };
Reach reach_of(const Address& a);

class AddressRules {
 public:
  // "10.0.0.0/8,127.0.0.1,fd00::/8", "private" (loopback and private networks), "all", "public".
  static Result<AddressRules> parse(std::string_view text);
  bool allows(const Address& a, bool configured_server) const;
  // Servers that were configured are no better than others: what names them came with the URI.
  void distrust_configured() { strict_ = true; }

 private:
  struct Net {
    Address base;
    int bits;
  };
  std::vector<Net> nets_;
  bool private_ = false, all_ = false, strict_ = false;
};

}  // namespace proa::storage
