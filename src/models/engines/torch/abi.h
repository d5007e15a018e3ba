// What libproa-torch.so gives to `proa serve`: plain structs and functions, so that the program and
// the plug-in need not be of one build, and libtorch's names stay in the plug-in.
//
// Used by torch_engine and script on one side and plugin/plugin.cpp on the other. Functions that
// fail give a null or 1 and a text in `error`. Thread-safe but for free functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace proa::torch_abi {

inline constexpr int kVersion = 1;
inline constexpr const char* kSymbol = "proa_torch_api";

struct Tensor {
  int32_t type = 0;  // of inference::DataType
  int32_t rank = 0;
  const int64_t* shape = nullptr;
  const void* data = nullptr;  // row-major
  size_t bytes = 0;
};

struct Port {
  const char* name = nullptr;
  int32_t type = -1;  // of inference::DataType; -1: unknown
  int32_t rank = -1;  // -1: unknown
  const int64_t* shape = nullptr;
};

struct Model {  // belongs to the plug-in
  const Port* inputs = nullptr;
  size_t input_count = 0;
  const Port* outputs = nullptr;
  size_t output_count = 0;
  const char* type = nullptr;  // the class of the module
};

struct Result {  // belongs to the plug-in, until free_result
  const Tensor* tensors = nullptr;
  size_t count = 0;
};

struct Text {
  char* at = nullptr;
  size_t size = 0;
};

struct Api {
  int version = 0;
  const char* release = nullptr;  // libtorch's
  // The TorchScript file at `path`; where `data` is given, these bytes, which must last for the
  // call only.
  const Model* (*load)(const char* path, const void* data, size_t size, int threads, Text error);
  void (*free_model)(const Model* model);
  const Result* (*run)(const Model* model, const Tensor* inputs, size_t count, Text error);
  void (*free_result)(const Result* result);
};

using Entry = const Api* (*)();

}  // namespace proa::torch_abi
