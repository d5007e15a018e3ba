// For tests of TLS: keys and certificates made on the spot.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <string>
#include <utility>
#include <vector>

namespace proa::http {

inline std::string bio_text(BIO* bio) {
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

}  // namespace proa::http
