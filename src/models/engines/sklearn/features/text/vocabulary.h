// The columns of known terms: vocabulary_ of the vectorizers. Private to this folder; immutable.
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>

#include "models/engines/sklearn/attributes.h"

namespace proa::engines {

class Vocabulary {
 public:
  static constexpr uint32_t kUnknown = UINT32_MAX;
  // A dict of terms and columns, each column from 0 on once; or a list of terms in order.
  static Result<Vocabulary> of(const Attributes& a, std::string_view name);
  size_t size() const { return columns_.size(); }
  uint32_t find(std::string_view term) const {
    auto at = columns_.find(term);
    return at == columns_.end() ? kUnknown : at->second;
  }

 private:
  std::unique_ptr<char[]> letters_;  // of all terms, one after the other
  std::unordered_map<std::string_view, uint32_t> columns_;
};

}  // namespace proa::engines
