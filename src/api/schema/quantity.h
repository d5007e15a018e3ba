// Kubernetes quantities: "500m", "1.5Gi", "2e3", "100k". Pure, thread-safe.
//
// Kept as mantissa × 10^exponent in 128 bits, which is exact for all that fits (Kubernetes' own
// int64 range at nano scale); more is cut to the largest, as Kubernetes does.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace proa::api {

class Quantity {
 public:
  enum class Format : uint8_t { kDecimal, kBinary, kExponent };
  static std::optional<Quantity> parse(std::string_view text);
  static Quantity of(int64_t value, Format format = Format::kDecimal);

  std::string text() const;  // canonical: "0.1" → "100m", "1024Mi" → "1Gi"
  int64_t value() const;     // whole units, rounded up
  int64_t milli() const;     // thousandths, rounded up
  double number() const;
  bool negative() const { return nano_ < 0; }
  Quantity operator+(const Quantity& other) const;
  Quantity operator-(const Quantity& other) const;
  std::strong_ordering operator<=>(const Quantity& other) const;
  bool operator==(const Quantity& other) const { return (*this <=> other) == 0; }

 private:
  __extension__ typedef __int128 Wide;
  Wide nano_ = 0;  // 10^-9
  Format format_ = Format::kDecimal;
};

}  // namespace proa::api
