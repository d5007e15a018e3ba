#include "models/protocols/scan.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>

#include "foundation/base/strings.h"

namespace proa::protocols {
namespace {

constexpr double kTens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(char*& to, unsigned code) {
  if (code < 0x80) {
    *to++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *to++ = static_cast<char>(0xc0 | code >> 6);
    *to++ = static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    *to++ = static_cast<char>(0xe0 | code >> 12);
    *to++ = static_cast<char>(0x80 | (code >> 6 & 63));
    *to++ = static_cast<char>(0x80 | (code & 63));
  } else {
    *to++ = static_cast<char>(0xf0 | code >> 18);
    *to++ = static_cast<char>(0x80 | (code >> 12 & 63));
    *to++ = static_cast<char>(0x80 | (code >> 6 & 63));
    *to++ = static_cast<char>(0x80 | (code & 63));
  }
}

}  // namespace

Error Scanner::syntax(std::string_view what) const {
  size_t line = 1, column = 1;
  for (const char* p = begin_; p < at_ && p < end_; ++p) {
    if (*p == '\n')
      ++line, column = 1;
    else
      ++column;
  }
  return error(Code::kInvalid,
               str("Unrecognized request format: ", what, ": line ", line, " column ", column,
                   " (char ", static_cast<size_t>(at_ - begin_), ")"));
}

// Up to 19 digits and a small power of ten are exact in double arithmetic (Clinger 1990); the rest
// goes to the library.
Status Scanner::digits(double& v, bool& whole) {
  const char *from = at_, *p = at_;
  bool negative = p < end_ && *p == '-';
  if (negative) ++p;
  uint64_t digits = 0;
  const char* first = p;
  for (; p < end_ && is_digit(*p); ++p) digits = digits * 10 + static_cast<uint64_t>(*p - '0');
  auto count = static_cast<size_t>(p - first);
  at_ = p;
  if (count == 0) return syntax("Expecting value");
  if (*first == '0' && count > 1) {
    at_ = first + 1;
    return syntax("Expecting ',' delimiter");
  }
  size_t scale = 0;
  whole = true;
  if (p < end_ && *p == '.') {
    whole = false;
    const char* fraction = ++p;
    for (; p < end_ && is_digit(*p); ++p) digits = digits * 10 + static_cast<uint64_t>(*p - '0');
    scale = static_cast<size_t>(p - fraction);
    at_ = p;
    if (scale == 0) return syntax("Expecting digits after the point");
    count += scale;
  }
  if (p == end_ || (*p != 'e' && *p != 'E')) {
    at_ = p;
    if (count <= 19 && digits <= (uint64_t{1} << 53) && scale <= 22) [[likely]] {
      v = static_cast<double>(digits) / kTens[scale];
      if (negative) v = -v;
      return {};
    }
  } else {
    whole = false;
    ++p;
    if (p < end_ && (*p == '+' || *p == '-')) ++p;
    at_ = p;
    if (!is_digit(peek())) return syntax("Expecting digits in the exponent");
    while (is_digit(peek())) ++at_;
  }
  auto [end, err] = std::from_chars(from, at_, v);
  if (err == std::errc::result_out_of_range)  // read as Python does: 0, or infinity
    v = std::strtod(std::string(from, static_cast<size_t>(at_ - from)).c_str(), nullptr);
  return {};
}

Status Scanner::number(double& v, bool& whole) {
  char c = peek();
  if (c == '-' ? left() < 9 || at_[1] != 'I' : is_digit(c)) [[likely]]
    return digits(v, whole);
  whole = true;
  if (take_word("true")) {
    v = 1;
    return {};
  }
  if (take_word("false")) {
    v = 0;
    return {};
  }
  whole = false;
  if (take_word("NaN"))
    v = NAN;
  else if (take_word("Infinity"))
    v = HUGE_VAL;
  else if (take_word("-Infinity"))
    v = -HUGE_VAL;
  else
    return syntax("Expecting value");
  return {};
}

Status Scanner::string(std::string_view& text) {
  if (!take('"')) return syntax("Expecting a string");
  const char* from = at_;
  for (; at_ < end_ && *at_ != '"'; ++at_) {
    if (static_cast<unsigned char>(*at_) < 0x20) return syntax("Invalid control character");
    if (*at_ == '\\') return unescape(from, text);
  }
  text = std::string_view(from, static_cast<size_t>(at_ - from));
  if (!take('"')) return syntax("Unterminated string");
  return {};
}

bool Scanner::hex4(unsigned& code) {
  code = 0;
  if (left() < 4) return false;
  for (int i = 0; i < 4; ++i, ++at_) {
    char c = *at_;
    unsigned digit = is_digit(c)            ? static_cast<unsigned>(c - '0')
                     : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10
                                            : 16;
    if (digit == 16) return false;
    code = code * 16 + digit;
  }
  return true;
}

// Behind a backslash. Halves of surrogate pairs that stand alone become U+FFFD.
bool Scanner::escape(char*& to) {
  static constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  if (at_ == end_) return false;
  char c = *at_++;
  if (c != 'u') {
    size_t i = kNames.find(c);
    if (i == std::string_view::npos) return false;
    *to++ = kMeanings[i];
    return true;
  }
  unsigned code = 0;
  if (!hex4(code)) return false;
  if (code >= 0xd800 && code < 0xdc00 && left() >= 6 && at_[0] == '\\' && at_[1] == 'u') {
    const char* back = at_;
    at_ += 2;
    unsigned low = 0;
    if (!hex4(low)) return false;
    if (low >= 0xdc00 && low < 0xe000)
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    else
      at_ = back;
  }
  append_utf8(to, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
  return true;
}

Status Scanner::unescape(const char* from, std::string_view& text) {
  const char* close = at_;  // an escape is never longer than what it stands for in UTF-8
  while (close < end_ && *close != '"') close += *close == '\\' ? 2 : 1;
  if (close >= end_) return syntax("Unterminated string");
  auto buffer = work_.take<char>(static_cast<size_t>(close - from));
  char* to = std::copy(from, at_, buffer.data());
  while (at_ < end_ && *at_ != '"') {
    if (static_cast<unsigned char>(*at_) < 0x20) return syntax("Invalid control character");
    char c = *at_++;
    if (c != '\\')
      *to++ = c;
    else if (!escape(to))
      return syntax("Invalid \\escape");
  }
  text = std::string_view(buffer.data(), static_cast<size_t>(to - buffer.data()));
  if (!take('"')) return syntax("Unterminated string");
  return {};
}

Status Scanner::key(std::string_view& name) {
  space();
  TRY_STATUS(string(name));
  space();
  if (!take(':')) return syntax("Expecting ':' delimiter");
  space();
  return {};
}

Status Scanner::skip_members(char close, int depth) {
  space();
  if (take(close)) return {};
  for (bool more = true; more;) {
    std::string_view name;
    if (close == '}') TRY_STATUS(key(name));
    TRY_STATUS(skip(depth + 1));
    TRY_STATUS(next(close, more));
  }
  return {};
}

Status Scanner::skip(int depth) {
  if (depth > kMostDepth) return syntax("nested too deeply");
  space();
  if (take('{')) return skip_members('}', depth);
  if (take('[')) return skip_members(']', depth);
  if (peek() == '"') {
    auto before = work_.mark();
    std::string_view text;
    Status s = string(text);
    work_.release(before);
    return s;
  }
  if (take_word("null")) return {};
  double v = 0;
  bool whole = false;
  return number(v, whole);
}

}  // namespace proa::protocols
