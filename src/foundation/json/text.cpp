// RFC 8259 text to Value and back: a recursive descent parser with bounds on bytes and depth.
#include <charconv>
#include <cmath>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::json {

namespace {

class Parser {
 public:
  Parser(std::string_view text, Limits limits) : text_(text), limits_(limits) {}

  Result<Value> document() {
    if (text_.size() > limits_.bytes)
      return error(Code::kTooLarge,
                   str("JSON of ", text_.size(), " bytes: at most ", limits_.bytes, " are taken"));
    Value v;
    if (!value(v, 0)) return failure();
    space();
    if (at_ != text_.size()) {
      fail("unexpected text after the document");
      return failure();
    }
    return v;
  }

 private:
  bool fail(const char* what) {
    if (!what_) what_ = what;
    return false;
  }

  Error failure() const {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at_ && i < text_.size(); ++i) {
      if (text_[i] == '\n')
        ++line, column = 1;
      else
        ++column;
    }
    return error(Code::kInvalid, str("line ", line, ", column ", column, ": ", what_));
  }

  void space() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
      ++at_;
    }
  }

  bool literal(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return fail("unexpected character");
    at_ += word.size();
    return true;
  }

  bool value(Value& out, int depth) {
    if (depth > limits_.depth) return fail("nested too deep");
    space();
    if (at_ >= text_.size()) return fail("unexpected end");
    switch (text_[at_]) {
      case '{':
        return members(out.make_object(), depth);
      case '[':
        return items(out.make_array(), depth);
      case '"': {
        std::string s;
        if (!string(s)) return false;
        out = Value(std::move(s));
        return true;
      }
      case 't':
        out = Value(true);
        return literal("true");
      case 'f':
        out = Value(false);
        return literal("false");
      case 'n':
        out = Value();
        return literal("null");
      default:
        return number(out);
    }
  }

  bool members(Object& out, int depth) {
    ++at_;
    space();
    if (peek() == '}') return ++at_, true;
    for (;;) {
      space();
      if (peek() != '"') return fail("expected a key in double quotes");
      std::string key;
      if (!string(key)) return false;
      space();
      if (peek() != ':') return fail("expected ':'");
      ++at_;
      Value v;
      if (!value(v, depth + 1)) return false;
      out[key] = std::move(v);
      space();
      char c = peek();
      if (c != ',' && c != '}') return fail("expected ',' or '}'");
      ++at_;
      if (c == '}') return true;
    }
  }

  bool items(Array& out, int depth) {
    ++at_;
    space();
    if (peek() == ']') return ++at_, true;
    for (;;) {
      out.emplace_back();
      if (!value(out.back(), depth + 1)) return false;
      space();
      char c = peek();
      if (c != ',' && c != ']') return fail("expected ',' or ']'");
      ++at_;
      if (c == ']') return true;
    }
  }

  bool number(Value& out) {
    size_t start = at_, i = at_;
    auto digit = [&](size_t k) { return k < text_.size() && text_[k] >= '0' && text_[k] <= '9'; };
    if (i < text_.size() && text_[i] == '-') ++i;
    if (!digit(i)) return fail("unexpected character");
    if (text_[i] == '0' && digit(i + 1)) return fail("a number must not start with 0");
    while (digit(i)) ++i;
    bool whole = true;
    if (i < text_.size() && text_[i] == '.') {
      whole = false;
      if (!digit(++i)) return fail("expected a digit after '.'");
      while (digit(i)) ++i;
    }
    if (i < text_.size() && (text_[i] == 'e' || text_[i] == 'E')) {
      whole = false;
      ++i;
      if (i < text_.size() && (text_[i] == '+' || text_[i] == '-')) ++i;
      if (!digit(i)) return fail("expected a digit in the exponent");
      while (digit(i)) ++i;
    }
    const char *from = text_.data() + start, *to = text_.data() + i;
    int64_t integer = 0;
    if (whole && std::from_chars(from, to, integer).ec == std::errc()) {
      out = Value(integer);
    } else {
      double d = 0;
      if (std::from_chars(from, to, d).ec != std::errc()) return fail("number out of range");
      out = Value(d);
    }
    at_ = i;
    return true;
  }

  int hex4() {
    int v = 0;
    if (at_ + 4 > text_.size()) return -1;
    auto r = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, v, 16);
    if (r.ec != std::errc() || r.ptr != text_.data() + at_ + 4) return -1;
    at_ += 4;
    return v;
  }

  static void utf8(uint32_t c, std::string& out) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xC0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 63));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xE0 | c >> 12);
      out += static_cast<char>(0x80 | (c >> 6 & 63));
      out += static_cast<char>(0x80 | (c & 63));
    } else {
      out += static_cast<char>(0xF0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 63));
      out += static_cast<char>(0x80 | (c >> 6 & 63));
      out += static_cast<char>(0x80 | (c & 63));
    }
  }

  // After "\u": one code point, a surrogate pair counted as one; a lone surrogate is U+FFFD.
  bool unicode(std::string& out) {
    int high = hex4();
    if (high < 0) return fail("expected four hexadecimal digits after \\u");
    uint32_t c = static_cast<uint32_t>(high);
    if (c >= 0xD800 && c < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      size_t mark = at_;
      at_ += 2;
      int low = hex4();
      if (low < 0) return fail("expected four hexadecimal digits after \\u");
      if (low >= 0xDC00 && low < 0xE000)
        c = 0x10000 + ((c - 0xD800) << 10) + (static_cast<uint32_t>(low) - 0xDC00);
      else
        at_ = mark;
    }
    if (c >= 0xD800 && c < 0xE000) c = 0xFFFD;
    utf8(c, out);
    return true;
  }

  bool string(std::string& out) {
    size_t start = ++at_;
    for (;;) {
      if (at_ >= text_.size()) return fail("string not closed");
      unsigned char c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') break;
      if (c < 0x20) return fail("control character in a string");
      if (c != '\\') {
        ++at_;
        continue;
      }
      out += text_.substr(start, at_ - start);
      if (++at_ >= text_.size()) return fail("string not closed");
      switch (text_[at_++]) {
        case '"':
          out += '"';
          break;
        case '\\':
          out += '\\';
          break;
        case '/':
          out += '/';
          break;
        case 'b':
          out += '\b';
          break;
        case 'f':
          out += '\f';
          break;
        case 'n':
          out += '\n';
          break;
        case 'r':
          out += '\r';
          break;
        case 't':
          out += '\t';
          break;
        case 'u':
          if (!unicode(out)) return false;
          break;
        default:
          return fail("unknown escape in a string");
      }
      start = at_;
    }
    out += text_.substr(start, at_ - start);
    ++at_;
    return is_utf8(out) || fail("string is not UTF-8");
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string_view text_;
  Limits limits_;
  size_t at_ = 0;
  const char* what_ = nullptr;
};

void write(const Value& v, std::string& out, int indent, int level) {
  auto line = [&](int depth) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<size_t>(indent * depth), ' ');
  };
  if (v.is_object()) {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : v.object()) {
      if (!first) out += ',';
      first = false;
      line(level + 1);
      dump_string(key, out);
      out += indent < 0 ? ":" : ": ";
      write(member, out, indent, level + 1);
    }
    if (!first) line(level);
    out += '}';
  } else if (v.is_array()) {
    out += '[';
    bool first = true;
    for (const Value& item : v.array()) {
      if (!first) out += ',';
      first = false;
      line(level + 1);
      write(item, out, indent, level + 1);
    }
    if (!first) line(level);
    out += ']';
  } else if (v.is_string()) {
    dump_string(v.str(), out);
  } else if (v.is_int()) {
    append_number(out, v.integer());
  } else if (v.is_double()) {
    double d = v.number();
    if (!std::isfinite(d)) {
      out += "null";
      return;
    }
    size_t before = out.size();
    append_number(out, d);
    if (out.find_first_of(".e", before) == std::string::npos) out += ".0";
  } else if (v.is_bool()) {
    out += v.boolean() ? "true" : "false";
  } else {
    out += "null";
  }
}

}  // namespace

Result<Value> parse(std::string_view text, Limits limits) {
  return Parser(text, limits).document();
}

void dump_string(std::string_view s, std::string& out) {
  static const char kDigits[] = "0123456789abcdef";
  out += '"';
  size_t start = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(s[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out += s.substr(start, i - start);
    start = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kDigits[c >> 4];
        out += kDigits[c & 15];
    }
  }
  out += s.substr(start);
  out += '"';
}

void dump(const Value& v, std::string& out) { write(v, out, -1, 0); }

std::string dump(const Value& v) {
  std::string out;
  write(v, out, -1, 0);
  return out;
}

std::string pretty(const Value& v) {
  std::string out;
  write(v, out, 2, 0);
  return out;
}

}  // namespace proa::json
