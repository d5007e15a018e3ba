// What the transformers of all folders share: the base class, checked numeric input that may stay
// sparse, sparse output.
//
// Used by preprocessing and features. Thread-safe as Estimator is. Output lies in the Workspace.
#pragma once

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/estimator.h"

namespace proa::engines {

class Transformer : public Estimator {
 public:
  bool has(Method m) const override { return m == Method::kTransform; }
  inference::TensorInfo output_info(Method) const override;
  size_t width = 0;  // columns that transform() makes; 0: not known
};

// Like dense_input(), but what is sparse stays sparse: `out` is kDense or kSparse. Names are kept.
Status numeric_input(const Table& in, const Estimator& e, Workspace& work, Table& out,
                     Missing missing = Missing::kRefused);
// One column of values, as texts and labels come. Errors name the estimator.
Status one_column(const Table& in, const Estimator& e);
// kInvalid "Negative values in data passed to WHAT." if there are any.
Status check_non_negative(const Table& numeric, std::string_view what);

// Calls `take(column, value)` for what is stored of row `r` of a kDense or kSparse table.
template <typename Take>
void each_entry(const Table& t, size_t r, Take take) {
  if (t.form == Table::Form::kSparse) {
    for (size_t i = t.starts[r]; i < t.starts[r + 1]; ++i) take(t.indices[i], t.values[i]);
    return;
  }
  const double* row = t.row(r);
  for (size_t c = 0; c < t.columns; ++c) take(static_cast<uint32_t>(c), row[c]);
}

// A kSparse table being made, row by row. `most` bounds the entries; columns ascend within a row.
class SparseRows {
 public:
  SparseRows(size_t rows, size_t columns, size_t most, Workspace& work);
  void add(uint32_t column, double value) {
    indices_[at_] = column;
    values_[at_++] = value;
  }
  void end_row() { starts_[++row_] = at_; }
  // The entries of the row that is being made, for sorting and scaling.
  double* row_values() { return values_.data() + starts_[row_]; }
  size_t row_size() const { return at_ - starts_[row_]; }
  size_t room() const { return values_.size() - at_; }
  void show(Table& out) const;  // when all rows have ended

 private:
  std::span<size_t> starts_;
  std::span<uint32_t> indices_;
  std::span<double> values_;
  size_t columns_, rows_, row_ = 0, at_ = 0;
};

// kInvalid "Found array with 0 sample(s)…" if there are none.
Status need_rows(const Table& in, std::string_view who);
// dense_output(), or kTooLarge where it would take more than 2 GiB.
Result<std::span<double>> sized_output(size_t rows, size_t columns, Workspace& work, Table& out);
// Whether the attribute `dtype`, numpy's type of what comes out, is an integer.
bool makes_integers(const Attributes& a);

// A value of any table as a cell: dense and sparse numbers too.
Cell cell_at(const Table& t, size_t row, size_t column);

// One value of an object array, list or scalar of a file; texts are copied by who keeps them.
// kUnimplemented (by `a`) for what is no number, text, None or NaN.
Result<Cell> cell_of(const pickle::Node& node, const Attributes& a);
// All of an array, list or tuple. Texts are kept in `texts`, which must not be changed afterwards.
Result<std::vector<Cell>> cells_of(const pickle::Node& node, const Attributes& a,
                                   std::vector<std::string>& texts);

}  // namespace proa::engines
