// What the gateway listens on, as the configuration says it; and what came of it.
//
// Made by gateway/config from Gateways and Services; opened and closed live by Gateway. Values:
// they are compared to find what changed. One Listener for each (address, port): servers of several
// Gateways that share a port are its chains, chosen by the name that the client asks for (SNI).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace proa::gateway {

// PEM texts, from a Secret's tls.crt, tls.key and ca.crt.
struct Credential {
  std::string certificate, key, client_ca;
  bool operator==(const Credential&) const = default;
};

enum class TlsMode {
  kSimple,          // the gateway's certificate
  kMutual,          // and the client must show one that client_ca signed
  kOptionalMutual,  // it may; a wrong one is refused
  kPassthrough,     // not ended here: Table::tunnel() by SNI says where the bytes go
};

enum class TlsVersion { kAuto, k1_2, k1_3 };

// One way to answer a TLS client hello.
struct TlsChain {
  std::vector<std::string> hosts;  // lower case; "*" or "*.example.com" too; longest match wins
  TlsMode mode = TlsMode::kSimple;
  Credential credential;   // empty for kPassthrough
  bool to_tunnel = false;  // ended here, then bytes (protocol TLS), not HTTP
  TlsVersion least = TlsVersion::kAuto, most = TlsVersion::kAuto;
  std::string name;  // "Gateway ns/name/server", for messages
  bool operator==(const TlsChain&) const = default;
};

enum class Protocol {
  kHttp,   // HTTP/1.1, h2c, gRPC, WebSocket
  kHttps,  // TLS by `chains`, each of which may be HTTP, bytes or passed through
  kTcp,    // bytes: Table::tunnel(port, "")
};

struct Listener {
  std::string address;  // "": the gateway's own bind address
  // 80 and 443 with the own address are the gateway's http and https port, whatever number these
  // have on this machine (ListenerState::bound says). Requests of any other port are routed by
  // Table::find(host, port), so the logical number stays with the request.
  uint16_t port = 0;
  Protocol protocol = Protocol::kHttp;
  std::vector<TlsChain> chains;  // for kHttps
  // A Service's cluster address: hosts that are not known fall back to `address`, and a port that
  // may not be opened is no error.
  bool cluster = false;
  bool operator==(const Listener&) const = default;
};

struct ListenerState {
  std::string address;
  uint16_t port = 0;   // as in Listener
  uint16_t bound = 0;  // the real port; 0: not open
  std::string error;   // why not; or which chain was refused and why
  bool operator==(const ListenerState&) const = default;
};

using Listeners = std::vector<Listener>;  // sorted by (address, port), each pair once

}  // namespace proa::gateway
