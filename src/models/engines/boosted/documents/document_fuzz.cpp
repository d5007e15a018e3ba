// JSON and UBJSON as models have them: read or refused.
#include "models/engines/boosted/documents/document.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa::engines::boosted;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)parse_json_document(bytes);
  (void)parse_ubjson(bytes);
  return 0;
}
