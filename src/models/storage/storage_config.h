// STORAGE_CONFIG and STORAGE_OVERRIDE_CONFIG: an entry of KServe's secret `storage-config` and the
// parameters of `spec.predictor.model.storage`, as the variables that the stores read. Pure, but
// for certificates, which become files.
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

// Set if STORAGE_OVERRIDE_CONFIG, which comes with the URI and not from a Secret, names the
// server: such a one may be at no private address.
inline constexpr const char* kEndpointOfSpec = "PROA_ENDPOINT_OF_SPEC";

// `env` with the variables added. `files` is a folder for certificates; made if it is needed.
// kInvalid if either is no JSON object.
Result<Environment> with_storage_config(Environment env, const std::string& files);

}  // namespace proa::storage
