// `proa fetch SRC DST [SRC DST …]`: the storage initializer. Brings each model into its folder.
//
//   mirror → its folder · pvc:// → nothing to do · pinned in the cache → links, no request
//   else ask the source for files and version → in the cache → links
//                                            → download, unpack an archive, commit, links
//
// Links are hard links; where the cache is another mount, clones, symbolic links into the cache
// (only with a pin, which keeps the entry), or copies. Files are read-only.
//
// fetch_main() is called in a process of its own, with one thread at entry. It ends with 0, or with
// 1 and one line on stderr and in the termination log. fetch() is the same as a function, for
// tests.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/storage/transfer/download.h"
#include "models/storage/transfer/source.h"

namespace proa::storage {

struct FetchOptions {
  SourceOptions source;
  DownloadOptions download;
  std::string cache;          // folder; "" means none
  std::string pin;            // "NAMESPACE/REVISION"; see cache.h
  bool prefer_cache = false;  // take what the cache has of this URI without asking
  int64_t cache_bytes = 0;    // the cache's bound; 0: none
  std::string secret_files;  // folder of what STORAGE_CONFIG's secrets became; remove it at the end
  std::string progress_file;  // JSON, replaced with each report: bytes, total, rate, left, file
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

struct Fetched {
  size_t files = 0;
  int64_t bytes = 0;
  std::string digest;  // see cache.h; "" if nothing was fetched
};

Result<Fetched> fetch(const std::string& uri, const std::string& destination,
                      const FetchOptions& options);

// The variables that docs/STORAGE.md lists, STORAGE_CONFIG included.
Result<FetchOptions> options_from(const Environment& env);

// "100Gi" → bytes; "" → 0. `name` is for the error.
Result<int64_t> parse_size(const std::string& name, std::string_view text);

int fetch_main(int argc, char** argv);

// OpenSSL reads its configuration and finds its algorithms at its first use, which takes longer
// than to fetch a small model. Processes forked after this have it done.
void prepare_to_fetch();

}  // namespace proa::storage

namespace proa::models {
using storage::fetch_main;
}
