// Any bytes as the beginning of a TLS connection.
#include <cstddef>
#include <cstdint>

#include "foundation/http/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto hello = proa::http::read_client_hello({reinterpret_cast<const char*>(data), size});
  return hello.server_name.size() > size ? 1 : 0;
}
