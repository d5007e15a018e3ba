// A URI's files and version, by the store that it names, or by the mirror that stands for it.
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

Result<Resolved> resolve(const Uri& uri, const SourceOptions& options);

// web.cpp, local.cpp
Result<Resolved> resolve_web(const Uri& uri, const SourceOptions& options);
Result<Resolved> resolve_local(const std::string& path, const Uri& uri);

// What the cache calls a URI: as it is shown, and a hash of what else decides its content: hidden
// parts of the URI, other servers that the environment names, name filters.
std::string cache_key(const Uri& uri, const SourceOptions& options);

}  // namespace proa::storage
