#include "models/server/rows.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "foundation/base/strings.h"

namespace proa::models {
namespace {

constexpr int kMostDepth = 100;

constexpr double kTens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(std::string_view body, Rows& out)
      : begin_(body.data()), at_(begin_), end_(begin_ + body.size()), out_(out) {}

  Status run();

 private:
  void space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  bool take_word(std::string_view word) {
    if (static_cast<size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word)
      return false;
    at_ += word.size();
    return true;
  }
  void put(size_t index, double v) {
    if (index >= out_.values.size()) out_.values.resize(std::max<size_t>(64, index * 2));
    out_.values[index] = v;
  }

  Error syntax(std::string_view what) const;
  Status key(std::string_view& name);
  Status text(std::string_view& raw);
  Status skip(int depth);
  Status skip_members(char close, int depth);
  Status matrix();
  Status row(size_t number);
  Status cell(double& v);
  Status number(double& v);
  Error no_row() const;
  Error no_number() const;

  const char* begin_;
  const char* at_;
  const char* end_;
  Rows& out_;
};

Error Parser::syntax(std::string_view what) const {
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

Status Parser::text(std::string_view& raw) {
  if (!take('"')) return syntax("Expecting a string");
  const char* from = at_;
  for (; at_ < end_ && *at_ != '"'; ++at_) {
    if (static_cast<unsigned char>(*at_) < 0x20) return syntax("Invalid control character");
    if (*at_ != '\\') continue;
    if (++at_ == end_) break;
    if (*at_ == 'u') {
      for (int i = 0; i < 4; ++i)
        if (++at_ >= end_ || !std::isxdigit(static_cast<unsigned char>(*at_)))
          return syntax("Invalid \\u escape");
    } else if (std::string_view("\"\\/bfnrt").find(*at_) == std::string_view::npos) {
      return syntax("Invalid \\escape");
    }
  }
  raw = std::string_view(from, static_cast<size_t>(at_ - from));
  if (!take('"')) return syntax("Unterminated string");
  return {};
}

Status Parser::key(std::string_view& name) {
  space();
  TRY_STATUS(text(name));
  space();
  if (!take(':')) return syntax("Expecting ':' delimiter");
  space();
  return {};
}

Status Parser::skip_members(char close, int depth) {
  space();
  if (take(close)) return {};
  for (;;) {
    std::string_view name;
    if (close == '}') TRY_STATUS(key(name));
    TRY_STATUS(skip(depth + 1));
    space();
    if (take(close)) return {};
    if (!take(',')) return syntax("Expecting ',' delimiter");
  }
}

Status Parser::skip(int depth) {
  if (depth > kMostDepth) return syntax("nested too deeply");
  space();
  std::string_view raw;
  double v = 0;
  switch (peek()) {
    case '{':
      ++at_;
      return skip_members('}', depth);
    case '[':
      ++at_;
      return skip_members(']', depth);
    case '"':
      return text(raw);
    case 't':
      if (take_word("true")) return {};
      break;
    case 'f':
      if (take_word("false")) return {};
      break;
    case 'n':
      if (take_word("null")) return {};
      break;
    default:
      if (peek() == '-' || is_digit(peek())) return number(v);
  }
  return syntax("Expecting value");
}

// Up to 19 digits and a small power of ten are exact in double arithmetic (Clinger 1990); the rest
// goes to the library.
Status Parser::number(double& v) {
  const char* from = at_;
  bool negative = take('-');
  uint64_t digits = 0;
  const char* first = at_;
  if (take('0')) {
    if (is_digit(peek())) return syntax("Expecting ',' delimiter");
  } else {
    for (; at_ < end_ && is_digit(*at_); ++at_)
      digits = digits * 10 + static_cast<uint64_t>(*at_ - '0');
    if (at_ == first) return syntax("Expecting value");
  }
  size_t count = static_cast<size_t>(at_ - first);
  int scale = 0;
  if (take('.')) {
    const char* fraction = at_;
    for (; at_ < end_ && is_digit(*at_); ++at_)
      digits = digits * 10 + static_cast<uint64_t>(*at_ - '0');
    if (at_ == fraction) return syntax("Expecting digits after the point");
    scale = static_cast<int>(std::min<ptrdiff_t>(at_ - fraction, 1000));
    count += static_cast<size_t>(at_ - fraction);
  }
  bool exponent = peek() == 'e' || peek() == 'E';
  if (exponent) {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!is_digit(peek())) return syntax("Expecting digits in the exponent");
    while (is_digit(peek())) ++at_;
  }
  if (!exponent && count <= 19 && digits <= (uint64_t{1} << 53) && scale <= 22) {
    v = static_cast<double>(digits) / kTens[scale];
    if (negative) v = -v;
    return {};
  }
  [[maybe_unused]] auto [end, err] = std::from_chars(from, at_, v);
  if (err == std::errc::result_out_of_range)  // read as Python does: 0, or infinity
    v = std::strtod(std::string(from, static_cast<size_t>(at_ - from)).c_str(), nullptr);
  return {};
}

Error Parser::no_row() const {
  if (peek() == '{')
    return error(Code::kInvalid,
                 "instances are objects; this model takes lists of numbers, one a row");
  if (peek() == '"')
    return error(Code::kInvalid, "instances are strings; this model takes lists of numbers");
  return error(Code::kInvalid,
               "Expected 2D array, got 1D array instead: \"instances\" is a list of rows, "
               "and each row a list of numbers");
}

Error Parser::no_number() const {
  switch (peek()) {
    case '[':
      return error(Code::kInvalid, "Expected 2D array, got 3D array instead");
    case '"':
      return error(Code::kInvalid, "could not convert string to float: values must be numbers");
    case '{':
      return error(Code::kInvalid, "a value is an object: values must be numbers");
    default:
      return error(Code::kInvalid, "a value is null: values must be numbers");
  }
}

Status Parser::cell(double& v) {
  char c = peek();
  if (c == '-' || is_digit(c)) {
    if (c == '-' && end_ - at_ >= 9 && take_word("-Infinity")) {
      v = -HUGE_VAL;
      return {};
    }
    return number(v);
  }
  if (c == 't' && take_word("true")) {
    v = 1;
    return {};
  }
  if (c == 'f' && take_word("false")) {
    v = 0;
    return {};
  }
  if (c == 'N' && take_word("NaN")) {
    v = NAN;
    return {};
  }  // Python's json reads these
  if (c == 'I' && take_word("Infinity")) {
    v = HUGE_VAL;
    return {};
  }
  if (c == '[' || c == '"' || c == '{') return no_number();
  if (c == 'n' && std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with("null"))
    return no_number();
  return syntax("Expecting value");
}

Status Parser::row(size_t number) {
  size_t n = 0, start = number * out_.columns;
  space();
  if (!take(']')) {
    for (;;) {
      space();
      double v = 0;
      TRY_STATUS(cell(v));
      put(start + n++, v);
      space();
      if (take(',')) continue;
      if (take(']')) break;
      return syntax("Expecting ',' delimiter");
    }
  }
  if (number == 0) out_.columns = n;
  if (n == out_.columns) return {};
  return error(Code::kInvalid, str("instances have different lengths: row 0 has ", out_.columns,
                                   " values, row ", number, " has ", n));
}

Status Parser::matrix() {
  out_.rows = out_.columns = 0;
  if (!take('[')) {
    TRY_STATUS(skip(0));  // bad JSON is said first
    return error(Code::kInvalid, "Expected \"instances\" or \"inputs\" to be a list");
  }
  space();
  if (take(']'))
    return error(Code::kInvalid,
                 "Expected 2D array, got 1D array instead: \"instances\" is an empty list");
  for (size_t number = 0;; ++number) {
    space();
    if (!take('[')) {
      Error wrong = no_row();
      TRY_STATUS(skip(0));
      return wrong;
    }
    TRY_STATUS(row(number));
    out_.rows = number + 1;
    space();
    if (take(']')) return {};
    if (!take(',')) return syntax("Expecting ',' delimiter");
  }
}

Status Parser::run() {
  space();
  if (at_ == end_) return syntax("the body is empty");
  if (!take('{')) {
    TRY_STATUS(skip(0));
    return error(Code::kInvalid, "Expected a JSON object with \"instances\" or \"inputs\"");
  }
  bool found = false, instances = false;
  space();
  if (!take('}')) {
    for (;;) {
      std::string_view name;
      TRY_STATUS(key(name));
      bool is_instances = name == "instances";
      if (is_instances || (name == "inputs" && !instances)) {
        TRY_STATUS(matrix());
        found = true;
        instances = is_instances;
      } else {
        TRY_STATUS(skip(0));
      }
      space();
      if (take('}')) break;
      if (!take(',')) return syntax("Expecting ',' delimiter");
    }
  }
  space();
  if (at_ != end_) return syntax("Extra data");
  if (!found) return error(Code::kInvalid, "Expected \"instances\" or \"inputs\" in the request");
  return {};
}

}  // namespace

Status parse_rows(std::string_view body, Rows& out) { return Parser(body, out).run(); }

}  // namespace proa::models
