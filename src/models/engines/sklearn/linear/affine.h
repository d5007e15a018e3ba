// coef_ and intercept_ of a linear model: rows · coef' + intercept.
//
// Used by all makers of linear models. Immutable once read.
#pragma once

#include <vector>

#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/packed.h"

namespace proa::engines {

struct Affine {
  Packed coef;                    // one row a target
  std::vector<double> intercept;  // as many
  bool flat = false;              // coef_ has one axis: one target, answers of shape (rows,)

  size_t targets() const { return coef.rows(); }
  size_t columns() const { return coef.columns(); }
  Result<Scores> apply(const Table& in, const Estimator& e, Workspace& work) const;
  Scores apply(const Rows& rows, Workspace& work) const;
};

// Checks the parts against each other and n_features_in_. coef_ may be sparse.
Result<Affine> read_affine(const Attributes& a);
// One dimension or two? Sparse matrices and lists have two and one.
bool has_one_axis(const Attributes& a, std::string_view name);

}  // namespace proa::engines
