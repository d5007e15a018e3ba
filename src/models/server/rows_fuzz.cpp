// Whatever a client sends, it becomes rows × columns numbers or an error.
#include <cstdlib>

#include "models/server/rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proa::models::Rows rows;
  auto status = proa::models::parse_rows({reinterpret_cast<const char*>(data), size}, rows);
  if (status.ok() && (rows.rows == 0 || rows.values.size() < rows.rows * rows.columns))
    std::abort();
  return 0;
}
