#include <cstdint>

#include "models/protocols/tensor/rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa;
  static const inference::ModelInfo info = [] {
    inference::ModelInfo i;
    i.inputs.resize(3);
    i.inputs[0].name = "a";
    i.inputs[0].type = inference::DataType::kFp32;
    i.inputs[1].name = "b";
    i.inputs[1].type = inference::DataType::kBytes;
    i.inputs[2].name = "c";
    i.inputs[2].type = inference::DataType::kInt8;
    for (auto& t : i.inputs) t.any_shape = true;
    return i;
  }();
  static protocols::TensorRowsReader reader;
  inference::Workspace work;
  std::span<const inference::Tensor> out;
  std::string_view body(reinterpret_cast<const char*>(data), size);
  if (!reader.read(body, info, work, out).ok()) return 0;
  for (const inference::Tensor& t : out) {
    size_t n = 1;
    for (int64_t d : t.shape) n *= static_cast<size_t>(d);
    if (n != t.count) __builtin_trap();
  }
  return 0;
}
