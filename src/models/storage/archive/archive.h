// Unpacks .tar, .tgz, .tar.gz and .zip, and layers of images, below a folder, safely.
//
// Only folders and regular files come out; a link is taken as a copy of the file it names, which
// must have come before it in the same archive; devices and the like are refused, and so is a name
// that leads out. Too much is an error, never a truncated model. Errors: kInvalid, kTooLarge.
#pragma once

#include <cstdint>
#include <string>

#include "models/storage/transfer/beneath.h"

namespace proa::storage {

struct ArchiveLimits {
  int64_t bytes = int64_t{256} << 30;
  int64_t files = 100'000;
};

// One layer of a container image over those before it: only what is below /models, without that
// prefix; names that begin with ".wh." take away what earlier layers brought. Plain, gzip or zstd.
Status unpack_layer(const std::string& archive_path, const Folder& into,
                    const ArchiveLimits& limits = {});

Status unpack(const std::string& archive_path, const Folder& into,
              const ArchiveLimits& limits = {});

}  // namespace proa::storage
