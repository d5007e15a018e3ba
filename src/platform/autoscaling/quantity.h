// Kubernetes' resource quantities as thousandths of a unit, so that cpu is in millicores. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "foundation/json/value.h"

namespace proa::autoscaling {

// "250m" → 250, "1.5" → 1500, "2Gi" → 2147483648000; nullopt if it is none, or is past 2^62.
std::optional<int64_t> parse_milli(const json::Value& quantity);

// 250 → "250m", 1500 → "1500m", 2000 → "2".
std::string format_milli(int64_t milli);

}  // namespace proa::autoscaling
