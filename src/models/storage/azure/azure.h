// Azure's blobs and file shares (https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX,
// https://ACCOUNT.file.core.windows.net/SHARE/PATH), for models/storage's resolve().
//
// Credentials, the first that is there: the URI's own SAS, AZURE_ACCESS_TOKEN,
// AZURE_STORAGE_ACCESS_KEY, AZURE_CLIENT_ID and AZURE_TENANT_ID with AZURE_CLIENT_SECRET or
// AZURE_FEDERATED_TOKEN_FILE (AZ_… of old alike); else none, for public containers.
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

Result<Resolved> resolve_azure_blob(const Uri& uri, const SourceOptions& options);
Result<Resolved> resolve_azure_file(const Uri& uri, const SourceOptions& options);

// azure_auth.cpp. `what` says in errors which kind there is.
struct AzureLogin {
  Sign sign;         // nullptr: anonymous
  std::string what;  // "the access key" …
  std::string sas;   // the URI's query, to be added to each URL
};
AzureLogin azure_login(const Uri& uri, const SourceOptions& options);

}  // namespace proa::storage
