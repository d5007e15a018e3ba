// Whatever bytes come in, they are a model or refused; a model answers without harm.
#include <cmath>
#include <vector>

#include "models/engines/boosted/xgboost.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa;
  auto model = engines::read_xgboost({reinterpret_cast<const char*>(data), size}, {});
  if (!model.ok()) return 0;
  size_t features = (*model)->info().features;
  if (features > 10'000) return 0;
  std::vector<double> rows(features * 2, 1.5);
  for (size_t i = 0; i < features; ++i) rows[i] = std::nan("");
  inference::Table table;
  table.rows = 2, table.columns = features, table.dense = rows.data();
  inference::Workspace work;
  for (auto method : (*model)->info().methods) {
    inference::Output out;
    (void)(*model)->predict(table, method, work, out);
    work.reset();
  }
  return 0;
}
