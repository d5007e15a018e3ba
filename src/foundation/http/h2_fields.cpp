#include "foundation/http/h2_fields.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"

namespace proa::http {

void H2Fields::add(std::string_view name, std::string_view value) {
  const std::string& n = texts_.emplace_back(lower(name));
  const std::string& v = texts_.emplace_back(value);
  auto bytes = [](const std::string& s) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(s.data()));
  };
  fields_.push_back({bytes(n), bytes(v), n.size(), v.size(), NGHTTP2_NV_FLAG_NONE});
}

void H2Fields::add_end_to_end(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (same_name(name, "te") && list_has(value, "trailers")) {
      add("te", "trailers");
      continue;
    }
    if (is_hop_by_hop(name) || same_name(name, "host")) continue;
    if (is_token(name) && is_field_value(value)) add(name, value);
  }
}

bool H2Fields::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const nghttp2_nv& field) {
    return std::string_view(reinterpret_cast<const char*>(field.name), field.namelen) == name;
  });
}

bool FloodGuard::count(double now_seconds) {
  level_ = std::max(0.0, level_ - (now_seconds - last_) * rate_);
  last_ = now_seconds;
  level_ += 1;
  return level_ <= most_;
}

}  // namespace proa::http
