// Predicates of trees, segments, scorecards: true, false or unknown (a missing value).
// Used by PMML's models. Immutable; thread-safe.
#pragma once

#include <memory>

#include "models/engines/pmml/core/row.h"

namespace proa::pmml {

enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

class Predicate {
 public:
  virtual ~Predicate() = default;
  virtual Truth test(Row& row) const = 0;
};

// The predicate among the children of `parent`: SimplePredicate, SimpleSetPredicate,
// CompoundPredicate, True or False.
Result<std::unique_ptr<Predicate>> predicate_in(const Element& parent, const Scope& scope);

}  // namespace proa::pmml
