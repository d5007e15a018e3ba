// Fuzz target: messages in a body, compressed ones too, and the timeout's text.
#include <cstdint>
#include <cstdlib>

#include "foundation/grpc/framing.h"

using namespace proa::grpc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMost = 1 << 16;
  static Codec codec;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_timeout(text.substr(0, 12));
  while (true) {
    auto frame = next_frame(text, kMost);
    if (!frame.ok() || !*frame) break;
    if ((*frame)->used > text.size() || (*frame)->payload.size() > kMost) std::abort();
    std::string out;
    if ((*frame)->compressed && codec.unpack(Encoding::kGzip, (*frame)->payload, kMost, out).ok() &&
        out.size() > kMost)
      std::abort();
    text.remove_prefix((*frame)->used);
  }
  return 0;
}
