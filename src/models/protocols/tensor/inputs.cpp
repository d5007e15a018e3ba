#include "models/protocols/tensor/inputs.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/protocols/tensor/convert.h"
#include "models/protocols/tensors.h"

namespace proa::protocols {
namespace {

using inference::ModelInfo;
using inference::Tensor;
using inference::TensorInfo;
using Kind = Contents::Kind;

Error wrong_size(const InputTensor& t, size_t have, size_t want, const char* what) {
  return wrong_input(
      t.name, str("shape ", inference::shape_text(t.shape), " of ", to_string(t.type), " asks for ",
                  want, " ", what, ", and ", have, " are there"));
}

Result<const void*> raw_texts(const InputTensor& t, size_t n, Workspace& work) {
  std::string_view rest(static_cast<const char*>(t.contents.data), t.contents.count);
  if (n > rest.size() / 4) return wrong_size(t, rest.size() / 4, n, "elements");
  auto texts = work.take<std::string_view>(std::max<size_t>(n, 1));
  for (size_t i = 0; i < n; ++i) {
    uint32_t size = 0;
    if (rest.size() < 4) return wrong_input(t.name, str("its bytes end before element ", i));
    std::memcpy(&size, rest.data(), 4);
    rest.remove_prefix(4);
    if (size > rest.size()) return wrong_input(t.name, str("its bytes end inside of element ", i));
    texts[i] = rest.substr(0, size);
    rest.remove_prefix(size);
  }
  if (!rest.empty()) return wrong_input(t.name, str(rest.size(), " bytes follow the last element"));
  return static_cast<const void*>(texts.data());
}

// Where they lie, unless they are not aligned to an element.
Result<const void*> raw(const InputTensor& t, size_t n, Workspace& work) {
  if (t.type == DataType::kBytes) return raw_texts(t, n, work);
  size_t size = inference::size_of(t.type), want = n * size;
  if (t.contents.count != want) return wrong_size(t, t.contents.count, want, "bytes");
  const auto* from = static_cast<const char*>(t.contents.data);
  if (t.type == DataType::kBool) {
    auto to = work.take<bool>(std::max<size_t>(n, 1));
    for (size_t i = 0; i < n; ++i) to[i] = from[i] != 0;
    return static_cast<const void*>(to.data());
  }
  if (reinterpret_cast<uintptr_t>(from) % size == 0) return static_cast<const void*>(from);
  auto to = work.take<char>(std::max<size_t>(want, 1));
  if (want != 0) std::memcpy(to.data(), from, want);
  return static_cast<const void*>(to.data());
}

template <typename To, typename From>
Result<const void*> narrow(const InputTensor& t, size_t n, Workspace& work) {
  const auto* from = static_cast<const From*>(t.contents.data);
  auto to = work.take<To>(std::max<size_t>(n, 1));
  for (size_t i = 0; i < n; ++i) {
    to[i] = static_cast<To>(from[i]);
    if (static_cast<From>(to[i]) != from[i])
      return wrong_input(t.name, str("element ", i, ", ", from[i], ", is no ", to_string(t.type)));
  }
  return static_cast<const void*>(to.data());
}

Result<const void*> cells(const InputTensor& t, size_t n, Workspace& work) {
  const auto* from = static_cast<const inference::Cell*>(t.contents.data);
  auto numbers = work.take<double>(std::max<size_t>(n, 1));
  for (size_t i = 0; i < n; ++i) {
    bool null = from[i].kind == inference::Cell::Kind::kNone && inference::is_float(t.type);
    if (!null && from[i].kind != inference::Cell::Kind::kNumber)
      return wrong_input(t.name, str("element ", i, " is no ", to_string(t.type)));
    numbers[i] = null ? NAN : from[i].number;
  }
  return as_type(numbers.first(n), t.type, t.name, work);
}

Error other_contents(const InputTensor& t) {
  return wrong_input(t.name, str("its contents are not those of datatype ", to_string(t.type)));
}

Result<const void*> typed(const InputTensor& t, size_t n, Workspace& work) {
  const void* there = t.contents.data;
  switch (t.contents.kind) {
    case Kind::kDoubles:
      return as_type({static_cast<const double*>(there), n}, t.type, t.name, work);
    case Kind::kCells:
      return cells(t, n, work);
    case Kind::kInt32s:
      if (t.type == DataType::kInt8) return narrow<int8_t, int32_t>(t, n, work);
      if (t.type == DataType::kInt16) return narrow<int16_t, int32_t>(t, n, work);
      if (t.type == DataType::kInt32) return there;
      return other_contents(t);
    case Kind::kUint32s:
      if (t.type == DataType::kUint8) return narrow<uint8_t, uint32_t>(t, n, work);
      if (t.type == DataType::kUint16) return narrow<uint16_t, uint32_t>(t, n, work);
      if (t.type == DataType::kUint32) return there;
      return other_contents(t);
    case Kind::kBools:
      if (t.type == DataType::kBool) return there;
      return other_contents(t);
    case Kind::kInt64s:
      if (t.type == DataType::kInt64) return there;
      return other_contents(t);
    case Kind::kUint64s:
      if (t.type == DataType::kUint64) return there;
      return other_contents(t);
    case Kind::kFloats:
      if (t.type == DataType::kFp32) return there;
      return other_contents(t);
    case Kind::kTexts:
      if (t.type == DataType::kBytes) return there;
      return other_contents(t);
    case Kind::kNone:
    case Kind::kRaw:
      break;
  }
  return other_contents(t);
}

Status convert(const InputTensor& t, const TensorInfo& info, Workspace& work, Tensor& out) {
  if (t.type != info.type && !info.any_type)
    return wrong_input(t.name, str("its datatype is ", to_string(t.type), "; the model takes ",
                                   to_string(info.type)));
  TRY(size_t n, element_count(t));
  TRY_STATUS(inference::check_shape(t.shape, info));
  out.name = info.name;
  out.type = t.type;
  out.shape = t.shape;
  out.count = n;
  if (t.contents.kind == Kind::kRaw) {
    TRY(out.data, raw(t, n, work));
    return {};
  }
  if (t.contents.kind == Kind::kNone ? n != 0 : t.contents.count != n)
    return wrong_size(t, t.contents.kind == Kind::kNone ? 0 : t.contents.count, n, "elements");
  if (n == 0) {
    out.data = work.take<double>(1).data();
    return {};
  }
  TRY(out.data, typed(t, n, work));
  return {};
}

template <typename Infos>
std::string names(const Infos& infos) {
  std::vector<std::string> all;
  for (const TensorInfo& t : infos) all.push_back(str("'", t.name, "'"));
  return shorten(join(all, ", "), 300);
}

}  // namespace

Status to_tensors(const InferRequest& request, const ModelInfo& info, Workspace& work,
                  std::span<const Tensor>& out) {
  auto tensors = work.take<Tensor>(std::max<size_t>(info.inputs.size(), 1));
  std::fill(tensors.begin(), tensors.end(), Tensor{});
  for (const InputTensor& t : request.inputs) {
    auto at = std::find_if(info.inputs.begin(), info.inputs.end(),
                           [&](const TensorInfo& i) { return i.name == t.name; });
    if (at == info.inputs.end())
      return error(Code::kInvalid, str("unexpected input '", shorten(t.name, 100),
                                       "'; the model takes ", names(info.inputs)));
    Tensor& to = tensors[static_cast<size_t>(at - info.inputs.begin())];
    if (to.data) return wrong_input(t.name, "it is there twice");
    TRY_STATUS(convert(t, *at, work, to));
  }
  for (size_t i = 0; i < info.inputs.size(); ++i)
    if (!tensors[i].data)
      return error(Code::kInvalid,
                   str("expected ", info.inputs.size(), " inputs, got ", request.inputs.size(),
                       ": '", info.inputs[i].name, "' is missing"));
  out = tensors.first(info.inputs.size());
  return {};
}

Status wanted_outputs(const InferRequest& request, const ModelInfo& info, Workspace& work,
                      std::span<const size_t>& out) {
  size_t count = request.outputs.empty() ? info.outputs.size() : request.outputs.size();
  auto places = work.take<size_t>(std::max<size_t>(count, 1));
  for (size_t i = 0; i < count; ++i) places[i] = i;
  for (size_t i = 0; i < request.outputs.size(); ++i) {
    std::string_view name = request.outputs[i].name;
    auto at = std::find_if(info.outputs.begin(), info.outputs.end(),
                           [&](const TensorInfo& o) { return o.name == name; });
    if (at == info.outputs.end())
      return error(Code::kInvalid, str("unexpected inference output '", shorten(name, 100),
                                       "'; the model gives ", names(info.outputs)));
    places[i] = static_cast<size_t>(at - info.outputs.begin());
    if (std::find(places.begin(), places.begin() + static_cast<ptrdiff_t>(i), places[i]) !=
        places.begin() + static_cast<ptrdiff_t>(i))
      return error(Code::kInvalid, str("output '", shorten(name, 100), "' is asked for twice"));
  }
  out = places.first(count);
  return {};
}

}  // namespace proa::protocols
