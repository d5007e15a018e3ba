// Any bytes as a compressed body: never more than the bound comes out.
#include "models/protocols/rest/coding.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa::protocols;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string out, packed, back;
  for (Coding coding : {Coding::kGzip, Coding::kDeflate}) {
    if (decode(coding, text, 65536, out).ok() && out.size() > 65536) __builtin_trap();
    if (!encode(coding, text, packed).ok() || !decode(coding, packed, size, back).ok() ||
        back != text)
      __builtin_trap();
  }
  return 0;
}
