// What a storage URI stands for: its files, and the version that names exactly these bytes.
//
// resolve() asks the server's listing (Google Cloud Storage's JSON API), its headers (HTTP), or the
// file system. It downloads nothing. Errors carry the line the user reads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/storage/http.h"
#include "models/storage/uri.h"

namespace proa::storage {

using Environment = std::map<std::string, std::string>;

struct RemoteFile {
  std::string path;         // relative, safe
  std::string url;          // http(s); "" if local
  std::string local;        // absolute path; "" if remote
  int64_t size = -1;        // -1: not known
  std::string crc32c, md5;  // base64; "" if not known
  std::string version;      // generation or ETag
  std::string etag;         // what every answer for this file must say, if anything
  bool ranges = false;      // the server takes Range
};

// Header lines for a source's requests; asked again when a server says 401.
using Credentials = std::function<Result<std::vector<std::string>>(Http&, bool renew)>;

struct Resolved {
  std::vector<RemoteFile> files;
  std::string version;  // "" if the server names none: such a download is not reused
  Credentials credentials;
};

struct SourceOptions {
  Environment env;
  std::vector<std::pair<std::string, std::string>> mirrors;
  Filter filter;
  HttpTimes times;
  int attempts = 4;
  int retry_base_ms = 200;
};

Result<Resolved> resolve(const Uri& uri, const SourceOptions& options);

// Sends until an answer comes that is worth having: not after kUnavailable, 408, 429 or 5xx, which
// are tried again with doubling pauses. The last error or answer is returned.
Result<HttpResponse> send_with_retries(Http& http, const HttpRequest& request,
                                       const SourceOptions& options);
void pause_before_retry(int attempt, const SourceOptions& options);
bool worth_retry(long status);

// gcs.cpp, web.cpp, local.cpp
Result<Resolved> resolve_gcs(const Uri& uri, const SourceOptions& options);
Result<Resolved> resolve_web(const Uri& uri, const SourceOptions& options);
Result<Resolved> resolve_local(const std::string& path, const Uri& uri,
                               const SourceOptions& options);

// google_auth.cpp: bearer tokens from a service account's or user's key file. `key_file` is
// GOOGLE_APPLICATION_CREDENTIALS; "" gives no headers (anonymous).
Credentials google_credentials(const std::string& key_file);
Result<std::string> signed_jwt(const std::string& email, const std::string& key_id,
                               const std::string& private_key_pem, const std::string& audience,
                               int64_t now_s);

// "Failed to fetch model. No model found in gs://…."
Error no_model(const Uri& uri);

}  // namespace proa::storage
