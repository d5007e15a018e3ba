// TensorFlow's types, and the answers of models of rows as tensors.
#include <cstring>

#include "models/protocols/raw.h"
#include "models/protocols/tfserving/tensor_proto.h"

namespace proa::protocols {
namespace {

using inference::Tensor;

struct Pair {
  DataType ours;
  int theirs;
};
constexpr Pair kPairs[] = {
    {DataType::kFp32, 1},    {DataType::kFp64, 2},    {DataType::kInt32, 3},
    {DataType::kUint8, 4},   {DataType::kInt16, 5},   {DataType::kInt8, 6},
    {DataType::kBytes, 7},   {DataType::kInt64, 9},   {DataType::kBool, 10},
    {DataType::kBf16, 14},   {DataType::kUint16, 17}, {DataType::kFp16, 19},
    {DataType::kUint32, 22}, {DataType::kUint64, 23},
};
constexpr std::string_view kNames[] = {
    "DT_INVALID",    "DT_FLOAT",  "DT_DOUBLE",    "DT_INT32",   "DT_UINT8",   "DT_INT16",
    "DT_INT8",       "DT_STRING", "DT_COMPLEX64", "DT_INT64",   "DT_BOOL",    "DT_QINT8",
    "DT_QUINT8",     "DT_QINT32", "DT_BFLOAT16",  "DT_QINT16",  "DT_QUINT16", "DT_UINT16",
    "DT_COMPLEX128", "DT_HALF",   "DT_RESOURCE",  "DT_VARIANT", "DT_UINT32",  "DT_UINT64"};

template <typename T, typename From>
const void* cast(const From* from, size_t n, Workspace& work) {
  auto to = work.take<T>(n + 1);
  for (size_t i = 0; i < n; ++i) to[i] = static_cast<T>(from[i]);
  return to.data();
}

template <uint16_t (*kConvert)(double)>
const void* halves(const double* from, size_t n, Workspace& work) {
  auto to = work.take<uint16_t>(n + 1);
  for (size_t i = 0; i < n; ++i) to[i] = kConvert(from[i]);
  return to.data();
}

const void* elements(const Values& v, size_t n, Workspace& work) {
  switch (v.type) {
    case DataType::kFp64:
      return v.numbers;
    case DataType::kFp32:
      return cast<float>(v.numbers, n, work);
    case DataType::kFp16:
      return halves<to_fp16>(v.numbers, n, work);
    case DataType::kBf16:
      return halves<to_bf16>(v.numbers, n, work);
    case DataType::kBytes:
      return v.texts;
    case DataType::kInt64:
    case DataType::kUint64:
      return v.integers;
    case DataType::kBool:
    case DataType::kUint8:
    case DataType::kInt8:
      return cast<uint8_t>(v.integers, n, work);
    case DataType::kUint16:
    case DataType::kInt16:
      return cast<uint16_t>(v.integers, n, work);
    case DataType::kUint32:
    case DataType::kInt32:
      return cast<uint32_t>(v.integers, n, work);
  }
  return nullptr;
}

}  // namespace

int tensorflow_type(DataType type) {
  for (const Pair& p : kPairs)
    if (p.ours == type) return p.theirs;
  return 0;
}

std::optional<DataType> from_tensorflow(int type) {
  for (const Pair& p : kPairs)
    if (p.theirs == type) return p.ours;
  return std::nullopt;
}

std::string_view tensorflow_type_name(int type) {
  return type >= 0 && static_cast<size_t>(type) < std::size(kNames)
             ? kNames[static_cast<size_t>(type)]
             : kNames[0];
}

std::span<const Tensor> tensors_of(const InferResponse& response, Workspace& work) {
  if (!response.tensors.empty() || response.outputs.empty()) return response.tensors;
  auto all = work.take<Tensor>(response.outputs.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const OutputTensor& from = response.outputs[i];
    Tensor to;
    to.name = from.name;
    to.type = from.values.type;
    to.count = from.values.count();
    auto shape = work.take<int64_t>(from.values.rank + size_t{1});
    for (uint8_t d = 0; d < from.values.rank; ++d)
      shape[d] = static_cast<int64_t>(from.values.shape[d]);
    to.shape = shape.first(from.values.rank);
    to.data = elements(from.values, to.count, work);
    all[i] = to;
  }
  return all;
}

}  // namespace proa::protocols
