#include "foundation/base/strings.h"
#include "foundation/http/testing.h"
#include "foundation/http/testing_identity.h"

using namespace proa;
using namespace proa::http;

namespace {

struct TlsTest : testing::TestWithParam<bool> {
  Identity ca{nullptr, {{"CN", "test CA"}}};
  Identity other_ca{nullptr, {{"CN", "other CA"}}};
  Identity host{&ca, {{"CN", "server"}}, "IP:127.0.0.1,DNS:localhost"};
  Identity admin{&ca, {{"O", "system:masters"}, {"CN", "admin"}}};
  Identity stranger{&other_ca, {{"O", "system:masters"}, {"CN", "admin"}}};
  async::Loop loop;
  std::unique_ptr<Server> server;
  uint16_t port = 0;
  std::vector<Request> seen;

  void SetUp() override {
    ServerOptions options;
    options.tls =
        std::make_shared<TlsOptions>(TlsOptions{host.cert_pem(), host.key_pem(), ca.cert_pem()});
    server =
        std::make_unique<Server>(loop, options, [this](Request q, std::shared_ptr<Responder> r) {
          r->send({200, {}, str(q.client_cert, "|", q.body.size())});
          seen.push_back(std::move(q));
        });
    port = *server->listen("127.0.0.1", 0);
  }

  Result<Response> fetch(const ClientOptions& options, std::string body = "",
                         std::string name = "127.0.0.1") {
    Client client(loop, options);
    ClientRequest request;
    request.host = name;
    request.port = port;
    request.tls = true;
    request.method = body.empty() ? "GET" : "POST";
    request.body = std::move(body);
    std::optional<Result<Response>> result;
    client.fetch(request, [&](Result<Response> r) { result = std::move(r); });
    EXPECT_TRUE(turn_until(loop, [&] { return result.has_value(); }));
    return result.value_or(error(Code::kInternal, "nothing came"));
  }
  ClientOptions trusting() {
    ClientOptions options;
    options.tls_ca = ca.cert_pem();
    options.http2 = GetParam();
    return options;
  }
};

TEST_P(TlsTest, LetsAClientWithoutCertificateInAsNobody) {
  auto r = fetch(trusting());
  ASSERT_TRUE(r.ok()) << r.error().message;
  EXPECT_EQ(r->body, "|0");
  EXPECT_EQ(seen[0].version, GetParam() ? 20 : 11);
  EXPECT_TRUE(seen[0].tls);
}

TEST_P(TlsTest, KnowsAClientByItsCertificate) {
  ClientOptions options = trusting();
  options.tls_certificate = admin.cert_pem();
  options.tls_key = admin.key_pem();
  auto r = fetch(options, std::string(1 << 20, 'x'));
  ASSERT_TRUE(r.ok()) << r.error().message;
  EXPECT_EQ(r->body, "O=system:masters,CN=admin|1048576");
}

TEST_P(TlsTest, RefusesAClientCertificateOfAnotherCa) {
  ClientOptions options = trusting();
  options.tls_certificate = stranger.cert_pem();
  options.tls_key = stranger.key_pem();
  EXPECT_FALSE(fetch(options).ok());
  EXPECT_TRUE(seen.empty());
}

TEST_P(TlsTest, ClientRefusesAServerOfAnotherCaOrName) {
  ClientOptions options = trusting();
  options.tls_ca = other_ca.cert_pem();
  auto wrong_ca = fetch(options);
  ASSERT_FALSE(wrong_ca.ok());
  EXPECT_NE(wrong_ca.error().message.find("certificate"), std::string::npos)
      << wrong_ca.error().message;
  EXPECT_TRUE(fetch(trusting(), "", "localhost").ok());
  EXPECT_FALSE(fetch(trusting(), "", "x.localhost").ok());
}

TEST_P(TlsTest, RefusesPlainBytesOnATlsPort) {
  RawClient client(loop, port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  client.read_to_end();
  EXPECT_TRUE(client.eof());
  EXPECT_TRUE(seen.empty());
}

INSTANTIATE_TEST_SUITE_P(Http1AndHttp2, TlsTest, testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Http2" : "Http1"; });

TEST(TlsOptions, ThatAreNoPemAreRefusedWhenListening) {
  async::Loop loop;
  ServerOptions options;
  options.tls = std::make_shared<TlsOptions>(TlsOptions{"nonsense", "nonsense", ""});
  Server server(loop, options, [](Request, std::shared_ptr<Responder>) {});
  EXPECT_FALSE(server.listen("127.0.0.1", 0).ok());
}

}  // namespace
