// Small functions on text: join numbers and strings, split, trim, case, base64, hex, UTF-8,
// JSON-free.
//
// Used everywhere; pure; thread-safe. Nothing here knows a domain word.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace proa {

void append_number(std::string& out, int64_t value);
void append_number(std::string& out, uint64_t value);
void append_number(std::string& out, double value);  // shortest text that reads back the same

namespace internal {
inline void append(std::string& out, std::string_view s) { out += s; }
inline void append(std::string& out, char c) { out += c; }
inline void append(std::string& out, const char* s) { out += s; }
template <typename T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, char>)
void append(std::string& out, T v) {
  if constexpr (std::is_same_v<T, bool>)
    out += v ? "true" : "false";
  else if constexpr (std::is_floating_point_v<T>)
    append_number(out, static_cast<double>(v));
  else if constexpr (std::is_signed_v<T>)
    append_number(out, static_cast<int64_t>(v));
  else
    append_number(out, static_cast<uint64_t>(v));
}
}  // namespace internal

// str("pod ", name, " took ", 3, " ms") → one string.
template <typename... Parts>
std::string str(const Parts&... parts) {
  std::string out;
  (internal::append(out, parts), ...);
  return out;
}

// "a,b,,c" by ',' → {"a","b","","c"}; "" → {""}.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);
bool iequals(std::string_view a, std::string_view b);  // ASCII, case ignored
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
bool contains(std::string_view text, std::string_view part);

// Whole text is a number, else nullopt.
std::optional<int64_t> parse_int(std::string_view text);
std::optional<double> parse_double(std::string_view text);

std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);
std::optional<std::string> unbase64(std::string_view text);  // standard alphabet, padded
std::optional<std::string> percent_decode(
    std::string_view text);                         // "%2F" → "/"; bad escape: nullopt
std::string percent_encode(std::string_view text);  // all but unreserved characters
bool is_utf8(std::string_view bytes);

// For errors: the text, cut to at most `most` bytes with "…".
std::string shorten(std::string_view text, size_t most);

}  // namespace proa
