// Any bytes as XML: an error or a tree within the limits.
#include <cstddef>
#include <cstdint>

#include "models/storage/transfer/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)proa::storage::parse_xml(text).ok();
  return 0;
}
