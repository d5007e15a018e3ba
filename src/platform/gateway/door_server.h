// DoorServer: what stands behind one listening socket on one loop: an HTTP server, or a reader of
// TLS client hellos that chooses among chains, or tunnels.
//
//   kHttp ──▶ StreamServer            kTcp ──▶ Tunnels
//   kHttps ──peek at the hello──▶ the chain of the name: StreamServer with its certificate,
//                                 Tunnels with it, or Tunnels without (passed through)
//
// Loop thread only, except the constructor. The Worker must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "foundation/http/stream.h"
#include "platform/gateway/listener.h"
#include "platform/gateway/short_way.h"
#include "platform/gateway/tunnel.h"
#include "platform/gateway/worker.h"

namespace proa::gateway {

class DoorServer {
 public:
  DoorServer(Worker& worker, Listener listener);
  ~DoorServer();
  // Takes a bound, listening socket. What is wrong with single chains is said by check_chains().
  Status open(Fd listening);
  void drain(std::function<void()> done);
  size_t connections() const;

 private:
  struct Chain {
    TlsChain spec;
    http::SslContext context;  // to_tunnel
    std::unique_ptr<http::StreamServer> server;
  };
  struct Hello;  // a connection whose hello is awaited
  std::unique_ptr<http::StreamServer> make_server(std::shared_ptr<http::TlsOptions> tls);
  Status open_chains();
  void on_acceptable();
  void on_accepted(Fd fd, const std::string& peer);
  void on_hello(Hello& hello);
  void dispatch(Fd fd, const std::string& peer, const std::string& sni);
  void drop(Hello& hello);
  void tick();
  void check_drained();

  Worker& worker_;
  async::Loop& loop_;
  const Listener listener_;
  std::unique_ptr<ShortWay> way_;
  std::vector<std::unique_ptr<http::StreamServer>> servers_;  // kHttp: one
  std::vector<Chain> chains_;
  std::unique_ptr<Tunnels> tunnels_;
  Fd listening_;  // kHttps, kTcp
  std::vector<std::unique_ptr<Hello>> hellos_;
  async::TimerId timer_ = 0;
  bool draining_ = false;
  std::function<void()> drained_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The chain for a name: an exact host, else the longest wildcard; nullptr if none.
const TlsChain* chain_for(const std::vector<TlsChain>& chains, std::string_view sni);

// What cannot be served of a listener's chains ("" if all can): bad certificates and keys.
std::string check_chains(const Listener& listener);

std::shared_ptr<http::TlsOptions> tls_options(const TlsChain& chain);

}  // namespace proa::gateway
