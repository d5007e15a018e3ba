#include "models/storage/mlflow/mlflow.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)proa::storage::parse_mlflow(text);
  (void)proa::storage::store_uri(text);
  return 0;
}
