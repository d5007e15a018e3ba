#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "foundation/base/strings.h"
#include "foundation/http/testing.h"

using namespace proa;
using namespace proa::http;

namespace {

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  long n = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<size_t>(n));
  BIO_free(bio);
  return out;
}

// A key and a certificate, signed by itself or by another.
struct Identity {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  Identity(const Identity* by, std::vector<std::pair<const char*, const char*>> subject,
           const char* names = nullptr) {
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), by ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME* name = X509_get_subject_name(cert);
    for (auto& [k, v] : subject) {
      X509_NAME_add_entry_by_txt(name, k, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(v),
                                 -1, -1, 0);
    }
    X509_set_issuer_name(cert, by ? X509_get_subject_name(by->cert) : name);
    extend(NID_basic_constraints, by ? "CA:FALSE" : "critical,CA:TRUE");
    if (names) extend(NID_subject_alt_name, names);
    X509_sign(cert, by ? by->key : key, EVP_sha256());
  }
  ~Identity() {
    X509_free(cert);
    EVP_PKEY_free(key);
  }
  void extend(int nid, const char* value) {
    X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(cert, e, -1);
    X509_EXTENSION_free(e);
  }
  std::string cert_pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    return bio_text(bio);
  }
  std::string key_pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    return bio_text(bio);
  }
};

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
