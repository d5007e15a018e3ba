// What a TorchScript module takes and gives, as far as its forward says. Private to this folder.
#pragma once

#include <torch/script.h>

#include <string>
#include <vector>

#include "models/engines/torch/abi.h"

namespace proa::torch_plugin {

struct Ports {
  std::vector<torch_abi::Port> ports;
  std::vector<std::string> names;  // what ports view
  std::vector<std::vector<int64_t>> shapes;
  void add(std::string name, int32_t type, std::vector<int64_t> shape, bool any_rank);
  void settle();  // after the last add
};

// By number of inference::DataType; -1 and kByte for what there is none of.
int32_t type_number(at::ScalarType type);
at::ScalarType scalar_type(int32_t number);  // at::ScalarType::Undefined: none

// Throw std::runtime_error for what cannot be served, naming the argument and the way out.
Ports inputs_of(const torch::jit::Module& module);
Ports outputs_of(const torch::jit::Module& module);

}  // namespace proa::torch_plugin
