// Whatever model file comes in, it predicts for a row of its width, or is refused.
#include <vector>

#include "models/engines/estimators.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proa::engines::LoadOptions options;
  options.memory_limit = 16 << 20;
  if (size > 0) options.want = static_cast<proa::engines::Want>(data[size - 1] % 3);
  auto model =
      proa::engines::read_sklearn(std::string(reinterpret_cast<const char*>(data), size), options);
  if (!model.ok()) return 0;
  size_t n = (*model)->info().features;
  if (n > 1 << 16) return 0;
  std::vector<double> row(n, 0.5);
  proa::engines::Output out;
  (void)(*model)->session()->predict({row, 1, n}, out);
  return 0;
}
