// Whatever bytes come in, they are read into nodes or refused; what was read can be looked at.
#include "models/engines/pickle/file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proa::pickle::FileLimits limits;
  limits.bytes = 16 << 20;
  limits.pickle.nodes = 50'000;
  limits.pickle.allow = [](std::string_view module, std::string_view name) {
    return module.starts_with("sklearn") ? proa::pickle::Verdict::kAllowed
                                         : proa::pickle::classify(module, name);
  };
  std::string bytes(reinterpret_cast<const char*>(data), size);
  auto document = proa::pickle::read_bytes(std::move(bytes), limits);
  if (!document.ok()) return 0;
  const proa::pickle::Node* root = (*document)->root;
  (void)root->describe();
  (void)root->get("classes_");
  (void)proa::pickle::as_double(*root);
  (void)proa::pickle::as_int(*root);
  if (root->kind == proa::pickle::Kind::kArray) (void)proa::pickle::doubles(*root->array);
  return 0;
}
