// Whatever stands in config.pbtxt is read or refused.
#include <cstdint>

#include "models/repository/triton.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)proa::repository::parse_triton({reinterpret_cast<const char*>(data), size});
  return 0;
}
