// The element types of the Open Inference Protocol (https://github.com/kserve/open-inference-protocol).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace proa::inference {

enum class DataType : uint8_t {
  kBool,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFp16,
  kBf16,
  kFp32,
  kFp64,
  kBytes,
};

const char* to_string(DataType type);                    // "FP64"
std::optional<DataType> data_type(std::string_view name);  // by exact name
size_t size_of(DataType type);                           // bytes of an element; 0 for BYTES

inline bool is_float(DataType t) { return t >= DataType::kFp16 && t <= DataType::kFp64; }
inline bool is_integer(DataType t) { return t <= DataType::kInt64; }  // BOOL too

}  // namespace proa::inference
