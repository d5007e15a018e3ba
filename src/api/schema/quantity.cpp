#include "api/schema/quantity.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace proa::api {
namespace {

__extension__ typedef __int128 Wide;
constexpr int64_t kNanos = 1'000'000'000;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr Wide kLimit = Wide{kMost} * kNanos;  // the largest Kubernetes keeps

struct Suffix {
  std::string_view text;
  Quantity::Format format;
  int power;
};  // 10^power or 2^power
constexpr Suffix kSuffixes[] = {
    {"n", Quantity::Format::kDecimal, -9}, {"u", Quantity::Format::kDecimal, -6},
    {"m", Quantity::Format::kDecimal, -3}, {"", Quantity::Format::kDecimal, 0},
    {"k", Quantity::Format::kDecimal, 3},  {"M", Quantity::Format::kDecimal, 6},
    {"G", Quantity::Format::kDecimal, 9},  {"T", Quantity::Format::kDecimal, 12},
    {"P", Quantity::Format::kDecimal, 15}, {"E", Quantity::Format::kDecimal, 18},
    {"Ki", Quantity::Format::kBinary, 10}, {"Mi", Quantity::Format::kBinary, 20},
    {"Gi", Quantity::Format::kBinary, 30}, {"Ti", Quantity::Format::kBinary, 40},
    {"Pi", Quantity::Format::kBinary, 50}, {"Ei", Quantity::Format::kBinary, 60},
};

Wide clamp(Wide v) { return std::clamp(v, -kLimit, kLimit); }

// v × base, cut to the limit.
Wide times(Wide v, int64_t base) {
  if (v > kLimit / base) return kLimit;
  return v * base;
}

Wide scale_down(Wide v, int64_t by) { return v >= 0 ? (v + by - 1) / by : -((-v + by - 1) / by); }

bool parse_exponent(std::string_view text, int& out) {
  bool minus = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    minus = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty() || text.size() > 4) return false;
  int v = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    v = v * 10 + (c - '0');
  }
  out = minus ? -v : v;
  return true;
}

std::string decimal(Wide v) {
  if (v == 0) return "0";
  std::string out;
  for (Wide a = v < 0 ? -v : v; a > 0; a /= 10)
    out += static_cast<char>('0' + static_cast<int>(a % 10));
  if (v < 0) out += '-';
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

std::optional<Quantity> Quantity::parse(std::string_view text) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  bool minus = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  Wide mantissa = 0;
  int shift = 0, digits = 0;
  bool dot = false, full = false;
  size_t i = 0;
  for (; i < text.size(); i++) {
    char c = text[i];
    if (c == '.' && !dot) {
      dot = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    digits++;
    if (mantissa > kLimit) full = true;  // further digits only move the point
    if (!full) mantissa = mantissa * 10 + (c - '0');
    if (dot && !full) shift--;
    if (!dot && full) shift++;
  }
  if (!digits) return std::nullopt;
  std::string_view rest = text.substr(i);
  Quantity out;
  int power10 = shift, power2 = 0;
  int exponent = 0;
  if (rest.size() > 1 && (rest[0] == 'e' || rest[0] == 'E')) {
    if (!parse_exponent(rest.substr(1), exponent)) return std::nullopt;
    out.format_ = Format::kExponent;
    power10 += exponent;
  } else {
    const Suffix* found = nullptr;
    for (const Suffix& s : kSuffixes)
      if (s.text == rest) found = &s;
    if (!found) return std::nullopt;
    out.format_ = found->format;
    if (found->format == Format::kBinary)
      power2 = found->power;
    else
      power10 += found->power;
  }
  Wide v = mantissa;
  for (int n = power10 + 9; n > 0 && v != 0 && v < kLimit; n--) v = times(v, 10);
  for (int n = 0; n < power2 && v != 0 && v < kLimit; n++) {
    // Scale down first would lose digits; 2^60 × 10^9 × mantissa may pass the limit and is cut.
    v = times(v, 2);
  }
  bool rounded = false;
  for (int n = power10 + 9; n < 0; n++) {
    if (v == 0) break;
    if (v % 10) rounded = true;
    v /= 10;
  }
  if (rounded) v += 1;  // up, away from zero
  out.nano_ = clamp(minus ? -v : v);
  return out;
}

Quantity Quantity::of(int64_t value, Format format) {
  Quantity out;
  out.nano_ = Wide{value} * kNanos;
  out.format_ = format;
  return out;
}

std::string Quantity::text() const {
  if (nano_ == 0) return "0";
  bool whole = nano_ % kNanos == 0;
  if (format_ == Format::kBinary && whole) {
    Wide v = nano_ / kNanos;
    if (v >= 1024 || v <= -1024) {
      static const char* const kNames[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
      int at = 0;
      while (at < 6 && v % 1024 == 0) {
        v /= 1024;
        at++;
      }
      return decimal(v) + kNames[at];
    }
    return decimal(v);
  }
  // The largest power of 1000 that leaves a whole number.
  static const char* const kNames[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
  Wide v = nano_;
  int at = 0;
  while (at < 9 && v % 1000 == 0) {
    v /= 1000;
    at++;
  }
  if (format_ == Format::kExponent) {
    int exponent = (at - 3) * 3;
    return exponent ? decimal(v) + "e" + std::to_string(exponent) : decimal(v);
  }
  return decimal(v) + kNames[at];
}

int64_t Quantity::value() const { return static_cast<int64_t>(scale_down(nano_, kNanos)); }

int64_t Quantity::milli() const {
  Wide v = scale_down(nano_, 1'000'000);
  return static_cast<int64_t>(std::clamp(v, Wide{-kMost}, Wide{kMost}));
}

double Quantity::number() const { return static_cast<double>(nano_) / 1e9; }

Quantity Quantity::operator+(const Quantity& other) const {
  Quantity out = *this;
  if (nano_ == 0) out.format_ = other.format_;
  out.nano_ = clamp(nano_ + other.nano_);
  return out;
}

Quantity Quantity::operator-(const Quantity& other) const {
  Quantity out = *this;
  if (nano_ == 0) out.format_ = other.format_;
  out.nano_ = clamp(nano_ - other.nano_);
  return out;
}

std::strong_ordering Quantity::operator<=>(const Quantity& other) const {
  if (nano_ == other.nano_) return std::strong_ordering::equal;
  return nano_ < other.nano_ ? std::strong_ordering::less : std::strong_ordering::greater;
}

}  // namespace proa::api
