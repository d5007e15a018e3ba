// A scanner of JSON text (RFC 8259, and Python's NaN and Infinity): for readers that go over a
// body once and put numbers where they belong, without a tree of values.
//
// Used by the readers of V1 and V2 requests. Views into the text where it has no escapes, else
// copies in the Workspace. One thread. Errors are kInvalid, "Unrecognized request format: what:
// line L column C (char N)".
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "foundation/base/result.h"
#include "models/inference/workspace.h"

namespace proa::protocols {

class Scanner {
 public:
  static constexpr int kMostDepth = 100;

  Scanner(std::string_view text, inference::Workspace& work)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), work_(work) {}

  void space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  bool ended() const { return at_ == end_; }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (left() < word.size() || std::string_view(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  const char* mark() const { return at_; }
  void back_to(const char* mark) { at_ = mark; }

  // True where a number, true, false, NaN or an infinity begins.
  bool at_number() const;
  // The short way for most numbers, and for the comma behind an element: false, having done
  // nothing, where number() and next() are to be asked.
  bool quick_number(double& v, bool& whole);
  bool quick_comma();
  // The same for many: reads elements of a list, each with its comma and a blank behind it, for as
  // long as they are plain numbers and much text is left. Returns how many. closed: the last one's
  // ']' is next; else an element is, perhaps behind blanks. `whole` turns false, never true.
  size_t quick_numbers(double* to, bool& whole, bool& closed);
  // `whole`: written without a point and an exponent. Booleans are 0 and 1.
  Status number(double& v, bool& whole);
  Status string(std::string_view& text);  // unescaped
  Status key(std::string_view& name);     // "name" and ':' and the blanks around
  Status skip(int depth = 0);             // any value
  // Behind an element: true in `more` for a comma, false for `close`.
  Status next(char close, bool& more);
  Error syntax(std::string_view what) const;

 private:
  Status digits(double& v, bool& whole);
  Status skip_members(char close, int depth);
  Status unescape(const char* from, std::string_view& text);
  bool escape(char*& to);
  bool hex4(unsigned& code);

  const char* begin_;
  const char* at_;
  const char* end_;
  inference::Workspace& work_;
};

inline bool Scanner::at_number() const {
  char c = peek();
  return (c >= '0' && c <= '9') || c == '-' || c == 't' || c == 'f' || c == 'N' || c == 'I';
}

// digits / 10^scale as the nearest double, for up to 19 digits and a scale of up to 19: from 64
// bits of the quotient and whether more follow.
inline double quotient(uint64_t digits, unsigned scale) {
  static constexpr uint64_t kTens[] = {1,
                                       10,
                                       100,
                                       1000,
                                       10000,
                                       100000,
                                       1000000,
                                       10000000,
                                       100000000,
                                       1000000000,
                                       10000000000,
                                       100000000000,
                                       1000000000000,
                                       10000000000000,
                                       100000000000000,
                                       1000000000000000,
                                       10000000000000000,
                                       100000000000000000,
                                       1000000000000000000,
                                       10000000000000000000u};
  if (digits == 0) return 0;
  int up = __builtin_clzll(digits), divisor_up = __builtin_clzll(kTens[scale]);
  uint64_t high = digits << up >> 1, low = digits << up << 63, by = kTens[scale] << divisor_up;
#if defined(__x86_64__)
  uint64_t ratio, rest;
  __asm__("divq %4" : "=a"(ratio), "=d"(rest) : "0"(low), "1"(high), "r"(by) : "cc");
#else
  auto all = static_cast<unsigned __int128>(high) << 64 | low;
  auto ratio = static_cast<uint64_t>(all / by), rest = static_cast<uint64_t>(all % by);
#endif
  auto v = static_cast<double>(ratio | static_cast<uint64_t>(rest != 0));
  return v * std::bit_cast<double>(static_cast<uint64_t>(1023 - 63 + divisor_up - up) << 52);
}

// Up to 19 digits; where they and the power of ten are exact as doubles, one division does (Clinger
// 1990).
inline bool Scanner::quick_number(double& v, bool& whole) {
  static constexpr double kTens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                     1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
  const char *p = at_, *end = end_;
  bool negative = p < end && *p == '-';
  p += negative;
  const char* first = p;
  uint64_t digits = 0;
  for (unsigned d; p < end && (d = static_cast<unsigned>(*p - '0')) < 10; ++p)
    digits = digits * 10 + d;
  auto count = p - first;
  if (count == 0 || (*first == '0' && count > 1)) return false;
  ptrdiff_t scale = 0;
  if (p < end && *p == '.') {
    const char* fraction = ++p;
    for (unsigned d; p < end && (d = static_cast<unsigned>(*p - '0')) < 10; ++p)
      digits = digits * 10 + d;
    scale = p - fraction;
    if (scale == 0) return false;
    whole = false;
  } else {
    whole = true;
  }
  if (count + scale > 19 || (p < end && (*p | 0x20) == 'e')) return false;
  double size = digits <= (uint64_t{1} << 53) ? static_cast<double>(digits) / kTens[scale]
                                              : quotient(digits, static_cast<unsigned>(scale));
  v = negative ? -size : size;
  at_ = p;
  return true;
}

inline bool Scanner::quick_comma() {
  if (at_ < end_ && *at_ == ',') {
    ++at_;
    if (at_ < end_ && *at_ == ' ') ++at_;
    space();
    return true;
  }
  return false;
}

inline Status Scanner::next(char close, bool& more) {
  space();
  more = take(',');
  if (more) {
    space();
    return {};
  }
  if (take(close)) return {};
  return syntax("Expecting ',' delimiter");
}

}  // namespace proa::protocols
