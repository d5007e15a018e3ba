// Whatever JSON or YAML comes in, it is read or refused, and what was read is written and read
// again.
#include <cstdlib>

#include "foundation/json/value.h"
#include "foundation/json/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto v = proa::json::parse(text);
  if (v.ok()) {
    auto again = proa::json::parse(proa::json::dump(*v));
    if (!again.ok() || !(*again == *v)) std::abort();
  }
  (void)proa::json::parse_yaml_stream(text, {1 << 16, 50});
  return 0;
}
