// Reading an Istio Gateway: its servers, as listeners and as the hosts that VirtualServices may
// have there. Pure.
#pragma once

#include <string>
#include <vector>

#include "platform/gateway/config/parts/doors.h"
#include "platform/gateway/config/parts/names.h"
#include "platform/gateway/config/parts/secrets.h"

namespace proa::gateway {

struct IstioServer {
  struct HostOf {
    std::string ns, host;  // ns "*": any
  };
  std::string name;
  uint16_t port = 0;
  std::string bind;
  std::vector<HostOf> hosts;
  bool tls = false, http = false, redirect = false;  // redirect: to https
  std::vector<std::string> credentials;              // names of Secrets
  TlsChain chain;                                    // without certificates
};

struct IstioGateway {
  client::Key key;
  std::vector<IstioServer> servers;
  std::vector<std::string> warnings;
};

IstioGateway read_istio_gateway(const json::Value& object);

// The listeners that it wants. gateway_ns: where its Secrets may be besides its own namespace.
std::vector<DoorPiece> doors_of(const IstioGateway& gateway, const Secrets& secrets,
                                const std::string& gateway_ns, Uses& uses,
                                std::vector<std::string>& warnings);

// The name under which a VirtualService's host is known at this server; "" if it is not.
std::string host_at(const IstioServer& server, const std::string& vs_ns, const std::string& host);

}  // namespace proa::gateway
