#include "models/engines/onnx/values.h"

#include <algorithm>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::onnx {
namespace {

using inference::DataType;
using inference::Tensor;
using inference::Workspace;

struct Pair {
  int theirs;
  DataType ours;
};
constexpr Pair kTypes[] = {
    {kOrtFloat, DataType::kFp32},    {kOrtUint8, DataType::kUint8},
    {kOrtInt8, DataType::kInt8},     {kOrtUint16, DataType::kUint16},
    {kOrtInt16, DataType::kInt16},   {kOrtInt32, DataType::kInt32},
    {kOrtInt64, DataType::kInt64},   {kOrtString, DataType::kBytes},
    {kOrtBool, DataType::kBool},     {kOrtFloat16, DataType::kFp16},
    {kOrtDouble, DataType::kFp64},   {kOrtUint32, DataType::kUint32},
    {kOrtUint64, DataType::kUint64}, {kOrtBfloat16, DataType::kBf16},
};

Status make_texts(const Runtime& runtime, const Tensor& in, Workspace& work, OrtValue*& out) {
  const Api& api = runtime.api;
  auto texts = work.take<const char*>(std::max<size_t>(in.count, 1));
  for (size_t i = 0; i < in.count; ++i) {
    std::string_view text = in.texts()[i];
    if (text.find('\0') != std::string_view::npos)
      return error(Code::kInvalid, str("input '", in.name, "': element ", i,
                                       " holds a byte 0, which texts of ONNX models cannot"));
    auto copy = work.take<char>(text.size() + 1);
    std::copy(text.begin(), text.end(), copy.begin());
    copy[text.size()] = '\0';
    texts[i] = copy.data();
  }
  OrtValue* made = nullptr;
  TRY_STATUS(api.check(api.CreateTensorAsOrtValue(runtime.allocator, in.shape.data(),
                                                  in.shape.size(), kOrtString, &made)));
  out = made;
  return api.check(api.FillStringTensor(made, texts.data(), in.count));
}

struct Described {
  DataType type;
  std::span<int64_t> shape;
  size_t count = 0;
};

Result<Described> describe(const Api& api, const OrtValue* value, Workspace& work) {
  OrtShapeInfo* info = nullptr;
  TRY_STATUS(api.check(api.GetTensorTypeAndShape(value, &info)));
  int type = 0;
  size_t rank = 0;
  Described d;
  Status s = api.check(api.GetTensorElementType(info, &type));
  if (s.ok()) s = api.check(api.GetDimensionsCount(info, &rank));
  if (s.ok()) {
    d.shape = work.take<int64_t>(std::max<size_t>(rank, 1)).first(rank);
    s = api.check(api.GetDimensions(info, d.shape.data(), rank));
  }
  if (s.ok()) s = api.check(api.GetTensorShapeElementCount(info, &d.count));
  api.ReleaseTensorTypeAndShapeInfo(info);
  TRY_STATUS(std::move(s));
  auto ours = data_type_of(type);
  if (!ours)
    return error(Code::kUnimplemented,
                 str("an output has ONNX's element type ", type, ", which the protocol lacks"));
  d.type = *ours;
  return d;
}

Status read_texts(const Api& api, const OrtValue* value, Workspace& work, Tensor& out) {
  size_t bytes = 0;
  TRY_STATUS(api.check(api.GetStringTensorDataLength(value, &bytes)));
  auto text = work.take<char>(std::max<size_t>(bytes, 1));
  auto starts = work.take<size_t>(out.count + 1);
  TRY_STATUS(
      api.check(api.GetStringTensorContent(value, text.data(), bytes, starts.data(), out.count)));
  starts[out.count] = bytes;
  auto texts = work.take<std::string_view>(std::max<size_t>(out.count, 1));
  for (size_t i = 0; i < out.count; ++i)
    texts[i] = {text.data() + starts[i], starts[i + 1] - starts[i]};
  out.data = texts.data();
  return {};
}

Status read_tensor(const Api& api, const OrtValue* value, Workspace& work, Tensor& out) {
  TRY(Described d, describe(api, value, work));
  out.type = d.type;
  out.shape = d.shape;
  out.count = d.count;
  if (out.type == DataType::kBytes) return read_texts(api, value, work, out);
  size_t bytes = d.count * inference::size_of(d.type);
  auto copy = work.take<char>(std::max<size_t>(bytes, 1));
  void* data = nullptr;
  TRY_STATUS(api.check(api.GetTensorMutableData(const_cast<OrtValue*>(value), &data)));
  if (bytes != 0) std::memcpy(copy.data(), data, bytes);
  out.data = copy.data();
  return {};
}

// The values of one map, whose keys are its labels.
Status read_map(const Runtime& runtime, const OrtValue* map, Workspace& work, Tensor& out) {
  OrtValue* values = nullptr;
  TRY_STATUS(runtime.api.check(runtime.api.GetValue(map, 1, runtime.allocator, &values)));
  Value owner(runtime.api, values);
  TRY_STATUS(read_tensor(runtime.api, values, work, out));
  if (out.type == DataType::kBytes)
    return error(Code::kUnimplemented, str("output '", out.name, "' is a map of texts"));
  return {};
}

Status read_sequence(const Runtime& runtime, const OrtValue* value, Workspace& work, Tensor& out) {
  const Api& api = runtime.api;
  size_t rows = 0;
  TRY_STATUS(api.check(api.GetValueCount(value, &rows)));
  char* to = nullptr;
  Tensor row = out;
  size_t width = 0, bytes = 0;
  for (size_t r = 0; r < rows; ++r) {
    OrtValue* map = nullptr;
    TRY_STATUS(api.check(api.GetValue(value, static_cast<int>(r), runtime.allocator, &map)));
    Value owner(api, map);
    int kind = 0;
    TRY_STATUS(api.check(api.GetValueType(map, &kind)));
    if (kind != kMapValue)
      return error(Code::kUnimplemented, str("output '", out.name,
                                             "' is a sequence of tensors, for which the inference "
                                             "protocols have no place"));
    TRY_STATUS(read_map(runtime, map, work, row));
    if (r == 0) {
      width = row.count;
      bytes = width * inference::size_of(row.type);
      to = work.take<char>(std::max<size_t>(rows * bytes, 1)).data();
    }
    if (row.count != width)
      return error(Code::kInternal, str("output '", out.name, "': maps of different sizes"));
    if (bytes != 0) std::memcpy(to + r * bytes, row.data, bytes);
  }
  auto shape = work.take<int64_t>(2);
  shape[0] = static_cast<int64_t>(rows);
  shape[1] = static_cast<int64_t>(width);
  out.type = rows == 0 ? DataType::kFp32 : row.type;
  out.shape = shape;
  out.count = rows * width;
  out.data = to ? to : work.take<char>(1).data();
  return {};
}

}  // namespace

std::optional<DataType> data_type_of(int element_type) {
  for (const Pair& p : kTypes)
    if (p.theirs == element_type) return p.ours;
  return std::nullopt;
}

int element_type_of(DataType type) {
  for (const Pair& p : kTypes)
    if (p.ours == type) return p.theirs;
  return 0;
}

Status make_value(const Runtime& runtime, const Tensor& in, Workspace& work, OrtValue*& out) {
  if (in.type == DataType::kBytes) return make_texts(runtime, in, work, out);
  return runtime.api.check(runtime.api.CreateTensorWithDataAsOrtValue(
      runtime.memory, const_cast<void*>(in.data), in.count * inference::size_of(in.type),
      in.shape.data(), in.shape.size(), element_type_of(in.type), &out));
}

Status read_value(const Runtime& runtime, const OrtValue* value, Workspace& work, Tensor& out) {
  int kind = 0;
  TRY_STATUS(runtime.api.check(runtime.api.GetValueType(value, &kind)));
  if (kind == kTensorValue) return read_tensor(runtime.api, value, work, out);
  if (kind == kSequenceValue) return read_sequence(runtime, value, work, out);
  if (kind == kMapValue) return read_map(runtime, value, work, out);
  return error(Code::kUnimplemented, str("output '", out.name, "' is no tensor"));
}

}  // namespace proa::onnx
