// From a text to its terms, as build_analyzer() of the vectorizers: lower case, accents, tokens or
// characters, stop words, n-grams.
//
// Used by the vectorizers. Immutable once made; terms are valid during the call.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/features/text/pattern.h"
#include "models/engines/sklearn/features/text/unicode.h"

namespace proa::engines {

// Takes the terms of a text one after the other.
class TermSink {
 public:
  virtual ~TermSink() = default;
  virtual void take(std::string_view term) = 0;
};

class Analyzer {
 public:
  static Result<Analyzer> of(const Attributes& a);
  // kInvalid where the text would make too many terms.
  Status analyze(std::string_view text, TermSink& sink) const;

 private:
  enum class Unit : uint8_t { kWord, kChar, kCharInWords };
  Status words(std::string_view text, TermSink& sink) const;
  Status tokens(std::string_view text, std::vector<std::string_view>& out) const;
  Status characters(std::string_view text, TermSink& sink) const;
  void char_grams(std::string_view text, TermSink& sink) const;
  void char_grams_in_words(std::string_view text, TermSink& sink) const;

  Unit unit_ = Unit::kWord;
  size_t low_ = 1, high_ = 1;  // ngram_range
  bool lowercase_ = true;
  std::shared_ptr<const AccentStripper> accents_;
  std::optional<Pattern> pattern_;  // nothing: the default one
  std::unordered_set<std::string> stop_words_;
};

// 'english' of scikit-learn, blank-separated.
std::string_view english_stop_words();

}  // namespace proa::engines
