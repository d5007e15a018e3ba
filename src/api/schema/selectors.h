// Label and field selectors, as text (?labelSelector=a=b,c in (d,e),!f) or as metav1.LabelSelector.
//
// Pure, thread-safe; parse once, match often.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/json/value.h"

namespace proa::api {

class LabelSelector {
 public:
  static Result<LabelSelector> parse(std::string_view text);
  static Result<LabelSelector> from(
      const json::Value& selector);               // {matchLabels, matchExpressions}
  bool matches(const json::Value& labels) const;  // metadata.labels
  bool matches_object(const json::Value& object) const {
    return matches(object["metadata"]["labels"]);
  }
  bool empty() const { return terms_.empty(); }  // matches everything
  std::string text() const;                      // as ?labelSelector=

  enum class Op { kIn, kNotIn, kExists, kAbsent, kGreater, kLess };
  struct Term {
    std::string key;
    Op op;
    std::vector<std::string> values;
  };
  const std::vector<Term>& terms() const { return terms_; }

 private:
  std::vector<Term> terms_;
};

class FieldSelector {
 public:
  static Result<FieldSelector> parse(std::string_view text);  // "a.b=c,d!=e"; == too
  // Reads the fields from the object by their dotted path. Missing reads as "".
  bool matches(const json::Value& object) const;
  bool empty() const { return terms_.empty(); }
  // The value a field must have, nullptr if free: to find an object by metadata.name.
  const std::string* required(std::string_view field) const;

  struct Term {
    std::string field, value;
    bool equal = true;
  };
  const std::vector<Term>& terms() const { return terms_; }

 private:
  std::vector<Term> terms_;
};

}  // namespace proa::api
