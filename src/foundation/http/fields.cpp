#include "foundation/http/fields.h"

#include <array>
#include <cstdint>

namespace proa::http {
namespace {

enum : uint8_t { kToken = 1, kValue = 2, kTarget = 4, kHost = 8 };

constexpr std::array<uint8_t, 256> make_table() {
  std::array<uint8_t, 256> table{};
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view host_marks = "-._~%!$&'()*+;=:[]";
  for (int c = 0; c < 256; ++c) {
    bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    char ch = static_cast<char>(c);
    uint8_t bits = 0;
    if (letter || (c < 128 && marks.find(ch) != marks.npos)) bits |= kToken;
    if (letter || (c < 128 && host_marks.find(ch) != host_marks.npos)) bits |= kHost;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) bits |= kValue;
    if (c > 0x20 && c != 0x7f && c != '#') bits |= kTarget;
    table[static_cast<size_t>(c)] = bits;
  }
  return table;
}
constexpr auto kTable = make_table();

bool all(std::string_view text, uint8_t bit) {
  uint8_t seen = bit;
  for (char c : text) seen &= kTable[static_cast<uint8_t>(c)];
  return seen != 0;
}

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

bool is_token(std::string_view text) { return !text.empty() && all(text, kToken); }
bool is_field_value(std::string_view text) { return all(text, kValue); }
bool is_target(std::string_view text) { return !text.empty() && all(text, kTarget); }
bool is_host(std::string_view text) { return all(text, kHost); }

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool list_has(std::string_view list, std::string_view element) {
  while (true) {
    size_t comma = list.find(',');
    if (same_name(trim_blanks(list.substr(0, comma)), element)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

bool is_hop_by_hop(std::string_view name) {
  switch (name.size()) {
    case 2:
      return same_name(name, "te");
    case 7:
      return same_name(name, "upgrade");
    case 10:
      return same_name(name, "connection") || same_name(name, "keep-alive");
    case 16:
      return same_name(name, "proxy-connection");
    case 17:
      return same_name(name, "transfer-encoding");
    default:
      return false;
  }
}

}  // namespace proa::http
