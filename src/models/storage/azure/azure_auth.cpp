#include <memory>
#include <mutex>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/azure/azure.h"
#include "models/storage/azure/shared_key.h"
#include "models/storage/transfer/crypto.h"

namespace proa::storage {
namespace {

constexpr const char* kApi = "x-ms-version: 2021-12-02";

struct Token {
  std::mutex mutex;
  std::string value;
  int64_t good_until = 0;
};

void common(HttpRequest& request) {
  request.headers.push_back("x-ms-date: " + http_time(now_seconds()));
  request.headers.push_back(kApi);
}

// Microsoft Entra's client credentials grant.
Status renew(Token& token, Http& http, const Environment& env) {
  const auto client = first_in(env, {"AZURE_CLIENT_ID", "AZ_CLIENT_ID"});
  const auto tenant = first_in(env, {"AZURE_TENANT_ID", "AZ_TENANT_ID"});
  const auto secret = first_in(env, {"AZURE_CLIENT_SECRET", "AZ_CLIENT_SECRET"});
  auto authority = value_in(env, "AZURE_AUTHORITY_HOST");
  if (authority.empty()) authority = "https://login.microsoftonline.com";
  while (authority.ends_with('/')) authority.pop_back();
  HttpRequest r;
  r.method = "POST";
  r.url = str(authority, "/", percent_encode(tenant), "/oauth2/v2.0/token");
  r.headers = {"Content-Type: application/x-www-form-urlencoded"};
  r.body = str("grant_type=client_credentials&client_id=", percent_encode(client),
               "&scope=", percent_encode("https://storage.azure.com/.default"));
  if (!secret.empty()) {
    r.body += "&client_secret=" + percent_encode(secret);
  } else {
    TRY(auto assertion, read_file(value_in(env, "AZURE_FEDERATED_TOKEN_FILE"), 1 << 16)
                            .context("AZURE_FEDERATED_TOKEN_FILE"));
    r.body += str("&client_assertion_type=",
                  percent_encode("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                  "&client_assertion=", percent_encode(trim(assertion)));
  }
  TRY(auto answer, send_with_retries(http, r, SourceOptions{}).context("Azure sign-in"));
  const auto said = json::parse(answer.body).value_or(json::Value());
  if (answer.status != 200 || said["access_token"].str().empty())
    return error(Code::kUnauthenticated,
                 str("Azure sign-in of client ", client, ": ", authority, " answered ",
                     answer.status, " ", shorten(said["error"].str(), 100)));
  token.value = said["access_token"].str();
  token.good_until = now_seconds() + said["expires_in"].integer(300) - 60;
  return {};
}

Sign bearer(std::function<Result<std::string>(Http&, bool)> token) {
  return [token = std::move(token)](Http& http, HttpRequest& request, bool again) -> Status {
    TRY(const auto value, token(http, again));
    common(request);
    request.headers.push_back("x-ms-file-request-intent: backup");
    request.headers.push_back("Authorization: Bearer " + value);
    return {};
  };
}

Sign shared_key(const std::string& account, const std::string& key) {
  return [account, key](Http&, HttpRequest& request, bool) -> Status {
    common(request);
    AzureRequest r{request.method, request.url,
                   request.range.empty() ? "" : "bytes=" + request.range, request.headers};
    TRY(auto line, azure_authorization(r, account, key));
    request.headers.push_back(std::move(line));
    return {};
  };
}

}  // namespace

AzureLogin azure_login(const Uri& uri, const SourceOptions& options) {
  const auto& env = options.env;
  if (contains(uri.query, "sig=")) {
    const Sign plain = [](Http&, HttpRequest& r, bool) -> Status {
      common(r);
      return {};
    };
    return {plain, "the URI's signature", uri.query};
  }
  if (const auto token = value_in(env, "AZURE_ACCESS_TOKEN"); !token.empty())
    return {bearer([token](Http&, bool) { return Result<std::string>(token); }),
            "AZURE_ACCESS_TOKEN", ""};
  if (const auto key = first_in(env, {"AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY"});
      !key.empty())
    return {shared_key(uri.bucket, key), "AZURE_STORAGE_ACCESS_KEY", ""};
  const bool secret =
      !first_in(env, {"AZURE_CLIENT_SECRET", "AZ_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"})
           .empty();
  if (secret && !first_in(env, {"AZURE_CLIENT_ID", "AZ_CLIENT_ID"}).empty()) {
    auto kept = std::make_shared<Token>();
    return {bearer([kept, env](Http& http, bool again) -> Result<std::string> {
              std::lock_guard lock(kept->mutex);
              if (again || kept->value.empty() || now_seconds() > kept->good_until)
                TRY_STATUS(renew(*kept, http, env));
              return kept->value;
            }),
            "AZURE_CLIENT_ID", ""};
  }
  return {[](Http&, HttpRequest& r, bool) -> Status {
            common(r);
            return {};
          },
          "", ""};
}

}  // namespace proa::storage
