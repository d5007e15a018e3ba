// Storage URIs, the paths that come out of them, mirrors and name filters. Pure.
//
// Everything here may come from strangers: a URI from a YAML, names from a bucket's listing or an
// archive. Errors: kInvalid with a line for the user.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"

namespace proa::storage {

enum class Scheme {
  kGcs,
  kWeb,
  kLocal,
  kClaim,    // pvc://, mounted
  kMounted,  // /mnt/models itself and oci+native://: another brings it
  kS3,
  kOss,
  kAzureBlob,
  kAzureFile,
  kHuggingFace,
  kModelScope,
  kOci,
  kHdfs,
  kGit,
  kMlflow,  // models:/ and runs:/ of a tracking server
};

struct Uri {
  Scheme scheme = Scheme::kLocal;
  std::string text;    // as given; may hold a user, a password, a signature: never shown
  std::string bucket;  // gs, s3, oss: bucket; http(s): "host[:port]"; Azure: account; hf: owner;
                       // oci: registry; hdfs: authority
  std::string path;    // object: without slashes around it; http(s): decoded; local: as is;
                       // Azure: "container/path"; hf: model; oci: repository
  std::string rev;     // hf: revision; oci: tag or digest; git: ref
  std::string query;   // http(s), Azure: what is behind "?"
  std::string shown;   // for messages, logs and the cache: text without what may be secret
};

Result<Uri> parse_uri(std::string_view text);

// A relative path below a folder: "a/./b//c" → "a/b/c". kInvalid for "", "..", an absolute path, a
// backslash-free path is wanted, no control characters, at most 1024 bytes.
Result<std::string> safe_relative(std::string_view path);

// "gs://bucket=/dir;https://host/x=/other" → prefix and folder.
Result<std::vector<std::pair<std::string, std::string>>> parse_mirrors(std::string_view text);

// The folder's path that serves `uri`, by the longest prefix that ends at a "/" or the URI's end;
// "" if none does. kInvalid if the rest of the URI climbs out.
Result<std::string> mirrored(std::string_view uri,
                             const std::vector<std::pair<std::string, std::string>>& mirrors);

// STORAGE_ALLOW_PATTERNS and STORAGE_IGNORE_PATTERNS: a JSON list or "a,b"; shell patterns as
// fnmatch.
struct Filter {
  std::vector<std::string> allow, ignore;
  bool takes(const std::string& path) const;
};
std::vector<std::string> parse_patterns(std::string_view text);

bool is_archive(std::string_view name);  // .tar .tgz .tar.gz .zip

// A file name for any text: percent-encoded, shortened with a hash when long.
std::string file_name_for(std::string_view text);
std::string hash_name(std::string_view text);  // 32 hex digits; not cryptographic

}  // namespace proa::storage
