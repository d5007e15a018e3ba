// token_pattern: a small regular expression over code points, with Python's meaning.
//
// Used by the analyzer. Known are literals, ., classes, \w \W \d \D \s \S \b \B, ^ $, groups
// (captured and not), |, * + ? {m,n} and their lazy forms, and the flag (?u). What is not known is
// refused by name when the model is loaded. Immutable; a search is bounded in steps.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"

namespace proa::engines {

class Pattern {
 public:
  static Result<Pattern> compile(std::string_view source);
  // re.findall: the ranges of the whole match, or of the group if there is one; in code points.
  // kInvalid if the pattern takes too many steps on this text.
  Status find_all(std::span<const uint32_t> text,
                  std::vector<std::pair<size_t, size_t>>& found) const;

 private:
  friend class PatternCompiler;
  enum class Op : uint8_t {
    kCode,
    kAny,
    kClass,
    kSplit,
    kJump,
    kSave,
    kEdge,
    kNoEdge,
    kBegin,
    kEnd
  };
  struct Step {
    Op op;
    uint32_t a = 0, b = 0;  // code; class; where to go first and then; slot
  };
  // Ranges, and the letters of the escapes in it ("wWdDsS").
  struct Class {
    bool negated = false;
    std::vector<std::pair<uint32_t, uint32_t>> ranges;
    std::string escapes;
    bool has(uint32_t c) const;
  };
  struct Match {
    size_t begin, end, group_begin, group_end;
  };
  Result<bool> match(std::span<const uint32_t> text, size_t at, size_t& budget, Match& out) const;
  std::vector<Step> steps_;
  std::vector<Class> classes_;
  size_t groups_ = 0;
};

}  // namespace proa::engines
