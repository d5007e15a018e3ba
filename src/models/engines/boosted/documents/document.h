// A model file's JSON or UBJSON as a tree of values whose arrays of numbers are plain vectors.
//
// Used by the readers of XGBoost and CatBoost, whose files are large and mostly numbers: a document
// needs about as many bytes as the file. Hostile text is refused with kDataLoss; depth, bytes and
// counts are bounded. Values are owned by the root.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"

namespace proa::engines::boosted {

class Document {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kText, kNumbers, kArray, kObject };
  struct Member;

  Kind kind = Kind::kNull;
  double number = 0;  // kNumber, kBool (0 or 1)
  std::string text;   // kText
  std::vector<double>
      numbers;  // kNumbers: an array of numbers and booleans only; also an empty one
  std::vector<Document> items;  // kArray
  std::vector<Member> members;  // kObject, in the file's order

  // Reading never creates: what is not there reads as null.
  const Document& operator[](std::string_view key) const;
  bool has(std::string_view key) const { return (*this)[key].kind != Kind::kNull; }
  bool is_object() const { return kind == Kind::kObject; }
  size_t size() const { return kind == Kind::kNumbers ? numbers.size() : items.size(); }
  // kNumber, or kText that is a number ("num_class": "3"); else `otherwise`.
  double as_number(double otherwise) const;
  // The texts of an array of texts; empty for anything else.
  std::vector<std::string> texts() const;
};

struct Document::Member {
  std::string first;
  Document second;
};

// NaN, Infinity, -Infinity, nan, inf and -inf are taken as numbers, as Python and C++ write them.
Result<Document> parse_json_document(std::string_view text);
Result<Document> parse_ubjson(std::string_view bytes);

}  // namespace proa::engines::boosted
