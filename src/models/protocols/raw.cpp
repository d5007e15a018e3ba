#include "models/protocols/raw.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "foundation/base/check.h"

namespace proa::protocols {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are copied as they lie");

template <typename T, typename From>
void append_as(const From* from, size_t count, std::string& out) {
  size_t at = out.size();
  out.resize(at + count * sizeof(T));
  char* to = out.data() + at;
  for (size_t i = 0; i < count; ++i) {
    T v = static_cast<T>(from[i]);
    std::memcpy(to + i * sizeof(T), &v, sizeof(T));
  }
}

template <uint16_t (*kConvert)(double)>
void append_half(const double* from, size_t count, std::string& out) {
  size_t at = out.size();
  out.resize(at + count * 2);
  for (size_t i = 0; i < count; ++i) {
    uint16_t v = kConvert(from[i]);
    std::memcpy(out.data() + at + i * 2, &v, 2);
  }
}

void append_texts(const std::string_view* texts, size_t count, std::string& out) {
  for (size_t i = 0; i < count; ++i) {
    auto size = static_cast<uint32_t>(texts[i].size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size);
    out.append(texts[i]);
  }
}

}  // namespace

double from_fp16(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double v = exponent == 0    ? std::ldexp(fraction, -24)
             : exponent == 31 ? (fraction != 0 ? NAN : HUGE_VAL)
                              : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -v : v;
}

double from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t to_fp16(double value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double size = std::fabs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00);
  if (size >= 65520) return static_cast<uint16_t>(sign | 0x7c00);  // rounds above the largest
  if (size < 0x1p-14)  // subnormal, in steps of 2^-24; 1024 of them are the least normal number
    return static_cast<uint16_t>(sign | static_cast<int>(std::nearbyint(std::ldexp(size, 24))));
  int exponent = 0;
  double fraction = std::frexp(size, &exponent);                           // in [0.5, 1)
  int steps = static_cast<int>(std::nearbyint(std::ldexp(fraction, 11)));  // 1024 … 2048
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + steps - 1024));
}

uint16_t to_bf16(double value) {
  auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

size_t raw_size(const Values& v) {
  if (v.type != DataType::kBytes) return v.count() * inference::size_of(v.type);
  size_t size = 0;
  for (size_t i = 0, n = v.count(); i < n; ++i) size += 4 + v.texts[i].size();
  return size;
}

void append_raw(const Values& v, std::string& out) {
  size_t n = v.count();
  switch (v.type) {
    case DataType::kFp64:
      return append_as<double>(v.numbers, n, out);
    case DataType::kFp32:
      return append_as<float>(v.numbers, n, out);
    case DataType::kFp16:
      return append_half<to_fp16>(v.numbers, n, out);
    case DataType::kBf16:
      return append_half<to_bf16>(v.numbers, n, out);
    case DataType::kBytes:
      return append_texts(v.texts, n, out);
    case DataType::kInt64:
    case DataType::kUint64:
      return append_as<int64_t>(v.integers, n, out);
    case DataType::kInt32:
    case DataType::kUint32:
      return append_as<int32_t>(v.integers, n, out);
    case DataType::kInt16:
    case DataType::kUint16:
      return append_as<int16_t>(v.integers, n, out);
    case DataType::kBool:
    case DataType::kInt8:
    case DataType::kUint8:
      return append_as<int8_t>(v.integers, n, out);
  }
}

}  // namespace proa::protocols
