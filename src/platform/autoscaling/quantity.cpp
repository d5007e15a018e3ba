#include "platform/autoscaling/quantity.h"

#include <cmath>
#include <string_view>
#include <utility>

#include "foundation/base/strings.h"

namespace proa::autoscaling {
namespace {

constexpr std::pair<std::string_view, double> kSuffixes[] = {
    {"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50},
    {"Ei", 0x1p60}, {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},    {"k", 1e3},
    {"M", 1e6},     {"G", 1e9},     {"T", 1e12},    {"P", 1e15},    {"E", 1e18}};

}  // namespace

std::optional<int64_t> parse_milli(const json::Value& quantity) {
  double scale = 1000;
  std::string text = quantity.is_number() ? json::dump(quantity) : quantity.str();
  std::string_view number = text;
  for (const auto& [suffix, factor] : kSuffixes)
    if (number.ends_with(suffix)) {
      number.remove_suffix(suffix.size());
      scale *= factor;
      break;
    }
  const auto value = parse_double(number);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  const double milli = std::ceil(*value * scale - 1e-9);
  if (std::abs(milli) > 0x1p62) return std::nullopt;
  return static_cast<int64_t>(milli);
}

std::string format_milli(int64_t milli) {
  return milli % 1000 == 0 ? str(milli / 1000) : str(milli, "m");
}

}  // namespace proa::autoscaling
