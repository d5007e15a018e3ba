// A small reader of XML documents: elements, attributes and texts. No DTD, no entities but the five
// of the standard and characters by number, so that nothing is fetched and nothing grows; bounds on
// depth and number. Names lose their namespace's prefix.
//
// Used by the PMML engine. Pure; a parsed tree never changes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::pmml {

struct Element {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<std::unique_ptr<Element>> children;
  std::string text;  // of the element itself, without its children's
  int line = 0;

  const std::string* find(std::string_view attribute) const;
  std::string_view get(std::string_view attribute, std::string_view other = {}) const;
  const Element* child(std::string_view child_name) const;  // the first; null if none
  std::vector<const Element*> all(std::string_view child_name) const;
  bool is(std::string_view a_name) const { return name == a_name; }

  // kInvalid, naming element and line, where it is missing or no number.
  Result<double> number(std::string_view attribute) const;
  Result<double> number(std::string_view attribute, double other) const;
  Result<std::string_view> required(std::string_view attribute) const;
  Result<const Element*> required_child(std::string_view child_name) const;
  Error wrong(std::string_view what) const;  // "TreeModel (line 12): what"
};

Result<std::unique_ptr<Element>> parse_xml(std::string_view text);

// Blank-separated words, '"' around those with blanks: the content of an Array.
std::vector<std::string> array_words(std::string_view text);

}  // namespace proa::pmml
