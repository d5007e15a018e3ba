// Foreign bytes as a protobuf body, and as the message of a Pod.
#include <cstdint>

#include "api/schema/protobuf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto catalog = proa::api::Catalog::built_in();
  std::string_view body(reinterpret_cast<const char*>(data), size);
  (void)proa::api::decode_protobuf(**catalog, body);
  (void)proa::api::decode_message(*(*catalog)->body_type("v1", "Pod"), body);
  return 0;
}
