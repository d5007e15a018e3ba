// Whatever text comes in becomes a model or is refused; a model answers a row of any numbers.
#include <limits>

#include "models/engines/boosted/lightgbm.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using proa::inference::Method;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto model = proa::engines::lightgbm_model(text, {});
  if (!model.ok() || (*model)->info().features > 4096) return 0;
  std::vector<double> rows(3 * (*model)->info().features, 0.5);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % 5 == 0) rows[i] = std::numeric_limits<double>::quiet_NaN();
    if (i % 5 == 1) rows[i] = -std::numeric_limits<double>::infinity();
    if (i % 5 == 2) rows[i] = static_cast<double>(i);
  }
  proa::inference::Table table;
  table.rows = 3;
  table.columns = (*model)->info().features;
  table.dense = rows.data();
  proa::inference::Workspace work;
  for (Method m : {Method::kDefault, Method::kRaw, Method::kApply, Method::kContrib}) {
    proa::inference::Output out;
    (void)(*model)->predict(table, m, work, out);
    work.reset();
  }
  return 0;
}
