#include "models/inference/tensor.h"

#include "foundation/base/strings.h"

namespace proa::inference {

std::string shape_text(std::span<const int64_t> shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) out += ", ";
    append_number(out, shape[i]);
  }
  return out + "]";
}

bool fits(std::span<const int64_t> shape, const TensorInfo& info) {
  if (info.any_shape) return true;
  if (shape.size() != info.shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i)
    if (info.shape[i] >= 0 && shape[i] != info.shape[i]) return false;
  return true;
}

Status check_shape(std::span<const int64_t> shape, const TensorInfo& info) {
  if (fits(shape, info)) return {};
  return error(Code::kInvalid,
               str("input '", shorten(info.name, 100), "': unexpected shape ", shape_text(shape),
                   "; the model takes ", shape_text(info.shape)));
}

Status TensorModel::predict(const Table&, Method, Workspace&, Output&) const {
  return error(Code::kUnimplemented, str(info().type, " takes tensors, not rows"));
}

Result<const TensorModel*> TensorModel::signature(std::string_view name) const {
  if (name.empty() || name == kDefaultSignature) return this;
  return error(Code::kInvalid,
               str("Serving signature name: \"", shorten(name, 100),
                   "\" not found in signature def; the model has ", kDefaultSignature));
}

}  // namespace proa::inference
