// What a registry's documents say: manifests, indexes, challenges, docker's credentials. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::storage {

struct OciLayer {
  std::string digest, media, title;  // digest: "sha256:…"; title "" in images
  int64_t size = 0;
  bool unpack = false;  // an archive that stands for what is in it
};

struct OciManifest {
  std::vector<OciLayer> layers;
  std::string child;  // of an index: the digest of the manifest for this machine
};
// `architecture` as Go names it: amd64, arm64.
Result<OciManifest> parse_manifest(std::string_view json, std::string_view architecture);

struct Challenge {
  std::string scheme;  // "bearer", "basic", or ""
  std::string realm, service, scope;
};
Challenge parse_challenge(std::string_view www_authenticate);

// "USER:PASSWORD" for a registry from docker's config.json; "" if there is none.
std::string docker_login(std::string_view config_json, std::string_view registry);

}  // namespace proa::storage
