// Any bytes as the raw contents of one tensor, of any datatype and small shape.
#include "models/protocols/tensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa::protocols;
  static proa::inference::Workspace work;
  if (size < 3) return 0;
  work.reset();
  int64_t shape[] = {data[1], data[2]};
  InputTensor t;
  t.name = "x";
  t.type = static_cast<DataType>(data[0] % 14);
  t.shape = std::span<const int64_t>(shape, data[0] % 3);
  t.contents = Contents::raw({reinterpret_cast<const char*>(data) + 3, size - 3});
  InferRequest request;
  request.inputs = {&t, 1};
  Table table;
  auto status = to_table(request, work, table);
  size_t sum = 0;
  if (status.ok() && table.form == Table::Form::kCells)
    for (size_t i = 0; i < table.rows * table.columns; ++i)
      for (char c : table.cells[i].text) sum += static_cast<unsigned char>(c);
  return sum == 123456789 ? 1 : 0;
}
