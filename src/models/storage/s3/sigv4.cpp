#include "models/storage/s3/sigv4.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "models/storage/transfer/crypto.h"
#include "models/storage/transfer/http.h"

namespace proa::storage {
namespace {

struct Names {
  std::string_view algorithm, key_prefix, terminator;
};
constexpr Names kAws{"AWS4-HMAC-SHA256", "AWS4", "aws4_request"};
constexpr Names kOss{"OSS4-HMAC-SHA256", "aliyun_v4", "aliyun_v4_request"};

struct Url {
  std::string path, query;
};

Url split_url(std::string_view url) {
  const auto scheme = url.find("://");
  const auto from = url.find_first_of("/?", scheme == url.npos ? 0 : scheme + 3);
  Url out;
  if (from != url.npos) {
    const auto rest = url.substr(from);
    const auto mark = rest.find('?');
    out.path = rest.substr(0, mark);
    if (mark != rest.npos) out.query = rest.substr(mark + 1);
  }
  if (out.path.empty()) out.path = "/";
  return out;
}

// Sorted by name, then value. AWS wants "name=" where there is no value, OSS only "name".
std::string canonical_query(std::string_view query, bool equals_always) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (auto item : split(query, '&')) {
    if (item.empty()) continue;
    const auto equals = item.find('=');
    pairs.emplace_back(item.substr(0, equals),
                       equals == item.npos ? std::string_view() : item.substr(equals + 1));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += '&';
    out += name;
    if (equals_always || !value.empty()) out += str("=", value);
  }
  return out;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields sorted_fields(const Fields& in) {
  Fields out;
  for (const auto& [name, value] : in) out.emplace_back(lower(name), std::string(trim(value)));
  std::sort(out.begin(), out.end());
  return out;
}

std::string lines_of(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) out += str(name, ":", value, "\n");
  return out;
}

std::string names_of(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) out += str(out.empty() ? "" : ";", name);
  return out;
}

struct Scope {
  std::string time, scope;
};

Scope scope_of(const ToSign& what, const Names& names) {
  const auto time = basic_time(what.epoch_s);
  return {time, str(time.substr(0, 8), "/", what.region, "/", what.service, "/", names.terminator)};
}

std::string signature(const ToSign& what, const AccessKey& key, const Names& names,
                      const std::string& canonical) {
  const auto [time, scope] = scope_of(what, names);
  const auto text = str(names.algorithm, "\n", time, "\n", scope, "\n", sha256_hex(canonical));
  auto k = hmac_sha256(str(names.key_prefix, key.secret), time.substr(0, 8));
  k = hmac_sha256(k, what.region);
  k = hmac_sha256(k, what.service);
  k = hmac_sha256(k, names.terminator);
  return hex(hmac_sha256(k, text));
}

}  // namespace

std::string aws_authorization(const ToSign& what, const AccessKey& key) {
  const Url url = split_url(what.url);
  const Fields fields = sorted_fields(what.headers);
  const auto canonical =
      str(what.method, "\n", url.path, "\n", canonical_query(url.query, true), "\n",
          lines_of(fields), "\n", names_of(fields), "\n", what.payload_hash);
  return str("Authorization: ", kAws.algorithm, " Credential=", key.id, "/",
             scope_of(what, kAws).scope, ", SignedHeaders=", names_of(fields),
             ", Signature=", signature(what, key, kAws, canonical));
}

std::vector<std::string> aws_headers(ToSign what, const AccessKey& key) {
  what.headers.emplace_back("host", authority_of(what.url));
  const size_t sent = what.headers.size();
  what.headers.emplace_back("x-amz-content-sha256", what.payload_hash);
  what.headers.emplace_back("x-amz-date", basic_time(what.epoch_s));
  if (!key.session.empty()) what.headers.emplace_back("x-amz-security-token", key.session);
  std::vector<std::string> lines{aws_authorization(what, key)};
  for (size_t i = sent; i < what.headers.size(); ++i)
    lines.push_back(str(what.headers[i].first, ": ", what.headers[i].second));
  return lines;
}

std::vector<std::string> oss_headers(ToSign what, const AccessKey& key, std::string_view bucket) {
  what.service = "oss";
  what.payload_hash = "UNSIGNED-PAYLOAD";
  const size_t sent = what.headers.size();
  what.headers.emplace_back("x-oss-content-sha256", what.payload_hash);
  what.headers.emplace_back("x-oss-date", basic_time(what.epoch_s));
  if (!key.session.empty()) what.headers.emplace_back("x-oss-security-token", key.session);
  Fields fields;
  for (const auto& [name, value] : sorted_fields(what.headers))
    if (name.starts_with("x-oss-") || name == "content-type" || name == "content-md5")
      fields.emplace_back(name, value);
  const Url url = split_url(what.url);
  const auto path = bucket.empty() ? url.path : str("/", bucket, url.path);
  const auto canonical = str(what.method, "\n", path, "\n", canonical_query(url.query, false), "\n",
                             lines_of(fields), "\n\n", what.payload_hash);
  std::vector<std::string> lines{str("Authorization: ", kOss.algorithm, " Credential=", key.id, "/",
                                     scope_of(what, kOss).scope,
                                     ",Signature=", signature(what, key, kOss, canonical))};
  for (size_t i = sent; i < what.headers.size(); ++i)
    lines.push_back(str(what.headers[i].first, ": ", what.headers[i].second));
  return lines;
}

}  // namespace proa::storage
