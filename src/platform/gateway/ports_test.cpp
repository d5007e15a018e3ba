// Listeners, TLS chains, tunnels, live changes, hot restarts and handovers, over real sockets.
#include "platform/gateway/ports.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "foundation/base/strings.h"
#include "foundation/http/testing.h"
#include "foundation/http/testing_identity.h"
#include "platform/gateway/table.h"

namespace proa::gateway {
namespace {

using http::Identity;
using http::RawClient;

class Demand : public knative::DemandSink {
 public:
  void waiting(const client::Key&, int) override {}
  void report(const client::Key&, int64_t, double, double) override {}
};

Credential credential(const Identity& one, const Identity* ca = nullptr) {
  return {one.cert_pem(), one.key_pem(), ca ? ca->cert_pem() : ""};
}

// The gateway's loop on a thread of its own; clients and upstreams on the test's.
struct World {
  Demand demand;
  metrics::Registry registry;
  GatewayMetrics metrics{registry};
  async::Loop loop, mine;
  std::unique_ptr<http::Server> upstream;
  std::shared_ptr<Backend> backend =
      std::make_shared<Backend>(client::Key{"ns", "r"}, true, "revision ns/r");
  std::unique_ptr<Ports> ports;
  std::thread thread;
  Identity ca{nullptr, {{"CN", "ca"}}};
  std::atomic<int> served{0};

  World() {
    upstream = std::make_unique<http::Server>(
        mine, http::ServerOptions{}, [this](http::Request r, std::shared_ptr<http::Responder> to) {
          ++served;
          to->send({200, {}, str("from upstream ", r.authority)});
        });
    EndpointAddress at;
    at.address = "127.0.0.1";
    at.port = *upstream->listen("127.0.0.1", 0);
    backend->announce({at}, MonoTime{});
    PortsOptions options;
    options.https_port = 0;
    ports =
        std::make_unique<Ports>(options, std::vector<async::Loop*>{&loop}, [this](async::Loop& l) {
          return std::make_unique<Worker>(l, WorkerOptions{}, demand, metrics, [](LogBatch) {});
        });
  }
  void start(std::vector<NamedSocket> inherited = {}) {
    ASSERT_TRUE(ports->start(std::move(inherited)).ok());
    thread = std::thread([this] { loop.run(); });
    publish();
  }
  ~World() {
    if (!thread.joinable()) return;
    ports->stop(std::chrono::seconds(1));
    loop.stop();
    thread.join();
  }
  void publish() {
    auto host = std::make_shared<Host>();
    host->name = "a.test";
    Rule rule;
    Destination to;
    to.backend = backend;
    to.weight = 1;
    rule.destinations = {to};
    rule.total_weight = 1;
    host->rules = {rule};
    auto tunnel = std::make_shared<Tunnel>();
    tunnel->destinations = {to};
    tunnel->total_weight = 1;
    TableEditor editor;
    for (uint16_t scope : {uint16_t{0}, uint16_t{80}, uint16_t{443}}) {
      editor.set(scope, "a.test", host);
      editor.set(scope, "b.test", host);
    }
    editor.set_tunnel(9000, "*", tunnel);
    editor.set_tunnel(443, "through.test", tunnel);
    editor.set_tunnel(443, "ended.test", tunnel);
    ports->publish(editor.finish());
  }
  uint16_t open(Listener listener) {
    for (const ListenerState& s : ports->set({listener}))
      if (s.address == listener.address && s.port == listener.port) {
        EXPECT_EQ(s.error, "");
        return s.bound;
      }
    return 0;
  }
  std::string get(uint16_t port, const std::string& host = "a.test") {
    RawClient c(mine, port);
    c.send(str("GET / HTTP/1.1\r\nHost: ", host, "\r\nConnection: close\r\n\r\n"));
    return c.read_to_end();
  }
  // Over TLS with that name; the answer's body, or "error: …".
  std::string tls(uint16_t port, const std::string& name, const Identity* client = nullptr) {
    http::UpstreamOptions options;
    options.tls_ca = ca.cert_pem();
    if (client) options.tls_certificate = client->cert_pem(), options.tls_key = client->key_pem();
    http::UpstreamPool pool(mine, options);
    http::Upstream to{"127.0.0.1", port, false, true, name, nullptr};
    http::RequestHead head;
    head.authority = "a.test";
    std::string out;
    bool done = false;
    http::ClientCallbacks calls;
    calls.on_data = [&](std::string_view data) { out += data; };
    calls.on_end = [&](http::Headers) { done = true; };
    calls.on_error = [&](http::UpstreamError e) {
      out = "error: " + e.error.message;
      done = true;
    };
    auto stream = pool.open(to, head, true, std::move(calls));
    http::turn_until(mine, [&] { return done; });
    return out;
  }
  // What a listener has become takes effect on the gateway's loop, a moment later.
  void await_tls(uint16_t port, const std::string& name, const Identity* client = nullptr) {
    std::string got;
    EXPECT_TRUE(http::turn_until(mine, [&] {
      return (got = tls(port, name, client)) == "from upstream a.test";
    })) << got;
  }
};

TlsChain chain(std::vector<std::string> hosts, Credential c, TlsMode mode = TlsMode::kSimple) {
  TlsChain out;
  out.hosts = std::move(hosts);
  out.credential = std::move(c);
  out.mode = mode;
  out.name = "test";
  return out;
}

TEST(Ports, ServeTheirOwnPort) {
  World w;
  w.start();
  EXPECT_TRUE(w.get(w.ports->bound(80)).ends_with("from upstream a.test"));
}

TEST(Ports, OpenAndCloseAsTheConfigurationSays) {
  World w;
  w.start();
  Listener extra{"127.0.0.1", 0, Protocol::kHttp, {}, false};
  uint16_t port = w.open(extra);
  ASSERT_NE(port, 0);
  EXPECT_TRUE(contains(w.get(port, "nobody.test"), "404"));
  w.ports->set({});
  EXPECT_TRUE(http::turn_until(w.mine, [&] { return w.get(port).empty(); }));
}

TEST(Ports, ChooseTheCertificateByName) {
  World w;
  w.start();
  Identity a(&w.ca, {{"CN", "a"}}, "DNS:a.test"), b(&w.ca, {{"CN", "b"}}, "DNS:*.b.test");
  uint16_t port = w.open({"",
                          443,
                          Protocol::kHttps,
                          {chain({"a.test"}, credential(a)), chain({"*.b.test"}, credential(b))},
                          false});
  w.await_tls(port, "a.test");
  EXPECT_EQ(w.tls(port, "x.b.test"), "from upstream a.test");
  EXPECT_TRUE(w.tls(port, "other.test").starts_with("error"));
}

TEST(Ports, MutualTurnsAwayWhoShowsNoCertificate) {
  World w;
  w.start();
  Identity a(&w.ca, {{"CN", "a"}}, "DNS:a.test"), client(&w.ca, {{"CN", "someone"}});
  uint16_t port = w.open(
      {"", 443, Protocol::kHttps, {chain({"*"}, credential(a, &w.ca), TlsMode::kMutual)}, false});
  w.await_tls(port, "a.test", &client);
  EXPECT_TRUE(w.tls(port, "a.test").starts_with("error"));
}

TEST(Ports, ACertificateThatChangesIsServedAtOnce) {
  World w;
  w.start();
  Identity a(&w.ca, {{"CN", "a"}}, "DNS:a.test"), b(&w.ca, {{"CN", "b"}}, "DNS:b.test");
  uint16_t first = w.open({"", 443, Protocol::kHttps, {chain({"*"}, credential(a))}, false});
  EXPECT_TRUE(w.tls(first, "b.test").starts_with("error"));
  uint16_t second = w.open({"", 443, Protocol::kHttps, {chain({"*"}, credential(b))}, false});
  EXPECT_EQ(first, second);
  w.await_tls(second, "b.test");
}

TEST(Ports, ABadCertificateIsNamedAndTheRestIsServed) {
  World w;
  w.start();
  Identity a(&w.ca, {{"CN", "a"}}, "DNS:a.test");
  TlsChain bad = chain({"b.test"}, {"nonsense", "nonsense", ""});
  bad.name = "Gateway ns/bad/https";
  Listener l{"", 443, Protocol::kHttps, {chain({"a.test"}, credential(a)), bad}, false};
  std::string problem;
  for (const ListenerState& s : w.ports->set({l}))
    if (s.port == 443) problem = s.error;
  EXPECT_TRUE(contains(problem, "Gateway ns/bad/https")) << problem;
  w.await_tls(w.ports->bound(443), "a.test");
}

TEST(Ports, TunnelsCarryBytesAndHalfCloses) {
  Listener l{"127.0.0.1", 9000, Protocol::kTcp, {}, false};
  auto socket = http::listen_on("127.0.0.1", 0, false);  // instead of the port 9000 itself
  ASSERT_TRUE(socket.ok());
  uint16_t bound = *http::local_port(socket->get());
  std::vector<NamedSocket> mine;
  mine.push_back({"127.0.0.1", 9000, bound, std::move(*socket)});
  World other;
  other.start(std::move(mine));
  other.open(l);
  RawClient c(other.mine, bound);
  c.send("GET / HTTP/1.1\r\nHost: raw\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(c.read_to_end().ends_with("from upstream raw"));
}

TEST(Ports, PassThroughAndEndedTlsBecomeTunnels) {
  World w;
  w.start();
  Identity a(&w.ca, {{"CN", "a"}}, "DNS:ended.test"), up(&w.ca, {{"CN", "u"}}, "DNS:through.test");
  TlsChain ended = chain({"ended.test"}, credential(a));
  ended.to_tunnel = true;
  TlsChain through = chain({"through.test"}, {}, TlsMode::kPassthrough);
  uint16_t port = w.open({"", 443, Protocol::kHttps, {ended, through}, false});
  w.await_tls(port, "ended.test");
  // The upstream ends TLS itself.
  http::ServerOptions options;
  options.tls = std::make_shared<http::TlsOptions>();
  options.tls->certificate = up.cert_pem();
  options.tls->key = up.key_pem();
  http::Server secure(w.mine, options, [](http::Request, std::shared_ptr<http::Responder> to) {
    to->send({200, {}, "secret"});
  });
  EndpointAddress at;
  at.address = "127.0.0.1";
  at.port = *secure.listen("127.0.0.1", 0);
  w.backend->announce({at}, MonoTime{});
  EXPECT_EQ(w.tls(port, "through.test"), "secret");
}

TEST(Ports, ARestartLosesNoRequest) {
  World w;
  w.start();
  uint16_t port = w.ports->bound(80);
  http::Client client(w.mine);
  int open = 0, good = 0, bad = 0;
  auto send = [&] {
    http::ClientRequest r;
    r.host = "127.0.0.1", r.port = port, r.method = "POST", r.body = "x";
    r.headers.set("host", "a.test");
    ++open;
    client.fetch(r, [&](Result<http::Response> result) {
      --open;
      ++(result.ok() && result->status == 200 ? good : bad);
    });
  };
  for (int i = 0; i < 200; ++i) {
    if (i % 20 == 0) w.ports->restart();
    for (int k = 0; k < 5; ++k) send();
    w.mine.run_once(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(http::turn_until(w.mine, [&] { return open == 0; }));
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(good, 1000);
  EXPECT_EQ(w.served, 1000);
}

TEST(Handover, GivesTheSocketsToAnotherProcess) {
  std::string path = str("/tmp/proa-handover-test-", ::getpid());
  World old;
  old.start();
  uint16_t port = old.ports->bound(80);
  auto listening = bind_handover(path);
  ASSERT_TRUE(listening.ok()) << listening.error().message;
  Status given = Ok{};
  std::thread giver([&] {
    given = give_sockets(listening->get(), old.ports->sockets(), std::chrono::seconds(10));
  });
  auto taken = take_sockets(path);
  giver.join();
  ::unlink(path.c_str());
  ASSERT_TRUE(given.ok()) << given.error().message;
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  World fresh;
  fresh.start(std::move(*taken));
  EXPECT_EQ(fresh.ports->bound(80), port);
  old.ports->stop(std::chrono::seconds(1));
  EXPECT_TRUE(fresh.get(port).ends_with("from upstream a.test"));
  EXPECT_EQ(old.served, 0);
  EXPECT_EQ(fresh.served, 1);
}

TEST(Handover, WithoutAnotherProcessThereIsNothingToTake) {
  auto taken = take_sockets(str("/tmp/proa-no-such-socket-", ::getpid()));
  ASSERT_TRUE(taken.ok());
  EXPECT_TRUE(taken->empty());
}

TEST(ChainFor, PrefersTheExactNameThenTheLongestWildcard) {
  std::vector<TlsChain> chains = {chain({"*"}, {}), chain({"*.b.test"}, {}),
                                  chain({"*.a.b.test", "x.b.test"}, {})};
  EXPECT_EQ(chain_for(chains, "x.b.test"), &chains[2]);
  EXPECT_EQ(chain_for(chains, "y.a.b.test"), &chains[2]);
  EXPECT_EQ(chain_for(chains, "y.b.test"), &chains[1]);
  EXPECT_EQ(chain_for(chains, ""), &chains[0]);
  chains.erase(chains.begin());
  EXPECT_EQ(chain_for(chains, "other"), nullptr);
}

}  // namespace
}  // namespace proa::gateway
