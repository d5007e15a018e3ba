// Fuzz target: any bytes as a ModelInferRequest; what is taken is made a table of.
#include <cstdint>

#include "models/protocols/grpc/infer_message.h"
#include "models/protocols/tensors.h"

using namespace proa::protocols;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Workspace work;
  work.reset();
  InferRequest request;
  bool raw = false;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)peek_model(text);
  if (!read_infer_request(text, work, request, raw).ok()) return 0;
  Table table;
  (void)to_table(request, work, table);
  return 0;
}
