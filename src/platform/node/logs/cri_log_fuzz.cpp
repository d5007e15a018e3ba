#include <cstddef>
#include <cstdint>

#include "foundation/base/check.h"
#include "platform/node/logs/cri_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto line = proa::node::parse_cri_line(text)) CHECK(line->text.size() < text.size());
  return 0;
}
