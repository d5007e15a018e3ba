// s3:// (AWS and what speaks like it) and oss:// (Alibaba Cloud), for models/storage's resolve().
//
// The environment's names are those of settings.h; docs/STORAGE.md lists them.
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

Result<Resolved> resolve_s3(const Uri& uri, const SourceOptions& options);
Result<Resolved> resolve_oss(const Uri& uri, const SourceOptions& options);

}  // namespace proa::storage
