// What a storage URI stands for: its files, and the version that names exactly these bytes.
//
// Each store's folder makes a Resolved from a Uri: it asks listings and headers, and downloads
// nothing. Download and fetch use it. Errors carry the line the user reads; none names a secret.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/storage/transfer/http.h"
#include "models/storage/transfer/uri.h"

namespace proa::storage {

using Environment = std::map<std::string, std::string>;
std::string value_in(const Environment& env, const std::string& name);  // "" if absent
std::string first_in(const Environment& env, std::initializer_list<const char*> names);
bool truthy(std::string_view text);  // "1", "true", "True", "yes"

// What the store says a file must have; "" where it does not.
struct Checks {
  std::string crc32c, md5;  // base64
  std::string sha256;       // hex
  std::string git_sha1;     // hex, of git's blob
  std::string crc64;        // decimal, ECMA
};

// What an answer's header says about the whole object, where the listing did not.
void learn(Checks& checks, const HttpResponse& head);

struct RemoteFile {
  std::string path;           // relative, safe
  std::string url;            // http(s); "" if local
  std::string local;          // absolute path; "" if remote
  int64_t size = -1;          // -1: not known
  Checks checks;              //
  std::string version;        // generation or ETag
  std::string etag;           // what every answer for this file must say, if anything
  bool ranges = false;        // the server takes Range
  bool offset_query = false;  // it takes "&offset=A&length=N" in the URL instead
  std::string media;          // oci: the layer's type
};

// Puts what authenticates into the request; asked again with `renew` when a server says 401.
using Sign = std::function<Status(Http&, HttpRequest&, bool renew)>;

enum class Unpack {
  kSingle,  // one file that is an archive is replaced by what is in it
  kLayers,  // the files are an image's layers
  kNever,
};

struct Bounds {
  int64_t most_bytes = int64_t{256} << 30;
};

struct Resolved {
  std::vector<RemoteFile> files;
  std::string version;  // "" if the server names none: such a download is not reused
  Sign sign;
  HttpOptions http;
  int attempts = 0;  // of each request without progress; 0: as SourceOptions say
  Unpack unpack = Unpack::kSingle;
  // For what is not a set of files over HTTP (git): brings all below the folder.
  std::function<Status(const std::string& folder, const Bounds&)> bring;
};

struct SourceOptions {
  Environment env;
  std::vector<std::pair<std::string, std::string>> mirrors;
  Filter filter;
  HttpOptions http;
  int attempts = 4;
  int retry_base_ms = 200;
};

// Sends until an answer comes that is worth having: not after kUnavailable, 408, 429 or 5xx, which
// are tried again with doubling pauses. The last error or answer is returned.
Result<HttpResponse> send_with_retries(Http& http, const HttpRequest& request,
                                       const SourceOptions& options);
// Signs, sends, and once more with renewed credentials after a 401.
Result<HttpResponse> send_signed(Http& http, const Sign& sign, HttpRequest request,
                                 const SourceOptions& options);
// Longer where the server's Retry-After asks for it, at most 30 s.
void pause_before_retry(int attempt, const SourceOptions& options,
                        const HttpResponse* answer = nullptr);
bool worth_retry(long status);

constexpr size_t kMostFiles = 100'000;

// "PATH@VERSION" of all files, sorted.
std::string version_of_files(const std::vector<RemoteFile>& files);

// "Failed to fetch model. No model found in gs://…."
Error no_model(const Uri& uri);

int64_t now_seconds();

// Names this run of the machine: what was written in it and not synced is good until it ends. ""
// where that is not to be read.
std::string boot_id();

}  // namespace proa::storage
