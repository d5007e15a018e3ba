// OAuth 2 for Google: a service account's key signs a JWT (RFC 7523, RS256), which buys a bearer
// token.
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <mutex>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/gs/gs.h"
#include "models/storage/transfer/crypto.h"

namespace proa::storage {
namespace {

constexpr const char* kScope = "https://www.googleapis.com/auth/devstorage.read_only";

Result<std::string> token_request(const json::Value& key) {
  if (key["type"].str() == "authorized_user")
    return str("grant_type=refresh_token&client_id=", percent_encode(key["client_id"].str()),
               "&client_secret=", percent_encode(key["client_secret"].str()),
               "&refresh_token=", percent_encode(key["refresh_token"].str()));
  if (key["type"].str() != "service_account")
    return error(Code::kInvalid, str("credentials of type \"", shorten(key["type"].str(), 40),
                                     "\" are not supported; use a service account key"));
  TRY(auto jwt,
      signed_jwt(key["client_email"].str(), key["private_key_id"].str(), key["private_key"].str(),
                 key["token_uri"].str_or("https://oauth2.googleapis.com/token"), now_seconds()));
  return str("grant_type=", percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer"),
             "&assertion=", jwt);
}

struct Token {
  std::mutex mutex;
  std::string value;
  int64_t good_until = 0;
};

Status renew(Token& token, Http& http, const std::string& key_file) {
  const std::string what = str("credentials ", key_file);
  TRY(auto text, read_file(key_file, 1 << 20).context("credentials"));
  TRY(auto key, json::parse(text).context(what));
  TRY(auto body, token_request(key).context(what));
  HttpRequest request;
  request.url = key["token_uri"].str_or("https://oauth2.googleapis.com/token");
  request.method = "POST";
  request.headers = {"Content-Type: application/x-www-form-urlencoded"};
  request.body = std::move(body);
  TRY(auto answer, send_with_retries(http, request, SourceOptions{}).context(what));
  auto parsed = json::parse(answer.body);
  const json::Value said = parsed.ok() ? *parsed : json::Value();
  if (answer.status != 200 || said["access_token"].str().empty())
    return error(Code::kUnauthenticated,
                 str(what, ": ", shown_url(request.url), " answered ", answer.status, " ",
                     shorten(said["error_description"].str(), 200)));
  token.value = said["access_token"].str();
  token.good_until = now_seconds() + said["expires_in"].integer(300) - 60;
  return {};
}

}  // namespace

Result<std::string> signed_jwt(const std::string& email, const std::string& key_id,
                               const std::string& private_key_pem, const std::string& audience,
                               int64_t now_s) {
  const json::Value header = json::object({{"alg", "RS256"}, {"kid", key_id}, {"typ", "JWT"}});
  const json::Value claims = json::object({{"iss", email},
                                           {"scope", kScope},
                                           {"aud", audience},
                                           {"iat", now_s},
                                           {"exp", now_s + 3600}});
  const std::string text = str(base64url(json::dump(header)), ".", base64url(json::dump(claims)));
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())), BIO_free);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr, EVP_PKEY_free);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!key) return error(Code::kInvalid, "private_key is no PEM key");
  size_t size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DigestSignInit(ctx.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(ctx.get(), nullptr, &size, data, text.size()) != 1)
    return error(Code::kInvalid, "private_key cannot sign");
  std::string signature(size, '\0');
  if (EVP_DigestSign(ctx.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                     text.size()) != 1)
    return error(Code::kInvalid, "private_key cannot sign");
  signature.resize(size);
  return str(text, ".", base64url(signature));
}

Sign google_credentials(const std::string& key_file) {
  if (key_file.empty()) return nullptr;
  auto token = std::make_shared<Token>();
  return [token, key_file](Http& http, HttpRequest& request, bool again) -> Status {
    std::lock_guard lock(token->mutex);
    if (again || token->value.empty() || now_seconds() >= token->good_until)
      TRY_STATUS(renew(*token, http, key_file));
    request.headers.push_back("Authorization: Bearer " + token->value);
    return {};
  };
}

}  // namespace proa::storage
