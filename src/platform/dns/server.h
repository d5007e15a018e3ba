// The DNS server of the pods: answers the cluster's names itself, forwards everything else.
//
// Used by app/. Lives on one loop's thread; construct and start before the loop runs or on its
// thread, destroy when it no longer runs or on its thread. UDP and TCP. Bounded: kMostForwarded
// questions on the way to the host's resolvers, kMostConnections TCP clients; beyond that questions
// are refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "foundation/async/loop.h"
#include "platform/dns/zone.h"

namespace proa::dns {

struct ServerOptions {
  std::string address = "127.96.0.10";
  uint16_t port = 53;  // 0: any free one
  std::string domain = "cluster.local";
  std::string resolv_conf = "/etc/resolv.conf";
  std::vector<std::string> resolvers;  // instead of resolv_conf's; "address" or "address:port"
  Duration try_timeout = std::chrono::seconds(2);
};

class Server {
 public:
  Server(async::Loop& loop, client::Client& client, ServerOptions options = {});
  ~Server();
  // kForbidden where port 53 is not permitted; the message says what follows from that.
  Status start();
  uint16_t port() const;

  struct Core;

 private:
  std::shared_ptr<Core> core_;
};

// The addresses behind "nameserver", less those that are this server itself.
std::vector<std::string> read_resolvers(std::string_view resolv_conf, std::string_view own_address);

}  // namespace proa::dns
