// TransformedTargetRegressor: a regressor whose answers go the way back of a transformer.
#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"

namespace proa::engines::meta {
namespace {

class TransformedTarget : public Estimator {
 public:
  Part regressor, transformer;
  bool flat = true;  // it was fitted with a vector

  bool has(Method method) const override { return method == Method::kPredict; }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    size_t columns = 0;
    TRY(const double* raw, ask(*regressor, Method::kPredict, in, work, columns));
    Table table, back;
    table.rows = in.rows, table.columns = columns, table.dense = raw;
    TRY_STATUS(transformer->inverse_transform(table, work, back));
    if (back.rows != in.rows || back.form != Table::Form::kDense)
      return error(Code::kInvalid, str(name, ": the way back of its transformer made no rows"));
    if (flat && back.columns == 1)
      out.first = inference::vector_of({back.dense, in.rows});
    else
      out.first = inference::matrix_of(back.dense, in.rows, back.columns);
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<Estimator>> make_transformed_target(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<TransformedTarget>();
  TRY(out->regressor, make_part(a, {"regressor_"}, maker, Method::kPredict));
  TRY(out->transformer, make_part(a, {"transformer_"}, maker));
  if (!out->transformer->has_inverse())
    return a.unsupported(str("the way back (inverse_transform) of ", out->transformer->name));
  TRY(int64_t rank, a.integer({"_training_dim"}));
  out->flat = rank == 1;
  out->features = out->regressor->features;
  out->feature_names = out->regressor->feature_names;
  return out;
}

}  // namespace proa::engines::meta
