// Google Cloud Storage (gs://BUCKET/PREFIX) by its JSON API, for models/storage's resolve().
// GOOGLE_APPLICATION_CREDENTIALS names a key file; STORAGE_EMULATOR_HOST another server.
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

Result<Resolved> resolve_gcs(const Uri& uri, const SourceOptions& options);

// google_auth.cpp: bearer tokens from a service account's or user's key file; "" is anonymous.
Sign google_credentials(const std::string& key_file);
Result<std::string> signed_jwt(const std::string& email, const std::string& key_id,
                               const std::string& private_key_pem, const std::string& audience,
                               int64_t now_s);

}  // namespace proa::storage
