#include "models/protocols/tensor/convert.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/protocols/raw.h"

namespace proa::protocols {
namespace {

template <typename T>
Result<const void*> integers(std::span<const double> from, DataType type, std::string_view name,
                             Workspace& work) {
  // The bounds as doubles; those of 64 bits are powers of two, the upper one not included.
  constexpr double kLeast = static_cast<double>(std::numeric_limits<T>::min());
  constexpr double kMost = sizeof(T) < 8 ? static_cast<double>(std::numeric_limits<T>::max()) + 1
                           : std::numeric_limits<T>::is_signed ? 0x1p63
                                                               : 0x1p64;
  auto to = work.take<T>(std::max<size_t>(from.size(), 1));
  for (size_t i = 0; i < from.size(); ++i) {
    double v = from[i];
    if (!(v >= kLeast && v < kMost) || std::trunc(v) != v)
      return wrong_input(name, str("element ", i, ", ", v, ", is no ", to_string(type)));
    to[i] = static_cast<T>(v);
  }
  return static_cast<const void*>(to.data());
}

template <uint16_t (*kConvert)(double)>
const void* halves(std::span<const double> from, Workspace& work) {
  auto to = work.take<uint16_t>(std::max<size_t>(from.size(), 1));
  for (size_t i = 0; i < from.size(); ++i) to[i] = kConvert(from[i]);
  return to.data();
}

Result<const void*> booleans(std::span<const double> from, std::string_view name, Workspace& work) {
  auto to = work.take<bool>(std::max<size_t>(from.size(), 1));
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] != 0 && from[i] != 1)
      return wrong_input(name, str("element ", i, ", ", from[i], ", is no BOOL"));
    to[i] = from[i] != 0;
  }
  return static_cast<const void*>(to.data());
}

const void* floats(std::span<const double> from, Workspace& work) {
  auto to = work.take<float>(std::max<size_t>(from.size(), 1));
  for (size_t i = 0; i < from.size(); ++i) to[i] = static_cast<float>(from[i]);
  return to.data();
}

}  // namespace

Error wrong_input(std::string_view name, std::string_view what) {
  return error(Code::kInvalid, str("input '", shorten(name, 100), "': ", what));
}

Result<const void*> as_type(std::span<const double> from, DataType type, std::string_view name,
                            Workspace& work) {
  switch (type) {
    case DataType::kFp64:
      return static_cast<const void*>(from.data());
    case DataType::kFp32:
      return floats(from, work);
    case DataType::kFp16:
      return halves<to_fp16>(from, work);
    case DataType::kBf16:
      return halves<to_bf16>(from, work);
    case DataType::kBool:
      return booleans(from, name, work);
    case DataType::kInt8:
      return integers<int8_t>(from, type, name, work);
    case DataType::kInt16:
      return integers<int16_t>(from, type, name, work);
    case DataType::kInt32:
      return integers<int32_t>(from, type, name, work);
    case DataType::kInt64:
      return integers<int64_t>(from, type, name, work);
    case DataType::kUint8:
      return integers<uint8_t>(from, type, name, work);
    case DataType::kUint16:
      return integers<uint16_t>(from, type, name, work);
    case DataType::kUint32:
      return integers<uint32_t>(from, type, name, work);
    case DataType::kUint64:
      return integers<uint64_t>(from, type, name, work);
    case DataType::kBytes:
      break;
  }
  return wrong_input(name, "it takes texts (BYTES), not numbers");
}

}  // namespace proa::protocols
