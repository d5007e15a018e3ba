#include <cstdint>

#include "models/engines/pmml/pmml_engine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto model = proa::engines::read_pmml(std::string(reinterpret_cast<const char*>(data), size), {});
  if (!model.ok()) return 0;
  std::vector<double> row((*model)->info().inputs.size() + 1, 1.0);
  proa::inference::Table in;
  in.rows = 1;
  in.columns = row.size() - 1;
  in.dense = row.data();
  proa::inference::Workspace work;
  proa::inference::Output out;
  (void)(*model)->predict(in, proa::inference::Method::kDefault, work, out).ok();
  return 0;
}
