// UBJSON draft 12 (https://ubjson.org): a marker, then big-endian data; arrays may have one type
// and a count in front.
#include <bit>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/engines/boosted/documents/document.h"

namespace proa::engines::boosted {
namespace {

using Kind = Document::Kind;

size_t width_of(char marker) {
  switch (marker) {
    case 'i':
    case 'U':
    case 'C':
      return 1;
    case 'I':
      return 2;
    case 'l':
    case 'd':
      return 4;
    case 'L':
    case 'D':
      return 8;
    default:
      return 0;
  }
}

bool is_number(char marker) { return marker != 'C' && width_of(marker) != 0; }

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  Result<Document> document() {
    Document d;
    char m = 0;
    if (!marker(m) || !value(m, d, 0))
      return error(Code::kDataLoss, str("UBJSON, byte ", at_, ": ", what_));
    return d;
  }

 private:
  bool fail(const char* what) {
    what_ = what;
    return false;
  }
  size_t left() const { return bytes_.size() - at_; }
  char peek() const { return at_ < bytes_.size() ? bytes_[at_] : '\0'; }
  bool marker(char& m) {
    do {
      if (left() == 0) return fail("the file ends early");
      m = bytes_[at_++];
    } while (m == 'N');
    return true;
  }

  // At least `width` bytes are left.
  double number(char m, size_t width) {
    uint64_t bits = 0;
    for (size_t i = 0; i < width; ++i)
      bits = bits << 8 | static_cast<unsigned char>(bytes_[at_ + i]);
    at_ += width;
    switch (m) {
      case 'i':
        return static_cast<int8_t>(bits);
      case 'I':
        return static_cast<int16_t>(bits);
      case 'l':
        return static_cast<int32_t>(bits);
      case 'L':
        return static_cast<double>(static_cast<int64_t>(bits));
      case 'd':
        return std::bit_cast<float>(static_cast<uint32_t>(bits));
      case 'D':
        return std::bit_cast<double>(bits);
      default:
        return static_cast<double>(bits);
    }
  }

  bool length(size_t& out) {
    char m = 0;
    if (!marker(m)) return false;
    size_t width = width_of(m);
    if (width == 0 || m == 'd' || m == 'D' || m == 'C') return fail("bad length");
    if (left() < width) return fail("the file ends early");
    double n = number(m, width);
    if (n < 0 || n > static_cast<double>(bytes_.size())) return fail("a length is past the end");
    out = static_cast<size_t>(n);
    return true;
  }

  bool string(std::string& out) {
    size_t n = 0;
    if (!length(n)) return false;
    if (left() < n) return fail("a text is past the end");
    out = bytes_.substr(at_, n);
    at_ += n;
    return true;
  }

  bool value(char m, Document& out, int depth) {
    if (depth > 32) return fail("nested too deep");
    switch (m) {
      case '{':
        return object(out, depth);
      case '[':
        return array(out, depth);
      case 'S':
        out.kind = Kind::kText;
        return string(out.text);
      case 'Z':
        return true;
      case 'T':
      case 'F':
        out.kind = Kind::kBool;
        out.number = m == 'T' ? 1 : 0;
        return true;
      default:
        break;
    }
    if (!is_number(m)) return fail("unknown marker");
    if (left() < width_of(m)) return fail("the file ends early");
    out.kind = Kind::kNumber;
    out.number = number(m, width_of(m));
    return true;
  }

  // "$type#count" or "#count" in front of the items; type 0: none, counted false: until the end.
  bool header(char& type, bool& counted, size_t& count) {
    if (peek() == '$') {
      ++at_;
      if (!marker(type)) return false;
      if (peek() != '#') return fail("a type without a count");
    }
    if (peek() != '#') return true;
    ++at_;
    counted = true;
    return length(count);
  }

  bool object(Document& out, int depth) {
    out.kind = Kind::kObject;
    char type = 0;
    bool counted = false;
    size_t count = 0;
    if (!header(type, counted, count)) return false;
    for (size_t i = 0; !counted || i < count; ++i) {
      while (peek() == 'N') ++at_;
      if (!counted && peek() == '}') return ++at_, true;
      if (out.members.size() >= 100'000) return fail("too many keys");
      auto& member = out.members.emplace_back();
      if (!string(member.first)) return false;
      char m = type;
      if (type == 0 && !marker(m)) return false;
      if (!value(m, member.second, depth + 1)) return false;
    }
    return true;
  }

  bool array(Document& out, int depth) {
    out.kind = Kind::kNumbers;
    char type = 0;
    bool counted = false;
    size_t count = 0;
    if (!header(type, counted, count)) return false;
    if (is_number(type)) {
      size_t width = width_of(type);
      if (left() / width < count) return fail("an array is past the end");
      out.numbers.reserve(count);
      for (size_t i = 0; i < count; ++i) out.numbers.push_back(number(type, width));
      return true;
    }
    for (size_t i = 0; !counted || i < count; ++i) {
      if (!counted && peek() == ']') return ++at_, true;
      char m = type;
      if (type == 0 && !marker(m)) return false;
      if (type == 0 && m == ']' && !counted) return true;
      Document item;
      if (++loose_ > bytes_.size() + 1000) return fail("too many items");
      if (!value(m, item, depth + 1)) return false;
      push(out, std::move(item));
    }
    return true;
  }

  static void push(Document& out, Document item) {
    bool number = item.kind == Kind::kNumber || item.kind == Kind::kBool;
    if (out.kind == Kind::kNumbers && number) return out.numbers.push_back(item.number);
    if (out.kind == Kind::kNumbers) {
      out.kind = Kind::kArray;
      for (double n : out.numbers) {
        out.items.emplace_back();
        out.items.back().kind = Kind::kNumber;
        out.items.back().number = n;
      }
      out.numbers = {};
    }
    out.items.push_back(std::move(item));
  }

  std::string_view bytes_;
  size_t at_ = 0, loose_ = 0;
  const char* what_ = "damaged";
};

}  // namespace

Result<Document> parse_ubjson(std::string_view bytes) { return Reader(bytes).document(); }

}  // namespace proa::engines::boosted
