#include "platform/apiserver/pki/pki.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::apiserver {
namespace {

constexpr int64_t kCaDays = 3650, kLeafDays = 365, kRenewDays = 30;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

Error ssl_error(std::string_view what) {
  char text[256] = "unknown cause";
  if (unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return error(Code::kInternal, str("make keys: ", what, ": ", text));
}

Bio reader(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

Cert read_cert(const std::string& pem) {
  Bio bio = reader(pem);
  Cert cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return cert;
}

Key read_key(const std::string& pem) {
  Bio bio = reader(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return key;
}

struct Pair {
  Cert cert;
  Key key;
  std::string cert_pem, key_pem;
  bool usable() const { return cert && key && X509_check_private_key(cert.get(), key.get()) == 1; }
};

struct Wish {
  std::string organization, common_name;
  bool ca = false, server = false;
  std::vector<std::string> names;
  int64_t days = kLeafDays;
};

bool is_address(const std::string& name) {
  unsigned char buffer[16];
  return inet_pton(AF_INET, name.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, name.c_str(), buffer) == 1;
}

bool extend(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) return false;
  bool ok = X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

bool add_extensions(X509* cert, X509* issuer, const Wish& wish) {
  bool ok = extend(cert, issuer, NID_basic_constraints,
                   wish.ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
            extend(cert, issuer, NID_key_usage,
                   wish.ca ? "critical,keyCertSign,cRLSign,digitalSignature"
                           : "critical,digitalSignature") &&
            extend(cert, issuer, NID_subject_key_identifier, "hash");
  if (wish.ca) return ok;
  ok = ok && extend(cert, issuer, NID_authority_key_identifier, "keyid") &&
       extend(cert, issuer, NID_ext_key_usage, wish.server ? "serverAuth" : "clientAuth");
  std::vector<std::string> names;
  for (const std::string& name : wish.names)
    names.push_back(str(is_address(name) ? "IP:" : "DNS:", name));
  return ok && (names.empty() || extend(cert, issuer, NID_subject_alt_name, join(names, ",")));
}

bool fill(X509* cert, X509* issuer, EVP_PKEY* key, const Wish& wish, WallTime now) {
  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof serial) != 1) return false;
  serial[0] = (serial[0] & 0x3f) | 0x40;  // positive, of full length
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
  BN_free(number);
  X509_set_version(cert, X509_VERSION_3);
  time_t start = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(now));
  ASN1_TIME_set(X509_getm_notBefore(cert), start - 3600);  // clocks differ
  ASN1_TIME_set(X509_getm_notAfter(cert), start + wish.days * 86400);
  X509_set_pubkey(cert, key);
  X509_NAME* name = X509_get_subject_name(cert);
  auto entry = [&](const char* field, const std::string& value) {
    if (!value.empty())
      X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(value.data()),
                                 static_cast<int>(value.size()), -1, 0);
  };
  entry("O", wish.organization);
  entry("CN", wish.common_name);
  X509_set_issuer_name(cert, X509_get_subject_name(issuer));
  return add_extensions(cert, issuer, wish);
}

Result<Pair> make_pair_of(const Wish& wish, const Pair* ca, WallTime now) {
  Pair pair;
  pair.key.reset(EVP_EC_gen("P-256"));
  pair.cert.reset(X509_new());
  if (!pair.key || !pair.cert) return ssl_error("key");
  X509* issuer = ca ? ca->cert.get() : pair.cert.get();
  if (!fill(pair.cert.get(), issuer, pair.key.get(), wish, now)) return ssl_error("certificate");
  if (X509_sign(pair.cert.get(), ca ? ca->key.get() : pair.key.get(), EVP_sha256()) == 0)
    return ssl_error("sign");
  Bio cert(BIO_new(BIO_s_mem())), key(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(cert.get(), pair.cert.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key.get(), pair.key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1)
    return ssl_error("write");
  pair.cert_pem = text_of(cert.get());
  pair.key_pem = text_of(key.get());
  return pair;
}

Pair load(const std::string& stem) {
  Pair pair;
  auto cert = read_file(stem + ".crt", 1 << 20), key = read_file(stem + ".key", 1 << 20);
  if (!cert.ok() || !key.ok()) return pair;
  pair.cert = read_cert(*cert);
  pair.key = read_key(*key);
  pair.cert_pem = std::move(*cert);
  pair.key_pem = std::move(*key);
  return pair;
}

bool covers(const std::string& certificate, const std::vector<std::string>& names) {
  std::vector<std::string> has = names_of(certificate);
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(has.begin(), has.end(), name) != has.end();
  });
}

// What is in STEM.crt and .key if it still serves, else a new pair, written there.
Result<Pair> ensure(const std::string& stem, const Wish& wish, const Pair* ca, WallTime now,
                    bool* made) {
  Pair there = load(stem);
  bool serves = there.usable() && days_left(there.cert_pem, now) > kRenewDays &&
                covers(there.cert_pem, wish.names) &&
                (!ca || X509_verify(there.cert.get(), ca->key.get()) == 1);
  ERR_clear_error();
  if (serves) return there;
  TRY(Pair pair, make_pair_of(wish, ca, now));
  TRY_STATUS(write_file(stem + ".key", pair.key_pem, 0600, true));
  TRY_STATUS(write_file(stem + ".crt", pair.cert_pem, 0600, true));
  if (made) *made = true;
  return pair;
}

std::vector<std::string> all_names(const std::vector<std::string>& more) {
  std::vector<std::string> names = {"localhost",
                                    "kubernetes",
                                    "kubernetes.default",
                                    "kubernetes.default.svc",
                                    "kubernetes.default.svc.cluster.local",
                                    "127.0.0.1"};
  for (const std::string& name : more)
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  return names;
}

}  // namespace

int64_t days_left(const std::string& certificate, WallTime now) {
  Cert cert = read_cert(certificate);
  if (!cert) return -1;
  time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  ASN1_TIME* from = ASN1_TIME_set(nullptr, seconds);
  int days = -1, rest = 0;
  if (ASN1_TIME_diff(&days, &rest, from, X509_get0_notAfter(cert.get())) != 1) days = -1;
  ASN1_TIME_free(from);
  return rest < 0 && days == 0 ? -1 : days;
}

std::vector<std::string> names_of(const std::string& certificate) {
  std::vector<std::string> out;
  Cert cert = read_cert(certificate);
  if (!cert) return out;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(cert.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    const ASN1_STRING* text = name->type == GEN_DNS     ? name->d.dNSName
                              : name->type == GEN_IPADD ? name->d.iPAddress
                                                        : nullptr;
    if (!text) continue;
    const unsigned char* data = ASN1_STRING_get0_data(text);
    int size = ASN1_STRING_length(text);
    if (name->type == GEN_DNS) {
      out.emplace_back(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
      continue;
    }
    char address[INET6_ADDRSTRLEN] = "";
    inet_ntop(size == 4 ? AF_INET : AF_INET6, data, address, sizeof address);
    out.emplace_back(address);
  }
  GENERAL_NAMES_free(names);
  return out;
}

Result<Credentials> ensure_credentials(const std::string& folder,
                                       const std::vector<std::string>& names, WallTime now) {
  TRY_STATUS(make_dirs(folder, 0700));
  bool new_ca = false;
  Wish ca_wish{"", "proa-ca", true, false, {}, kCaDays};
  TRY(Pair ca, ensure(folder + "/ca", ca_wish, nullptr, now, &new_ca));
  Wish server_wish{"", "kube-apiserver", false, true, all_names(names), kLeafDays};
  TRY(Pair server, ensure(folder + "/server", server_wish, &ca, now, nullptr));
  Wish admin_wish{"system:masters", "kubernetes-admin", false, false, {}, kLeafDays};
  TRY(Pair admin, ensure(folder + "/admin", admin_wish, &ca, now, nullptr));
  return Credentials{ca.cert_pem, server.cert_pem, server.key_pem, admin.cert_pem, admin.key_pem};
}

std::string make_kubeconfig(const Credentials& credentials, std::string_view url) {
  json::Value cluster =
      json::object({{"server", url}, {"certificate-authority-data", base64(credentials.ca)}});
  json::Value user = json::object({{"client-certificate-data", base64(credentials.admin)},
                                   {"client-key-data", base64(credentials.admin_key)}});
  json::Value config = json::object(
      {{"apiVersion", "v1"},
       {"kind", "Config"},
       {"clusters", json::array({json::object({{"name", "proa"}, {"cluster", cluster}})})},
       {"users", json::array({json::object({{"name", "proa"}, {"user", user}})})},
       {"contexts", json::array({json::object(
                        {{"name", "proa"},
                         {"context", json::object({{"cluster", "proa"}, {"user", "proa"}})}})})},
       {"current-context", "proa"},
       {"preferences", json::Object{}}});
  return json::dump_yaml(config);
}

}  // namespace proa::apiserver
