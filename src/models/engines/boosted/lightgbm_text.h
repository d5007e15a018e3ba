// Lines of "key=value" and lists of numbers, as LightGBM's text models have them. Private to the
// reader of these files. Views into the text; pure.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"

namespace proa::engines {

// Takes lines off the front of a text; \r\n counts as \n.
class LightgbmLines {
 public:
  explicit LightgbmLines(std::string_view text) : rest_(text) {}
  std::optional<std::string_view> next();
  size_t number() const { return number_; }  // of the line that next() gave last

 private:
  std::string_view rest_;
  size_t number_ = 0;
};

// The lines of one section. Of a key that is there twice the last counts.
class LightgbmSection {
 public:
  Status add(std::string_view line);  // bounded
  bool has(std::string_view key) const;
  std::string_view get(std::string_view key) const;  // "" if absent
  // Whole numbers from 0 to `most`; kDataLoss names the key.
  Result<size_t> count(std::string_view key, size_t most) const;
  Result<std::vector<double>> numbers(std::string_view key, size_t expected) const;
  Result<std::vector<int32_t>> integers(std::string_view key, size_t expected) const;
  Result<std::vector<uint32_t>> unsigned_integers(std::string_view key, size_t expected) const;

 private:
  std::vector<std::pair<std::string_view, std::string_view>> lines_;
};

// The next word of a blank-separated list, taken off its front; "" at the end.
std::string_view next_word(std::string_view& text);

}  // namespace proa::engines
