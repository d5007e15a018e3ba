#include "foundation/http/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::http {
namespace {

struct BioFree {
  void operator()(BIO* p) const { BIO_free_all(p); }
};
struct X509Free {
  void operator()(X509* p) const { X509_free(p); }
};
struct KeyFree {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;
using X509Ptr = std::unique_ptr<X509, X509Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

std::string ssl_reason() {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Error tls_error(std::string_view what) {
  return error(Code::kInvalid, str(what, ": ", ssl_reason()));
}

BioPtr text_bio(const std::string& pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Certificate, its chain, and the key.
Status use_identity(SSL_CTX* ctx, const std::string& certificate, const std::string& key) {
  BioPtr bio = text_bio(certificate);
  X509Ptr leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(ctx, leaf.get()) != 1) return tls_error("TLS certificate");
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
      X509_free(next);
      return tls_error("TLS certificate chain");
    }
  }
  ERR_clear_error();  // the end of the text is reported as an error
  BioPtr key_bio = text_bio(key);
  KeyPtr private_key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  if (!private_key || SSL_CTX_use_PrivateKey(ctx, private_key.get()) != 1 ||
      SSL_CTX_check_private_key(ctx) != 1) {
    return tls_error("TLS key");
  }
  return {};
}

Status add_authorities(SSL_CTX* ctx, const std::string& pem, bool announce) {
  BioPtr bio = text_bio(pem);
  int count = 0;
  while (true) {
    X509Ptr ca(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!ca) break;
    ++count;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca.get()) != 1) return tls_error("TLS CA");
    if (announce && SSL_CTX_add_client_CA(ctx, ca.get()) != 1) return tls_error("TLS CA");
  }
  ERR_clear_error();
  if (count == 0) return error(Code::kInvalid, "TLS CA: no certificate in the PEM text");
  return {};
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
                    unsigned int in_length, void*) {
  static const unsigned char kServed[] = "\x02h2\x08http/1.1";
  int found = SSL_select_next_proto(const_cast<unsigned char**>(out), length, kServed,
                                    sizeof kServed - 1, in, in_length);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

SslContext new_context(const SSL_METHOD* method) {
  SslContext ctx(SSL_CTX_new(method), SslCtxFree());
  if (!ctx) return ctx;
  SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
  return ctx;
}

}  // namespace

Result<SslContext> server_context(const TlsOptions& options) {
  SslContext ctx = new_context(TLS_server_method());
  if (!ctx) return tls_error("TLS");
  TRY_STATUS(use_identity(ctx.get(), options.certificate, options.key));
  if (!options.client_ca.empty()) {
    TRY_STATUS(add_authorities(ctx.get(), options.client_ca, true));
    int must = options.require_client ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER | must, nullptr);
  }
  SSL_CTX_set_min_proto_version(ctx.get(),
                                options.least_version >= 13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  if (options.most_version == 12) SSL_CTX_set_max_proto_version(ctx.get(), TLS1_2_VERSION);
  static const unsigned char kSession[] = "proa";
  SSL_CTX_set_session_id_context(ctx.get(), kSession, sizeof kSession - 1);
  SSL_CTX_set_alpn_select_cb(ctx.get(), choose_protocol, nullptr);
  return ctx;
}

Result<SslContext> client_context(const ClientIdentity& identity, bool http2) {
  SslContext ctx = new_context(TLS_client_method());
  if (!ctx) return tls_error("TLS");
  if (identity.ca.empty())
    SSL_CTX_set_default_verify_paths(ctx.get());
  else
    TRY_STATUS(add_authorities(ctx.get(), identity.ca, false));
  if (!identity.certificate.empty())
    TRY_STATUS(use_identity(ctx.get(), identity.certificate, identity.key));
  SSL_CTX_set_verify(ctx.get(), identity.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const char* protocols = http2 ? "\x02h2\x08http/1.1" : "\x08http/1.1";
  SSL_CTX_set_alpn_protos(ctx.get(), reinterpret_cast<const unsigned char*>(protocols),
                          static_cast<unsigned>(std::strlen(protocols)));
  return ctx;
}

TlsSession::TlsSession(const SslContext& context, bool server, const std::string& server_name)
    : ssl_(SSL_new(context.get())) {
  CHECK(ssl_);
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  CHECK(in_ && out_);
  SSL_set_bio(ssl_.get(), in_, out_);
  if (server) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  unsigned char address[16];
  bool is_address = inet_pton(AF_INET, server_name.c_str(), address) == 1 ||
                    inet_pton(AF_INET6, server_name.c_str(), address) == 1;
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), server_name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str());
    SSL_set1_host(ssl_.get(), server_name.c_str());
  }
}

void TlsSession::expect_names(bool verify, const std::vector<std::string>& names) {
  if (verify && names.empty()) return;
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set1_ip(expected, nullptr, 0);
  SSL_set1_host(ssl_.get(), nullptr);
  if (!verify) return;
  for (const std::string& name : names) SSL_add1_host(ssl_.get(), name.c_str());
}

bool TlsSession::note(const char* what) {
  long verify = SSL_get_verify_result(ssl_.get());
  failure_ = str(what, ": ", ssl_reason());
  if (verify != X509_V_OK) failure_ += str(" (", X509_verify_cert_error_string(verify), ")");
  return false;
}

void TlsSession::received(std::string_view records) {
  BIO_write(in_, records.data(), static_cast<int>(records.size()));
}

bool TlsSession::handshake() {
  ERR_clear_error();
  int r = SSL_do_handshake(ssl_.get());
  if (r == 1) return true;
  int why = SSL_get_error(ssl_.get(), r);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE || note("TLS handshake");
}

bool TlsSession::ready() const { return SSL_is_init_finished(ssl_.get()) == 1; }

long TlsSession::read(char* buffer, size_t size) {
  ERR_clear_error();
  int n = SSL_read(ssl_.get(), buffer, static_cast<int>(std::min<size_t>(size, INT_MAX)));
  if (n > 0) return n;
  switch (SSL_get_error(ssl_.get(), n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      note("TLS");
      return -2;
  }
}

bool TlsSession::write(std::string_view plain) {
  while (!plain.empty()) {
    ERR_clear_error();
    int n = SSL_write(ssl_.get(), plain.data(),
                      static_cast<int>(std::min<size_t>(plain.size(), 1 << 20)));
    if (n <= 0) return note("TLS");
    plain.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void TlsSession::close_notify() {
  if (ready()) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void TlsSession::take_records(std::string& out) {
  char* data = nullptr;
  long n = BIO_get_mem_data(out_, &data);
  if (n <= 0) return;
  out.append(data, static_cast<size_t>(n));
  BIO_reset(out_);
}

bool TlsSession::has_input() const {
  return SSL_pending(ssl_.get()) > 0 || BIO_ctrl_pending(in_) > 0;
}

bool TlsSession::is_h2() const {
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return length == 2 && std::memcmp(name, "h2", 2) == 0;
}

std::string TlsSession::peer_subject() const {
  X509Ptr cert(SSL_get1_peer_certificate(ssl_.get()));
  if (!cert || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return {};
  X509_NAME* name = X509_get_subject_name(cert.get());
  std::string out;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const char* key = OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)));
    unsigned char* value = nullptr;
    int n = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
    if (n < 0) continue;
    if (!out.empty()) out += ',';
    out += str(key, '=');
    // A comma inside a value must not read as the start of another part.
    for (int k = 0; k < n; ++k) {
      char c = static_cast<char>(value[k]);
      if (c == ',' || c == '\\' || c == '+') out += '\\';
      out += c;
    }
    OPENSSL_free(value);
  }
  return out;
}

}  // namespace proa::http
