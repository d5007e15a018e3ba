#include "models/engines/openvino/saved_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto all = proa::openvino::read_signatures(bytes);
  if (all.ok() && !all->empty()) {
    auto copy = proa::openvino::with_default(bytes, (*all)[0].name);
    if (copy.ok()) {
      auto again = proa::openvino::read_signatures(*copy);
      CHECK(again.ok());
    }
  }
  return 0;
}
