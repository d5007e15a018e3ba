#include "models/engines/torch/plugin/signature.h"

#include <torch/csrc/jit/passes/inliner.h>

#include <stdexcept>

#include "models/inference/datatype.h"

namespace proa::torch_plugin {
namespace {

using inference::DataType;

struct Pair {
  at::ScalarType theirs;
  DataType ours;
};
constexpr Pair kTypes[] = {
    {at::kBool, DataType::kBool},   {at::kByte, DataType::kUint8},    {at::kChar, DataType::kInt8},
    {at::kShort, DataType::kInt16}, {at::kInt, DataType::kInt32},     {at::kLong, DataType::kInt64},
    {at::kHalf, DataType::kFp16},   {at::kBFloat16, DataType::kBf16}, {at::kFloat, DataType::kFp32},
    {at::kDouble, DataType::kFp64},
};

bool is_tensor(const c10::TypePtr& type) { return type->kind() == c10::TypeKind::TensorType; }

// An input that indexes rows of an embedding holds whole numbers.
bool is_index(const torch::jit::Value* value) {
  for (const torch::jit::Use& use : value->uses()) {
    std::string kind = use.user->kind().toQualString();
    if ((kind == "aten::embedding" || kind == "aten::embedding_bag") && use.offset == 1)
      return true;
  }
  return false;
}

[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what); }

// What the graph knows of a tensor: seldom anything, once it was saved.
void add_known(Ports& out, const std::string& name, const c10::TypePtr& type, bool index) {
  auto tensor = type->cast<c10::TensorType>();
  int32_t number = index ? static_cast<int32_t>(DataType::kInt64) : -1;
  std::vector<int64_t> shape;
  bool any_rank = true;
  if (tensor) {
    if (auto scalar = tensor->scalarType()) number = type_number(*scalar);
    if (auto rank = tensor->sizes().size()) {
      any_rank = false;
      for (size_t i = 0; i < *rank; ++i) shape.push_back(tensor->sizes()[i].value_or(-1));
    }
  }
  out.add(name, number, std::move(shape), any_rank);
}

}  // namespace

void Ports::add(std::string name, int32_t type, std::vector<int64_t> shape, bool any_rank) {
  torch_abi::Port port;
  port.type = type;
  port.rank = any_rank ? -1 : static_cast<int32_t>(shape.size());
  ports.push_back(port);
  names.push_back(std::move(name));
  shapes.push_back(std::move(shape));
}

void Ports::settle() {
  for (size_t i = 0; i < ports.size(); ++i) {
    ports[i].name = names[i].c_str();
    ports[i].shape = shapes[i].data();
  }
}

int32_t type_number(at::ScalarType type) {
  for (const Pair& p : kTypes)
    if (p.theirs == type) return static_cast<int32_t>(p.ours);
  return -1;
}

at::ScalarType scalar_type(int32_t number) {
  for (const Pair& p : kTypes)
    if (static_cast<int32_t>(p.ours) == number) return p.theirs;
  return at::ScalarType::Undefined;
}

Ports inputs_of(const torch::jit::Module& module) {
  auto method = module.find_method("forward");
  if (!method) refuse("the module has no method forward");
  auto graph = method->graph()->copy();
  torch::jit::Inline(*graph);
  Ports out;
  const auto& arguments = method->function().getSchema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {  // 0: self
    const c10::Argument& a = arguments[i];
    if (!is_tensor(a.type())) {
      if (a.default_value()) continue;
      refuse("forward's argument '" + a.name() + "' is a " + a.type()->repr_str() +
             ": only tensors can be sent; give it a default, or wrap the module in one that takes "
             "tensors");
    }
    if (out.ports.size() + 1 != i)
      refuse("forward's tensor '" + a.name() +
             "' comes after an argument that is none: wrap the module in one that takes tensors");
    const torch::jit::Value* value = graph->inputs().at(i);
    add_known(out, a.name(), value->type(), is_index(value));
  }
  if (out.ports.empty()) refuse("forward takes no tensor");
  out.settle();
  return out;
}

Ports outputs_of(const torch::jit::Module& module) {
  const auto& returns = module.get_method("forward").function().getSchema().returns();
  const c10::TypePtr type = returns.at(0).type();
  Ports out;
  if (is_tensor(type)) {
    add_known(out, "output", type, false);
  } else if (auto tuple = type->cast<c10::TupleType>()) {
    const auto& elements = tuple->elements();
    for (size_t i = 0; i < elements.size(); ++i) {
      std::string name = "output-" + std::to_string(i);
      if (tuple->schema()) name = tuple->schema()->arguments().at(i).name();
      if (!is_tensor(elements[i]))
        refuse("forward returns a " + type->repr_str() +
               ": only a tensor or a tuple of tensors can be answered; wrap the module in one that "
               "returns these");
      add_known(out, name, elements[i], false);
    }
  } else {
    refuse("forward returns a " + type->repr_str() +
           ": only a tensor or a tuple of tensors can be answered; wrap the module in one that "
           "returns these");
  }
  out.settle();
  return out;
}

}  // namespace proa::torch_plugin
