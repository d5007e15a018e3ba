// Expressions of derived fields: constants, references, normalisation, discretisation, look-ups in
// tables, and functions. Used by PMML's models. Immutable; thread-safe.
#pragma once

#include <memory>

#include "models/engines/pmml/core/row.h"

namespace proa::pmml {

// The expression among the children of `parent`. kUnimplemented for one that is not covered.
Result<std::unique_ptr<Expression>> expression_in(const Element& parent, const Scope& scope);
bool is_expression(const Element& e);

// NormContinuous, both ways; made of the element.
class Curve {
 public:
  static Result<Curve> make(const Element& norm_continuous);
  Value map(double x) const;
  double inverse(double y) const;

 private:
  std::vector<double> from_, to_;
  uint8_t outliers_ = 0;  // as is, as missing, as extreme
  bool has_missing_ = false;
  double missing_ = 0;

 public:
  Value of_missing() const { return has_missing_ ? Value::of(missing_) : Value{}; }
};

// DerivedFields below `parent` (a TransformationDictionary, LocalTransformations, …), known in
// `scope` from then on; those with a function of the dictionary too.
Status add_derived_fields(const Element& parent, Scope& scope);

}  // namespace proa::pmml
