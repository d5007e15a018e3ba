// Any bytes as a V2 request: the first byte says how much of it is the JSON part; then as a table,
// so that binary tensors are read too.
#include "models/protocols/infer_reader.h"
#include "models/protocols/tensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa::protocols;
  static InferReader reader;
  static proa::inference::Workspace work;
  if (size == 0) return 0;
  work.reset();
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t json = body.rfind('}');
  std::optional<size_t> length;
  if (data[0] % 2 == 1 && json != std::string_view::npos) length = json + 1;
  InferRequest request;
  if (!reader.read(body, length, work, request).ok()) return 0;
  Table table;
  auto status = to_table(request, work, table);
  double sum = 0;
  if (status.ok() && table.form == Table::Form::kDense)
    for (size_t i = 0; i < table.rows * table.columns; ++i) sum += table.dense[i];
  return sum == 0.123456789 ? 1 : 0;
}
