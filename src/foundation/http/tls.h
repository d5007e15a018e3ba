// TLS by OpenSSL over memory: contexts from PEM texts, and a session that turns plain bytes into
// records and back. The sockets are Transport's matter. Loop thread only (contexts: any thread).
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/http/http.h"

namespace proa::http {

struct SslCtxFree {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
};
using SslContext = std::shared_ptr<SSL_CTX>;

// ALPN offers h2 and http/1.1.
Result<SslContext> server_context(const TlsOptions& options);
struct ClientIdentity {
  std::string ca, certificate, key;  // PEM; ca "": the system's
  bool verify = true;
  std::vector<std::string> names;  // see TlsSession::expect_names
};
// ALPN asks for h2 if http2, else http/1.1.
Result<SslContext> client_context(const ClientIdentity& identity, bool http2);

class TlsSession {
 public:
  // server_name: what a client expects to find in the certificate, a name or an address.
  TlsSession(const SslContext& context, bool server, const std::string& server_name);
  // Client: with names, one of them must be in the certificate instead of server_name, which is
  // still sent; without verify, none.
  void expect_names(bool verify, const std::vector<std::string>& names);
  // Received records in, plain bytes out. n > 0; 0: the peer closed; -1: more is needed; -2:
  // broken.
  void received(std::string_view records);
  long read(char* buffer, size_t size);
  bool write(std::string_view plain);  // all of it; false: broken
  bool handshake();                    // drives it; false: broken
  bool ready() const;
  void close_notify();
  // Records to send are appended to out.
  void take_records(std::string& out);
  bool has_input() const;  // plain bytes may be had without receiving more
  bool is_h2() const;
  std::string peer_subject() const;  // "O=system:masters,CN=admin"; "" without one
  std::string failure() const { return failure_; }

 private:
  struct Free {
    void operator()(SSL* p) const { SSL_free(p); }
  };
  bool note(const char* what);
  std::unique_ptr<SSL, Free> ssl_;
  BIO* in_ = nullptr;   // owned by ssl_
  BIO* out_ = nullptr;  // owned by ssl_
  std::string failure_;
};

}  // namespace proa::http
