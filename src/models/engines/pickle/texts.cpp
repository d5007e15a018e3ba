#include "models/engines/pickle/texts.h"

#include <cstdint>

#include "foundation/base/strings.h"

namespace proa::pickle {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error bad(std::string_view what) { return error(Code::kDataLoss, str("damaged: ", what)); }

// `digits` hexadecimal digits of `text` from `at`.
Result<uint32_t> hex_at(std::string_view text, size_t at, size_t digits) {
  if (at + digits > text.size()) return bad("an escape in a text is cut off");
  uint32_t v = 0;
  for (size_t i = 0; i < digits; ++i) {
    int d = digit(text[at + i]);
    if (d < 0) return bad("an escape in a text is no hexadecimal number");
    v = v << 4 | static_cast<uint32_t>(d);
  }
  return v;
}

char simple_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return c;
    default:
      return 0;
  }
}

}  // namespace

void append_utf8(std::string& out, uint32_t c) {
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

Result<std::string> unquote(std::string_view line) {
  line = trim(line);
  if (line.size() < 2 || line.front() != line.back() || (line[0] != '\'' && line[0] != '"'))
    return bad("a string has no quotes");
  std::string_view in = line.substr(1, line.size() - 2);
  std::string out;
  out.reserve(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] != '\\') {
      out += in[i];
      continue;
    }
    if (++i == in.size()) return bad("a string ends in a backslash");
    if (char c = simple_escape(in[i])) {
      out += c;
    } else if (in[i] == 'x') {
      TRY(uint32_t v, hex_at(in, i + 1, 2));
      out += static_cast<char>(v);
      i += 2;
    } else if (in[i] >= '0' && in[i] <= '7') {
      unsigned v = 0;
      size_t end = std::min(in.size(), i + 3);
      for (; i < end && in[i] >= '0' && in[i] <= '7'; ++i)
        v = v * 8 + static_cast<unsigned>(in[i] - '0');
      --i;
      out += static_cast<char>(v);
    } else {
      out += '\\';
      out += in[i];
    }
  }
  return out;
}

Result<std::string> raw_unicode_escape(std::string_view in) {
  std::string out;
  out.reserve(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    bool escape = in[i] == '\\' && i + 1 < in.size() && (in[i + 1] == 'u' || in[i + 1] == 'U');
    if (!escape) {
      append_utf8(out, static_cast<unsigned char>(in[i]));  // the rest is Latin-1
      continue;
    }
    size_t digits = in[i + 1] == 'u' ? 4 : 8;
    TRY(uint32_t c, hex_at(in, i + 2, digits));
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
      return bad("a text holds no Unicode character");
    append_utf8(out, c);
    i += 1 + digits;
  }
  return out;
}

Result<std::string> to_latin1(std::string_view in) {
  std::string out;
  out.reserve(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    auto c = static_cast<unsigned char>(in[i]);
    if (c < 0x80) {
      out += in[i];
    } else if ((c == 0xC2 || c == 0xC3) && i + 1 < in.size() && (in[i + 1] & 0xC0) == 0x80) {
      out += static_cast<char>((c & 3) << 6 | (in[++i] & 63));
    } else {
      return bad("bytes written as text hold a character above 255");
    }
  }
  return out;
}

}  // namespace proa::pickle
