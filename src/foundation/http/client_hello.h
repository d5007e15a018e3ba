// What a TLS client asks for before anything is decided: the server's name and the protocols, read
// from the first bytes of its connection (RFC 8446, section 4.1.2). Nothing is decrypted or kept.
//
// Used by the gateway, which chooses a certificate or a way through by the name. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace proa::http {

struct ClientHello {
  enum State { kMore, kDone, kBad } state = kMore;
  std::string server_name;             // lower case; "" if none was given
  std::vector<std::string> protocols;  // ALPN
};

inline constexpr size_t kMostClientHello = 16 << 10;

ClientHello read_client_hello(std::string_view bytes);

}  // namespace proa::http
