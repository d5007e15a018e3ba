// Fuzz target: the protobuf reader on any bytes, into every part that could be a message.
#include <cstdint>

#include "foundation/grpc/wire.h"

namespace {
void walk(proa::grpc::Reader r, int depth, uint64_t& sum) {
  while (r.next()) {
    if ((r.tag() & 7) != 2) {
      sum += r.number();
      continue;
    }
    sum += r.bytes().size();
    sum += proa::grpc::count_varints(r.bytes());
    proa::grpc::each_varint(r, [&](uint64_t v) { sum += v; });
    if (depth < 4) walk(r.message(), depth + 1, sum);
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint64_t sum = 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  walk(proa::grpc::Reader(text), 0, sum);
  return sum == 0x123456789abcdefull ? 1 : 0;
}
