// Whatever model file comes in, it answers a row of its width by every method, or is refused.
#include <vector>

#include "models/engines/sklearn_engine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa;
  inference::LoadOptions options;
  options.memory_limit = 16 << 20;
  auto model =
      engines::read_sklearn(std::string(reinterpret_cast<const char*>(data), size), options);
  if (!model.ok()) return 0;
  size_t columns = (*model)->info().features == 0 ? 3 : (*model)->info().features;
  if (columns > 1 << 12) return 0;
  std::vector<double> rows(2 * columns, 0.5);
  inference::Table table;
  table.rows = 2;
  table.columns = columns;
  table.dense = rows.data();
  inference::Workspace work;
  for (inference::Method method : (*model)->info().methods) {
    inference::Output out;
    (void)(*model)->predict(table, method, work, out);
    work.reset();
  }
  return 0;
}
