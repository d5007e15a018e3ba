// Any bytes as what stores answer: an error, or values within the limits.
#include <cstddef>
#include <cstdint>

#include "models/storage/azure/listing.h"
#include "models/storage/git/git.h"
#include "models/storage/hf/hf.h"
#include "models/storage/oci/manifest.h"
#include "models/storage/s3/listing.h"
#include "models/storage/transfer/address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa::storage;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_bucket_page(text).ok();
  (void)parse_bucket_error(text);
  (void)parse_azure_page(text).ok();
  (void)parse_manifest(text, "amd64").ok();
  (void)parse_challenge(text);
  (void)docker_login(text, "registry");
  (void)next_link(text);
  (void)commit_of(text, "main");
  (void)AddressRules::parse(text).ok();
  (void)shown_url(text);
  (void)authority_of(text);
  (void)host_of(text);
  return 0;
}
