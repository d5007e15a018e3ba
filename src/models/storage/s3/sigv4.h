// Signatures of requests: AWS Signature Version 4, and Alibaba's OSS V4, which is built alike.
//
// Pure: time and keys are given. The URL must be encoded as it will be sent: its path and its
// query's names and values percent-encoded but for unreserved characters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proa::storage {

struct AccessKey {
  std::string id, secret, session;  // session: of temporary credentials, or ""
  int64_t good_until = 0;           // 0: for ever
};

struct ToSign {
  std::string method = "GET", url;
  std::vector<std::pair<std::string, std::string>> headers;  // more that are signed; any case
  std::string payload_hash;                                  // hex, or UNSIGNED-PAYLOAD
  std::string region, service;
  int64_t epoch_s = 0;
};

// "Authorization: …" alone; `headers` must hold host and x-amz-date.
std::string aws_authorization(const ToSign& what, const AccessKey& key);
// All header lines to add to the request: authorization, date, content hash, token.
std::vector<std::string> aws_headers(ToSign what, const AccessKey& key);
// The same for OSS; `bucket` is "" for requests that name none.
std::vector<std::string> oss_headers(ToSign what, const AccessKey& key, std::string_view bucket);

}  // namespace proa::storage
