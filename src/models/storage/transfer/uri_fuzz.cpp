// What comes out of any URI stays below its folder and is a file name.
#include <cstddef>
#include <cstdint>

#include "models/storage/transfer/uri.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)storage::parse_uri(text).ok();
  (void)storage::parse_mirrors(text).ok();
  (void)storage::parse_patterns(text);
  if (auto path = storage::safe_relative(text); path.ok()) {
    CHECK(!path->empty() && (*path)[0] != '/');
    CHECK(("/" + *path + "/").find("/../") == std::string::npos);
  }
  if (auto path = storage::mirrored(text, {{"gs://b", "/m"}, {"gs://b/c", "/n"}}); path.ok())
    CHECK(path->empty() || path->starts_with("/m") || path->starts_with("/n"));
  CHECK(storage::file_name_for(text).find('/') == std::string::npos);
  return 0;
}
