// Any bytes as the body of a V1 request.
#include "models/protocols/rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static proa::protocols::RowsReader reader;
  static proa::inference::Workspace work;
  work.reset();
  auto status = reader.read({reinterpret_cast<const char*>(data), size}, work);
  if (!status.ok()) return 0;
  const auto& t = reader.table();
  double sum = 0;
  for (size_t i = 0; i < t.rows * t.columns; ++i)
    sum += t.form == proa::inference::Table::Form::kDense
               ? t.dense[i]
               : static_cast<double>(t.cells[i].text.size());
  return sum == 0.123456789 ? 1 : 0;
}
