// A worker with real HTTP on both sides: servers as backends, a client in front, one loop.
#include "platform/gateway/worker.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/http/http.h"
#include "foundation/json/yaml.h"
#include "platform/gateway/short_way.h"
#include "platform/gateway/config/table_builder.h"

namespace proa::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Demand : public knative::DemandSink {
 public:
  void waiting(const client::Key& revision, int requests) override {
    calls.push_back(str(revision.name, " ", requests));
  }
  void report(const client::Key&, int64_t, double, double) override {}
  std::vector<std::string> calls;
};

struct World {
  async::Loop loop;
  Demand demand;
  metrics::Registry registry;
  GatewayMetrics metrics{registry};
  std::vector<std::string> lines;
  TableBuilder builder{{}, real_clock()};
  std::unique_ptr<Worker> worker;
  std::unique_ptr<ShortWay> way;
  std::unique_ptr<http::StreamServer> front;
  std::unique_ptr<http::Client> client;
  uint16_t port = 0;

  explicit World(WorkerOptions options = {}) {
    options.pod_logs = true, options.access_log_every = 1;
    worker = std::make_unique<Worker>(loop, options, demand, metrics, [this](LogBatch b) {
      lines.push_back(b.access);
      for (auto& [e, l] : b.pods) lines.push_back(pod_log_path("", *l.endpoint) + " " + l.text);
    });
    worker->start();
    way = std::make_unique<ShortWay>(*worker, std::make_shared<Door>());
    http::ServerOptions server;
    server.relay = way.get();
    front = std::make_unique<http::StreamServer>(
        loop, server, [this](auto stream) { worker->handle(std::move(stream), ""); });
    port = *front->listen("127.0.0.1", 0);
    http::ClientOptions c;
    client = std::make_unique<http::Client>(loop, c);
    objects(0, 300);
  }
  ~World() {
    worker->stop();
    front.reset();
  }

  void objects(int concurrency, int timeout, std::string_view extra = "") {
    put(api::kRevision, str("metadata: {name: r, namespace: ns}\nspec: {containerConcurrency: ",
                            concurrency, ", timeoutSeconds: ", timeout, "}"));
    put(api::kRoute,
        "metadata: {name: iris, namespace: ns}\n"
        "status: {url: 'http://iris.ns.example.com', traffic: [{revisionName: r, percent: 100}]}");
    put(api::kVirtualService,
        str("metadata: {name: v, namespace: ns}\nspec:\n  hosts: [v.example.com]\n  http:\n"
            "  - ",
            extra.empty() ? "{}" : extra, "\n"));
    publish();
  }
  void put(const client::Kind& kind, const std::string& yaml) {
    auto v = json::parse_yaml(yaml);
    ASSERT_TRUE(v.ok()) << v.error().message << "\n" << yaml;
    builder.put(kind, *v);
  }
  void publish() {
    auto table = builder.build();
    worker->publish(table);
    EXPECT_TRUE(until([&] { return worker->table() == table; }));
  }
  void endpoints(const std::vector<uint16_t>& ports) {
    for (int i = 0; i < 4; ++i) {
      bool has = static_cast<size_t>(i) < ports.size();
      put(api::kEndpointSlice,
          str("metadata: {name: s", i,
              ", namespace: ns, labels: {kubernetes.io/service-name: r-private}}\n"
              "ports: [{name: http, port: ",
              has ? ports[static_cast<size_t>(i)] : 1, "}]\nendpoints: [",
              has ? str("{addresses: [127.0.0.1], conditions: {ready: true}, targetRef: {name: pod",
                        i, ", uid: u", i, "}}")
                  : "",
              "]"));
    }
  }

  template <typename F>
  bool until(F done, int ms = 5000) {
    auto end = std::chrono::steady_clock::now() + milliseconds(ms);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop.run_once(milliseconds(10));
    }
    return true;
  }

  struct Call {
    bool done = false;
    int status = 0;
    http::Response response;
    std::string error;
  };
  std::shared_ptr<Call> start(http::ClientRequest r) {
    auto call = std::make_shared<Call>();
    r.host = "127.0.0.1", r.port = port;
    if (!r.headers.has("host")) r.headers.set("host", "iris.ns.example.com");
    client->fetch(std::move(r), [call](Result<http::Response> result) {
      call->done = true;
      if (!result.ok()) {
        call->error = result.error().message;
        return;
      }
      call->response = std::move(*result);
      call->status = call->response.status;
    });
    return call;
  }
  std::shared_ptr<Call> post(std::string body, std::string target = "/v1/models/iris:predict",
                             http::Headers headers = {}) {
    http::ClientRequest r;
    r.method = "POST", r.target = std::move(target), r.body = std::move(body),
    r.headers = std::move(headers);
    return start(std::move(r));
  }
  Call wait(std::shared_ptr<Call> call) {
    EXPECT_TRUE(until([&] { return call->done; }, 20000)) << "no answer";
    return *call;
  }
};

struct Backing {
  std::vector<http::Request> seen;
  std::vector<std::shared_ptr<http::Responder>> held;
  bool hold = false;
  int most = 0;
  http::Server server;
  uint16_t port = 0;
  explicit Backing(async::Loop& loop, uint16_t at = 0)
      : server(loop, http::ServerOptions{},
               [this](http::Request r, std::shared_ptr<http::Responder> responder) {
                 seen.push_back(std::move(r));
                 held.push_back(std::move(responder));
                 most = std::max<int>(most, static_cast<int>(held.size()));
                 if (!hold) answer();
               }) {
    auto p = server.listen("127.0.0.1", at);
    EXPECT_TRUE(p.ok());
    port = p.ok() ? *p : 0;
  }
  void answer(int status = 200) {
    if (held.empty()) return;
    auto r = std::move(held.front());
    held.erase(held.begin());
    http::Response response;
    response.status = status;
    response.headers = {{"content-type", "application/json"}, {"x-backend", "1"}};
    response.body = "{\"got\":" + str(seen.back().body.size()) + "}";
    r->send(std::move(response));
  }
};

TEST(Proxy, CarriesRequestAndResponse) {
  World w;
  Backing b(w.loop);
  w.endpoints({b.port});
  auto c =
      w.wait(w.post("hello", "/v1/models/iris:predict?a=%20", {{"X-Mine", "1"}, {"K-Evil", "1"}}));
  EXPECT_EQ(c.status, 200) << c.error << c.response.body;
  EXPECT_EQ(c.response.body, "{\"got\":5}");
  EXPECT_EQ(c.response.headers.get("x-backend"), "1");
  ASSERT_EQ(b.seen.size(), 1u);
  EXPECT_EQ(b.seen[0].body, "hello");
  EXPECT_EQ(b.seen[0].target, "/v1/models/iris:predict?a=%20");
  EXPECT_EQ(b.seen[0].authority, "iris.ns.example.com");
  EXPECT_EQ(b.seen[0].headers.get("x-mine"), "1");
  EXPECT_EQ(b.seen[0].headers.get("x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(b.seen[0].headers.get("x-request-id"), c.response.headers.get("x-request-id"));
  EXPECT_EQ(b.seen[0].headers.get("x-request-id").size(), 36u);
  EXPECT_FALSE(b.seen[0].headers.has("k-evil"));
}

TEST(Proxy, CarriesLargeBodiesBothWays) {
  World w;
  std::string big(5 << 20, 'x');
  http::Server server(w.loop, http::ServerOptions{},
                      [&](http::Request r, std::shared_ptr<http::Responder> responder) {
                        http::Response response;
                        response.body = r.body == big ? std::move(r.body) : "differs";
                        responder->send(std::move(response));
                      });
  w.endpoints({*server.listen("127.0.0.1", 0)});
  auto c = w.wait(w.post(big));
  EXPECT_EQ(c.status, 200) << c.error;
  EXPECT_TRUE(c.response.body == big);
}

TEST(Proxy, AnswersInKServesErrorForm) {
  World w;
  auto c = w.wait(w.post("x", "/", {{"host", "nowhere.example.com"}}));
  EXPECT_EQ(c.status, 404);
  auto v = json::parse(c.response.body);
  ASSERT_TRUE(v.ok()) << c.response.body;
  EXPECT_TRUE(contains((*v)["error"].str(), "nowhere.example.com"));
  EXPECT_TRUE(contains((*v)["error"].str(), "kubectl get"));
  w.objects(0, 300, "{match: [{uri: {exact: /only}}], directResponse: {status: 204}}");
  EXPECT_EQ(w.wait(w.post("x", "/other", {{"host", "v.example.com"}})).status, 404);
  EXPECT_EQ(w.wait(w.post("x", "/only", {{"host", "v.example.com"}})).status, 204);
}

TEST(Proxy, RefusesABodyOverTheLimit) {
  WorkerOptions options;
  options.most_body_bytes = 1000;
  World w(options);
  Backing b(w.loop);
  w.endpoints({b.port});
  EXPECT_EQ(w.wait(w.post(std::string(1001, 'x'))).status, 413);
  EXPECT_EQ(w.wait(w.post(std::string(1000, 'x'))).status, 200);
}

TEST(Activator, HoldsTheRequestAndWakesTheAutoscaler) {
  World w;
  auto call = w.post("hello");
  ASSERT_TRUE(w.until([&] { return !w.demand.calls.empty(); }));
  EXPECT_EQ(w.demand.calls[0], "r 1");
  EXPECT_FALSE(call->done);
  Backing b(w.loop);
  w.endpoints({b.port});
  auto c = w.wait(call);
  EXPECT_EQ(c.status, 200);
  EXPECT_EQ(c.response.body, "{\"got\":5}");
  EXPECT_EQ(w.demand.calls.size(), 1u);
}

TEST(Activator, KeepsALargeBodyThatWaits) {
  World w;
  std::string big(3 << 20, 'y');
  auto call = w.post(big);
  ASSERT_TRUE(w.until([&] { return !w.demand.calls.empty(); }));
  Backing b(w.loop);
  w.endpoints({b.port});
  EXPECT_EQ(w.wait(call).response.body, str("{\"got\":", big.size(), "}"));
}

TEST(Activator, AnswersGatewayTimeoutAfterTheRevisionsTimeout) {
  World w;
  w.objects(0, 1);
  auto c = w.wait(w.post("x"));
  EXPECT_EQ(c.status, 504);
  EXPECT_TRUE(contains(c.response.body, "activator request timeout")) << c.response.body;
}

TEST(Activator, AnswersUnavailableWhenTheQueueIsFull) {
  World w;
  auto backend = w.builder.revision({"ns", "r"});
  auto options = backend->options();
  options.most_waiting = 1;
  backend->configure(options, w.loop.clock().mono());
  auto first = w.post("x");
  ASSERT_TRUE(w.until([&] { return backend->waiting() == 1; }));
  auto c = w.wait(w.post("x"));
  EXPECT_EQ(c.status, 503);
  EXPECT_EQ(c.response.headers.get("retry-after"), "1");
  EXPECT_FALSE(first->done);
}

TEST(ContainerConcurrency, IsNeverExceeded) {
  World w;
  w.objects(1, 300);
  Backing b(w.loop);
  b.hold = true;
  w.endpoints({b.port});
  std::vector<std::shared_ptr<World::Call>> calls;
  for (int i = 0; i < 5; ++i) calls.push_back(w.post("x"));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(w.until([&] { return b.held.size() == 1; }));
    b.answer();
    ASSERT_TRUE(w.until([&] { return b.held.size() == 1 || i == 4; }));
  }
  for (auto& c : calls) EXPECT_EQ(w.wait(c).status, 200);
  EXPECT_EQ(b.most, 1);
}

// A backend that takes a request and dies: the connection is cut without a byte.
struct Cutter {
  Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  async::Loop& loop;
  uint16_t port = 0;
  int cut = 0;
  explicit Cutter(async::Loop& l) : loop(l) {
    sockaddr_in a{};
    a.sin_family = AF_INET, a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
    socklen_t n = sizeof a;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&a), &n);
    port = ntohs(a.sin_port);
    EXPECT_EQ(::listen(fd.get(), 10), 0);
    loop.watch(fd.get(), 1, [this](uint32_t) {
      int c = ::accept(fd.get(), nullptr, nullptr);
      if (c < 0) return;
      loop.watch(c, 1, [this, c](uint32_t) {
        char buffer[1024];
        if (::recv(c, buffer, sizeof buffer, MSG_DONTWAIT) > 0) ++cut;
        loop.unwatch(c);
        ::close(c);
      });
    });
  }
  ~Cutter() { loop.unwatch(fd.get()); }
};

TEST(Retry, APredictionWhoseServerDiesIsSentToAnother) {
  World w;
  Cutter cutter(w.loop);
  Backing b(w.loop);
  w.endpoints({cutter.port, b.port});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(w.wait(w.post("x")).status, 200);
  EXPECT_GT(cutter.cut, 0);
  EXPECT_EQ(b.seen.size(), 20u);
}

TEST(Retry, AnotherPostIsNotRepeated) {
  World w;
  Cutter cutter(w.loop);
  w.endpoints({cutter.port});
  auto c = w.wait(w.post("x", "/v2/repository/models/iris/load"));
  EXPECT_EQ(c.status, 502);
  EXPECT_EQ(cutter.cut, 1);
}

TEST(Retry, GivesUpAfterThreeTries) {
  World w;
  Cutter cutter(w.loop);
  w.endpoints({cutter.port});
  EXPECT_EQ(w.wait(w.post("x")).status, 502);
  EXPECT_EQ(cutter.cut, 3);
}

TEST(Retry, WaitsForAnEndpointThatRefusesUntilItIsThereAgain) {
  World w;
  uint16_t port;
  {
    Backing gone(w.loop);
    port = gone.port;
    w.endpoints({port});
    EXPECT_EQ(w.wait(w.post("x")).status, 200);
  }
  auto call = w.post("x", "/not/repeatable");
  ASSERT_TRUE(w.until([&] { return w.metrics.retries.value() > 0; }));
  Backing back(w.loop, port);
  EXPECT_EQ(w.wait(call).status, 200);
}

TEST(Retry, OnStatusAsTheVirtualServiceSays) {
  World w;
  w.objects(0, 300,
            "{retries: {attempts: 2, retryOn: 5xx}, route: [{destination: {host: "
            "iris.ns.svc.cluster.local}}]}");
  Backing b(w.loop);
  b.hold = true;
  w.endpoints({b.port});
  auto call = w.post("x", "/", {{"host", "v.example.com"}});
  for (int status : {500, 503, 200}) {
    ASSERT_TRUE(w.until([&] { return b.held.size() == 1; }));
    b.answer(status);
  }
  EXPECT_EQ(w.wait(call).status, 200);
  EXPECT_EQ(b.seen.size(), 3u);
}

TEST(Timeout, OfTheRuleEndsARequestThatHangs) {
  World w;
  w.objects(0, 300, "{timeout: 50ms, route: [{destination: {host: iris.ns.svc.cluster.local}}]}");
  Backing b(w.loop);
  b.hold = true;
  w.endpoints({b.port});
  auto c = w.wait(w.post("x", "/", {{"host", "v.example.com"}}));
  EXPECT_EQ(c.status, 504);
  EXPECT_TRUE(contains(c.response.body, "request timeout"));
}

TEST(Endpoints, ThatAreTakenAwayFinishWhatTheyHave) {
  World w;
  Backing old(w.loop), fresh(w.loop);
  old.hold = true;
  w.endpoints({old.port});
  auto call = w.post("x");
  ASSERT_TRUE(w.until([&] { return old.held.size() == 1; }));
  w.endpoints({fresh.port});
  EXPECT_EQ(w.wait(w.post("y")).status, 200);
  EXPECT_EQ(fresh.seen.size(), 1u);
  old.answer();
  EXPECT_EQ(w.wait(call).status, 200);
}

TEST(Log, HasALineForEachRequest) {
  World w;
  Backing b(w.loop);
  w.endpoints({b.port});
  w.wait(w.post("hello"));
  ASSERT_TRUE(w.until([&] { return w.lines.size() >= 2; }));
  std::string all = join(w.lines, "");
  EXPECT_TRUE(contains(all, "/ns_pod0_u0/queue-proxy/0.log ")) << all;
  EXPECT_TRUE(contains(all, " stdout F {\"httpRequest\": {\"requestMethod\": \"POST\"")) << all;
  EXPECT_TRUE(contains(all, "\"requestSize\": \"5\"")) << all;
}

TEST(Metrics, CountByRevisionAndClass) {
  World w;
  Backing b(w.loop);
  w.endpoints({b.port});
  w.wait(w.post("hello"));
  EXPECT_TRUE(contains(w.registry.text(), "revision_request_count{")) << w.registry.text();
}

// Raw bytes in front, for what a whole-message client cannot do.
struct Raw {
  Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::string got;
  explicit Raw(uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET, a.sin_addr.s_addr = htonl(INADDR_LOOPBACK), a.sin_port = htons(port);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
  }
  void send(std::string_view s) {
    EXPECT_EQ(::send(fd.get(), s.data(), s.size(), MSG_NOSIGNAL), static_cast<ssize_t>(s.size()));
  }
  bool has(std::string_view part) {
    char buffer[4096];
    ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) got.append(buffer, static_cast<size_t>(n));
    return contains(got, part);
  }
};

TEST(Upgrade, PassesBytesBothWays) {
  World w;
  http::StreamServer server(
      w.loop, http::ServerOptions{}, [](std::shared_ptr<http::ServerStream> s) {
        s->respond_head(101, {{"upgrade", s->head().upgrade}, {"connection", "Upgrade"}}, false);
        http::ServerCallbacks c;
        auto* raw = s.get();
        c.on_data = [raw, s](std::string_view data) {
          raw->respond_data(str("echo:", data), false);
        };
        c.on_end = [raw](http::Headers) { raw->respond_data({}, true); };
        s->receive(std::move(c));
      });
  w.endpoints({*server.listen("127.0.0.1", 0)});
  Raw raw(w.port);
  raw.send(
      "GET /chat HTTP/1.1\r\nHost: iris.ns.example.com\r\nConnection: Upgrade\r\nUpgrade: "
      "websocket\r\n\r\n");
  ASSERT_TRUE(w.until([&] { return raw.has("101"); })) << raw.got;
  raw.send("one");
  ASSERT_TRUE(w.until([&] { return raw.has("echo:one"); })) << raw.got;
  raw.send("two");
  ASSERT_TRUE(w.until([&] { return raw.has("echo:two"); })) << raw.got;
  ::shutdown(raw.fd.get(), SHUT_WR);
  EXPECT_TRUE(w.until([&] {
    char c;
    return ::recv(raw.fd.get(), &c, 1, MSG_DONTWAIT) == 0;
  }));
}

TEST(Client, ThatGoesAwayLeavesTheQueue) {
  World w;
  {
    Raw raw(w.port);
    raw.send("GET / HTTP/1.1\r\nHost: iris.ns.example.com\r\n\r\n");
    ASSERT_TRUE(w.until([&] { return w.builder.revision({"ns", "r"})->waiting() == 1; }));
  }
  EXPECT_TRUE(w.until([&] { return w.builder.revision({"ns", "r"})->waiting() == 0; }));
}

TEST(Proxy, StreamsAResponseAsItComes) {
  World w;
  std::shared_ptr<http::Responder> responder;
  http::Server server(w.loop, http::ServerOptions{},
                      [&](http::Request, std::shared_ptr<http::Responder> r) {
                        responder = r;
                        r->start(200, {{"content-type", "text/event-stream"}});
                        r->write("data: 1\n\n");
                      });
  w.endpoints({*server.listen("127.0.0.1", 0)});
  Raw raw(w.port);
  raw.send("GET /stream HTTP/1.1\r\nHost: iris.ns.example.com\r\n\r\n");
  ASSERT_TRUE(w.until([&] { return raw.has("data: 1\n\n"); })) << raw.got;
  responder->write("data: 2\n\n");
  responder->finish();
  EXPECT_TRUE(w.until([&] { return raw.has("data: 2\n\n") && raw.has("0\r\n\r\n"); })) << raw.got;
}

}  // namespace
}  // namespace proa::gateway
