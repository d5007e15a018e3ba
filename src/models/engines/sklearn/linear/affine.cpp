#include "models/engines/sklearn/linear/affine.h"

#include "foundation/base/strings.h"

namespace proa::engines {

Scores Affine::apply(const Rows& rows, Workspace& work) const {
  Scores s = take_scores(rows.count, targets(), work);
  coef.times(rows, s.values);
  if (s.width == 1) {
    for (size_t r = 0; r < s.rows; ++r) s.values[r] += intercept[0];
    return s;
  }
  for (size_t r = 0; r < s.rows; ++r)
    for (size_t k = 0; k < s.width; ++k) s.row(r)[k] += intercept[k];
  return s;
}

Result<Scores> Affine::apply(const Table& in, const Estimator& e, Workspace& work) const {
  TRY(Rows rows, rows_of(in, e, columns(), work));
  return apply(rows, work);
}

bool has_one_axis(const Attributes& a, std::string_view name) {
  const pickle::Node* node = a.find(name);
  if (!node) return false;
  if (node->array) return node->array->shape.size() <= 1;
  return node->kind == pickle::Kind::kList || node->kind == pickle::Kind::kTuple;
}

Result<Affine> read_affine(const Attributes& a) {
  Affine out;
  out.flat = has_one_axis(a, "coef_");
  Matrix coef;
  if (out.flat) {
    TRY(coef.values, a.vector({"coef_"}));
    coef.rows = 1;
    coef.columns = coef.values.size();
  } else {
    TRY(coef, a.matrix({"coef_"}));
  }
  if (coef.rows == 0 || coef.columns == 0)
    return a.wrong(str("coef_ has shape (", coef.rows, ", ", coef.columns, ")"));
  if (a.has("intercept_")) {
    TRY(out.intercept, a.vector({"intercept_"}));
  } else {
    out.intercept = {0.0};
  }
  if (out.intercept.size() == 1) out.intercept.assign(coef.rows, out.intercept[0]);
  if (out.intercept.size() != coef.rows)
    return a.wrong(
        str("intercept_ has ", out.intercept.size(), " numbers, coef_ ", coef.rows, " rows"));
  TRY_STATUS(check_features(a, coef.columns));
  out.coef = Packed(coef);
  return out;
}

}  // namespace proa::engines
