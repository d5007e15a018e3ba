#include "models/storage/azure/shared_key.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "models/storage/transfer/crypto.h"

namespace proa::storage {
namespace {

std::string canonical_headers(const std::vector<std::string>& lines) {
  std::vector<std::string> out;
  for (const auto& line : lines) {
    const auto colon = line.find(':');
    const auto name = lower(line.substr(0, colon));
    if (name.starts_with("x-ms-"))
      out.push_back(str(name, ":", trim(std::string_view(line).substr(colon + 1)), "\n"));
  }
  std::sort(out.begin(), out.end());
  return join(out, "");
}

// "/ACCOUNT/path" as sent, then each parameter, decoded, sorted by name.
std::string canonical_resource(std::string_view url, std::string_view account) {
  const auto from = url.find('/', url.find("://") + 3);
  auto rest = from == url.npos ? std::string_view("/") : url.substr(from);
  const auto mark = rest.find('?');
  std::vector<std::string> parameters;
  if (mark != rest.npos)
    for (auto pair : split(rest.substr(mark + 1), '&')) {
      const auto equals = pair.find('=');
      const auto name = percent_decode(pair.substr(0, equals));
      const auto value = equals == pair.npos ? std::string()
                                             : percent_decode(pair.substr(equals + 1)).value_or("");
      if (name && !name->empty()) parameters.push_back(str("\n", lower(*name), ":", value));
    }
  std::sort(parameters.begin(), parameters.end());
  return str("/", account, rest.substr(0, mark), join(parameters, ""));
}

}  // namespace

std::string azure_string_to_sign(const AzureRequest& r, std::string_view account) {
  // Content-Encoding, -Language, -Length, -MD5, -Type, Date, If-Modified-Since, If-Match,
  // If-None-Match, If-Unmodified-Since: none is sent.
  return str(r.method, "\n\n\n\n\n\n\n\n\n\n\n", r.range, "\n", canonical_headers(r.headers),
             canonical_resource(r.url, account));
}

Result<std::string> azure_authorization(const AzureRequest& r, std::string_view account,
                                        std::string_view key) {
  const auto raw = unbase64(trim(key));
  if (!raw) return error(Code::kInvalid, "AZURE_STORAGE_ACCESS_KEY is no base64");
  return str("Authorization: SharedKey ", account, ":",
             base64(hmac_sha256(*raw, azure_string_to_sign(r, account))));
}

}  // namespace proa::storage
