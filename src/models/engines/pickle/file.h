// Model files as joblib.dump and pickle.dump write them: plain or compressed (zlib, gzip, bz2,
// lzma, xz, lz4), told apart by their first bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "models/engines/pickle/node.h"
#include "models/engines/pickle/reader.h"

namespace proa::pickle {

struct FileLimits {
  size_t bytes = size_t{4} << 30;  // of the file, and of what it unpacks to
  size_t ratio = 1200;             // unpacked by packed, once 16 MiB are unpacked
  Limits pickle = {};
};

// "zlib", "gzip", "bz2", "lzma", "xz", "lz4"; "" for none.
std::string_view compression_of(std::string_view bytes);
// Bytes after the end of the compressed stream are refused.
Result<std::string> decompress(std::string_view bytes, const FileLimits& limits);

// Takes the file's bytes, unpacks them if they are compressed, reads the pickle.
Result<std::unique_ptr<Document>> read_bytes(std::string bytes, const FileLimits& limits = {});
Result<std::unique_ptr<Document>> read_model_file(const std::string& path,
                                                  const FileLimits& limits = {});

}  // namespace proa::pickle
