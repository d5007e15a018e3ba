// Models in container registries, oci://REGISTRY/REPOSITORY[:TAG][@sha256:…], for models/storage's
// resolve(): the registry API v2 (OCI distribution), with the tokens that it asks for.
//
//   image     its layers' /models subtree, which a modelcar image keeps the model in (see layers.h)
//   artifact  each layer that has a title (org.opencontainers.image.title) is a file of that name
//
// Credentials: docker's config.json, in DOCKER_CONFIG, REGISTRY_AUTH_FILE or ~/.docker. http
// instead of https for registries on the loopback and those of PROA_INSECURE_REGISTRIES
// (HOST:PORT,…).
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

Result<Resolved> resolve_oci(const Uri& uri, const SourceOptions& options);

}  // namespace proa::storage
