// Code points as Python's str treats them: word characters, decimals, spaces, lower case, accents.
//
// Used by the analyzer of texts. Pure; the tables are constants.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace proa::engines {

struct CodeRange {
  uint32_t first, last;
};
struct LowerRange {
  uint32_t first, last, step;
  int32_t delta;
};
std::span<const CodeRange> word_ranges();
std::span<const CodeRange> decimal_ranges();
std::span<const CodeRange> combining_ranges();
std::span<const CodeRange> cased_ranges();
std::span<const CodeRange> case_ignorable_ranges();
std::span<const LowerRange> lower_ranges();
std::string_view compatibility_table();

bool is_word(uint32_t c);     // \w
bool is_decimal(uint32_t c);  // \d
bool is_space(uint32_t c);    // \s

// The code point at `at`, which is moved behind it; bytes that are no UTF-8 are U+FFFD.
uint32_t next_code(std::string_view text, size_t& at);

// str.lower(), with the sigma at the end of words.
std::string lower_text(std::string_view text);

// strip_accents of the vectorizers. Built once a model, as the table is looked up often.
class AccentStripper {
 public:
  explicit AccentStripper(bool ascii_only);
  std::string strip(std::string_view text) const;

 private:
  struct Entry {
    uint32_t code;
    std::string_view to;
  };
  bool ascii_only_;
  std::vector<Entry> entries_;  // sorted by code
};

}  // namespace proa::engines
