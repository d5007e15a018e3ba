#include "models/engines/sklearn/features/text/unicode.h"

#include <algorithm>

#include "models/engines/pickle/texts.h"

namespace proa::engines {
namespace {

bool within(std::span<const CodeRange> ranges, uint32_t c) {
  auto at = std::lower_bound(ranges.begin(), ranges.end(), c,
                             [](const CodeRange& r, uint32_t v) { return r.last < v; });
  return at != ranges.end() && at->first <= c;
}

uint32_t lower_code(uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  std::span<const LowerRange> ranges = lower_ranges();
  auto at = std::lower_bound(ranges.begin(), ranges.end(), c,
                             [](const LowerRange& r, uint32_t v) { return r.last < v; });
  if (at == ranges.end() || at->first > c || (c - at->first) % at->step != 0) return c;
  return static_cast<uint32_t>(static_cast<int32_t>(c) + at->delta);
}

// A sigma ends a word if a cased letter is before it and none follows, ignorables aside.
bool ends_word(const std::vector<uint32_t>& codes, size_t i) {
  size_t before = i;
  while (before > 0 && within(case_ignorable_ranges(), codes[before - 1])) --before;
  if (before == 0 || !within(cased_ranges(), codes[before - 1])) return false;
  size_t after = i + 1;
  while (after < codes.size() && within(case_ignorable_ranges(), codes[after])) ++after;
  return after == codes.size() || !within(cased_ranges(), codes[after]);
}

bool all_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

}  // namespace

bool is_word(uint32_t c) {
  if (c < 0x80)
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  return within(word_ranges(), c);
}

bool is_decimal(uint32_t c) {
  return c < 0x80 ? c >= '0' && c <= '9' : within(decimal_ranges(), c);
}

bool is_space(uint32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

uint32_t next_code(std::string_view text, size_t& at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  uint32_t c = byte(at++);
  if (c < 0x80) return c;
  size_t more = c >= 0xf0 && c < 0xf8   ? 3
                : c >= 0xe0 && c < 0xf0 ? 2
                : c >= 0xc2 && c < 0xe0 ? 1
                                        : 0;
  if (more == 0 || text.size() - at < more) return 0xfffd;
  c &= 0x3f >> more;
  for (size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0xfffd;
    c = c << 6 | (byte(at + i) & 0x3f);
  }
  at += more;
  return c;
}

std::string lower_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  if (all_ascii(text)) {
    for (char c : text) out += static_cast<char>(lower_code(static_cast<unsigned char>(c)));
    return out;
  }
  std::vector<uint32_t> codes;
  for (size_t at = 0; at < text.size();) codes.push_back(next_code(text, at));
  for (size_t i = 0; i < codes.size(); ++i) {
    uint32_t c = codes[i];
    if (c == 0x130)
      out += "i\xcc\x87";
    else if (c == 0x3a3)
      pickle::append_utf8(out, ends_word(codes, i) ? 0x3c2 : 0x3c3);
    else
      pickle::append_utf8(out, lower_code(c));
  }
  return out;
}

AccentStripper::AccentStripper(bool ascii_only) : ascii_only_(ascii_only) {
  std::string_view table = compatibility_table();
  for (size_t at = 0; at < table.size();) {
    uint32_t code = next_code(table, at);
    size_t end = table.find('\t', at);
    entries_.push_back({code, table.substr(at, end - at)});
    at = end + 1;
  }
}

std::string AccentStripper::strip(std::string_view text) const {
  if (all_ascii(text)) return std::string(text);
  std::string out;
  auto put = [&](uint32_t c) {
    if (c < 0x80 || !ascii_only_) pickle::append_utf8(out, c);
  };
  for (size_t at = 0; at < text.size();) {
    uint32_t c = next_code(text, at);
    if (c < 0x80) {
      put(c);
      continue;
    }
    if (c >= 0xac00 && c <= 0xd7a3) {  // a Hangul syllable is two or three letters
      uint32_t s = c - 0xac00;
      put(0x1100 + s / 588);
      put(0x1161 + s % 588 / 28);
      if (s % 28 != 0) put(0x11a7 + s % 28);
      continue;
    }
    auto found = std::lower_bound(entries_.begin(), entries_.end(), c,
                                  [](const Entry& e, uint32_t v) { return e.code < v; });
    if (found != entries_.end() && found->code == c) {
      for (size_t i = 0; i < found->to.size();) put(next_code(found->to, i));
    } else if (!within(combining_ranges(), c)) {
      put(c);
    }
  }
  return out;
}

}  // namespace proa::engines
