#include <charconv>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/boosted/documents/document.h"

namespace proa::engines::boosted {
namespace {

using Kind = Document::Kind;

class Parser {
 public:
  explicit Parser(std::string_view text) : at_(text.data()), begin_(at_), end_(at_ + text.size()) {}

  Result<Document> document() {
    Document d;
    space();
    if (!value(d, 0)) return failure();
    space();
    if (at_ != end_) {
      (void)fail("text after the document");
      return failure();
    }
    return d;
  }

 private:
  bool fail(const char* what) {
    if (what_ == nullptr) what_ = what;
    return false;
  }
  Error failure() const {
    return error(Code::kDataLoss, str("JSON, byte ", static_cast<int64_t>(at_ - begin_), ": ",
                                      what_ == nullptr ? "damaged" : what_));
  }
  void space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view w) {
    if (static_cast<size_t>(end_ - at_) < w.size() || std::string_view(at_, w.size()) != w)
      return false;
    at_ += w.size();
    return true;
  }

  bool value(Document& out, int depth) {
    if (depth > 32) return fail("nested too deep");
    if (at_ == end_) return fail("the file ends early");
    if (*at_ == '{') return object(out, depth);
    if (*at_ == '[') return array(out, depth);
    if (*at_ == '"') {
      out.kind = Kind::kText;
      return string(out.text);
    }
    if (word("null")) return true;
    return scalar(out);
  }

  bool scalar(Document& out) {
    constexpr double inf = std::numeric_limits<double>::infinity();
    out.kind = Kind::kNumber;
    if (word("true")) return out.kind = Kind::kBool, out.number = 1, true;
    if (word("false")) return out.kind = Kind::kBool, out.number = 0, true;
    bool negative = take('-');
    if (word("NaN") || word("nan")) {
      out.number = std::numeric_limits<double>::quiet_NaN();
    } else if (word("Infinity") || word("inf")) {
      out.number = negative ? -inf : inf;
    } else {
      auto [next, bad] = std::from_chars(at_, end_, out.number);
      if (bad == std::errc::result_out_of_range) {
        out.number = 0;  // below the smallest double; what is too large is refused
        std::string_view digits(at_, static_cast<size_t>(next - at_));
        if (digits.find("e-") == digits.npos && digits.find("E-") == digits.npos)
          return fail("a number is too large");
      } else if (bad != std::errc() || *at_ == '-') {
        return fail("unexpected character");
      }
      at_ = next;
      if (negative) out.number = -out.number;
    }
    return true;
  }

  bool object(Document& out, int depth) {
    ++at_;
    out.kind = Kind::kObject;
    space();
    if (take('}')) return true;
    for (;;) {
      space();
      if (at_ == end_ || *at_ != '"') return fail("expected a key");
      if (out.members.size() >= 100'000) return fail("too many keys");
      auto& member = out.members.emplace_back();
      if (!string(member.first)) return false;
      space();
      if (!take(':')) return fail("expected ':'");
      space();
      if (!value(member.second, depth + 1)) return false;
      space();
      if (take('}')) return true;
      if (!take(',')) return fail("expected ',' or '}'");
    }
  }

  bool array(Document& out, int depth) {
    ++at_;
    out.kind = Kind::kNumbers;
    space();
    if (take(']')) return true;
    for (;;) {
      space();
      Document item;
      if (!value(item, depth + 1)) return false;
      if (!push(out, std::move(item))) return false;
      space();
      if (take(']')) return true;
      if (!take(',')) return fail("expected ',' or ']'");
    }
  }

  bool push(Document& out, Document item) {
    bool number = item.kind == Kind::kNumber || item.kind == Kind::kBool;
    if (out.kind == Kind::kNumbers && number) {
      out.numbers.push_back(item.number);
      return true;
    }
    if (out.kind == Kind::kNumbers) {  // the first that is no number
      if (out.numbers.size() > 100'000) return fail("a mixed array is too long");
      out.kind = Kind::kArray;
      for (double n : out.numbers) {
        out.items.emplace_back();
        out.items.back().kind = Kind::kNumber;
        out.items.back().number = n;
      }
      out.numbers = {};
    }
    if (out.items.size() >= 10'000'000) return fail("an array is too long");
    out.items.push_back(std::move(item));
    return true;
  }

  bool string(std::string& out) {
    ++at_;
    while (at_ != end_) {
      char c = *at_++;
      if (c == '"') return true;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ == end_) break;
      c = *at_++;
      if (c == 'u') {
        if (!unicode(out)) return false;
        continue;
      }
      constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
      size_t i = from.find(c);
      if (i == from.npos) return fail("bad escape");
      out += to[i];
    }
    return fail("a text does not end");
  }

  bool hex4(uint32_t& out) {
    if (end_ - at_ < 4) return fail("bad escape");
    auto [next, bad] = std::from_chars(at_, at_ + 4, out, 16);
    if (bad != std::errc() || next != at_ + 4) return fail("bad escape");
    at_ = next;
    return true;
  }

  bool unicode(std::string& out) {
    uint32_t c = 0, low = 0;
    if (!hex4(c)) return false;
    if (c >= 0xD800 && c < 0xDC00) {
      if (!word("\\u") || !hex4(low) || low < 0xDC00 || low > 0xDFFF) return fail("bad escape");
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    auto put = [&](uint32_t b) { out += static_cast<char>(b); };
    if (c < 0x80) return put(c), true;
    if (c < 0x800) return put(0xC0 | c >> 6), put(0x80 | (c & 63)), true;
    if (c < 0x10000)
      return put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63)), true;
    return put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)),
           put(0x80 | (c & 63)), true;
  }

  const char *at_, *begin_, *end_;
  const char* what_ = nullptr;
};

}  // namespace

Result<Document> parse_json_document(std::string_view text) { return Parser(text).document(); }

}  // namespace proa::engines::boosted
