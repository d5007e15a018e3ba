#include "models/service/tensor_batch.h"

#include <algorithm>
#include <cstring>

namespace proa::service {
namespace {

using inference::DataType;
using inference::Tensor;
using inference::TensorInfo;

size_t width_of(DataType type) {
  return type == DataType::kBytes ? sizeof(std::string_view) : inference::size_of(type);
}

}  // namespace

size_t rows_of(Tensors tensors) {
  if (tensors.empty()) return 0;
  for (const Tensor& t : tensors)
    if (t.shape.empty() || t.shape[0] != tensors[0].shape[0]) return 0;
  return static_cast<size_t>(tensors[0].shape[0]);
}

bool same_but_rows(Tensors a, Tensors b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.type == y.type && x.shape.size() == y.shape.size() && !x.shape.empty() &&
           std::equal(x.shape.begin() + 1, x.shape.end(), y.shape.begin() + 1);
  });
}

Tensors join(std::span<const Tensors> parts, size_t rows, inference::Workspace& work) {
  size_t count = parts[0].size();
  auto all = work.take<Tensor>(count);
  for (size_t i = 0; i < count; ++i) {
    Tensor whole = parts[0][i];
    auto shape = work.take<int64_t>(whole.shape.size());
    std::copy(whole.shape.begin(), whole.shape.end(), shape.begin());
    shape[0] = static_cast<int64_t>(rows);
    whole.shape = shape;
    whole.count = 0;
    for (Tensors p : parts) whole.count += p[i].count;
    size_t width = width_of(whole.type), at = 0;
    auto bytes = work.take<char>(std::max<size_t>(whole.count * width, 1));
    for (Tensors p : parts) {
      size_t size = p[i].count * width;
      if (size != 0) std::memcpy(bytes.data() + at, p[i].data, size);
      at += size;
    }
    whole.data = bytes.data();
    all[i] = whole;
  }
  return all;
}

void part(Tensors whole, size_t from, size_t rows, size_t of, inference::Workspace& work,
          std::span<Tensor> out) {
  for (size_t i = 0; i < whole.size(); ++i) {
    Tensor t = whole[i];
    size_t row = t.count / of;
    auto shape = work.take<int64_t>(t.shape.size());
    std::copy(t.shape.begin(), t.shape.end(), shape.begin());
    shape[0] = static_cast<int64_t>(rows);
    t.shape = shape;
    t.data = static_cast<const char*>(t.data) + from * row * width_of(t.type);
    t.count = rows * row;
    out[i] = t;
  }
}

Tensors keep(Tensors tensors, inference::Workspace& work) {
  auto kept = work.take<Tensor>(std::max<size_t>(tensors.size(), 1));
  for (size_t i = 0; i < tensors.size(); ++i) {
    Tensor t = tensors[i];
    auto shape = work.take<int64_t>(std::max<size_t>(t.shape.size(), 1));
    std::copy(t.shape.begin(), t.shape.end(), shape.begin());
    t.shape = shape.first(t.shape.size());
    size_t size = t.count * width_of(t.type);
    auto bytes = work.take<char>(std::max<size_t>(size, 1));
    if (size != 0) std::memcpy(bytes.data(), t.data, size);
    t.data = bytes.data();
    kept[i] = t;
  }
  return kept.first(tensors.size());
}

bool has_rows(const inference::ModelInfo& info) {
  auto rows = [](const TensorInfo& t) {
    return !t.any_shape && !t.shape.empty() && t.shape[0] == -1;
  };
  return !info.inputs.empty() && std::all_of(info.inputs.begin(), info.inputs.end(), rows) &&
         std::all_of(info.outputs.begin(), info.outputs.end(), rows);
}

}  // namespace proa::service
