// A matrix laid out for products with rows of a request, and the rows themselves, dense or sparse.
//
// Used by the linear models, the support vector machines and the Bayesian family. Packed is
// immutable after making and free for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/estimator.h"

namespace proa::engines {

// Checked rows of a request. A sparse request stays sparse.
struct Rows {
  size_t count = 0, columns = 0;
  const double* dense = nullptr;  // nullptr: sparse
  const Table* sparse = nullptr;
};
// Rows of exactly `width` columns, finite. For estimators that take sparse input.
Result<Rows> rows_of(const Table& in, const Estimator& e, size_t width, Workspace& work);
// The same as dense numbers. Errors are dense_input()'s.
Result<const double*> dense_rows(const Table& in, const Estimator& e, size_t width,
                                 Workspace& work);

// One row after the other as dense numbers; sparse ones are spread over one buffer.
class RowReader {
 public:
  RowReader(const Rows& rows, Workspace& work);
  const double* row(size_t r);  // valid until the next call

 private:
  void clear();
  const Rows& rows_;
  double* buffer_ = nullptr;
  size_t last_ = SIZE_MAX;
};

double dot(const double* a, const double* b, size_t n);
// values[i] = exp(values[i]), within two units in the last place; below -708 it is 0.
void exponentials(double* values, size_t n);

// Rows of the matrix lie in blocks of 8 (4 or 2 where there are fewer), one column after the other,
// so that one load of the input serves 8 sums:
//
//   block 0: m[0][0] … m[7][0], m[0][1] … m[7][1], …   block 1: m[8][0] …
class Packed {
 public:
  Packed() = default;
  explicit Packed(const Matrix& m);
  static Packed transposed(const Matrix& m);  // rows are m's columns
  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  // out[i * rows() + k] = matrix row k · x row i, for `count` rows of columns() numbers.
  void times(const double* x, size_t count, double* out) const;
  void times(const Rows& x, double* out) const;
  // out[k] = |matrix row k - x|²
  void distances(const double* x, double* out) const;
  size_t bytes() const { return data_.size() * sizeof(double); }

 private:
  Packed(size_t rows, size_t columns);
  double& at(size_t r, size_t c) {
    return data_[(r / lanes_ * columns_ + c) * lanes_ + r % lanes_];
  }
  void times_sparse(const Table& x, size_t r, double* out) const;
  size_t rows_ = 0, columns_ = 0, lanes_ = 1;
  std::vector<double> data_;
};

}  // namespace proa::engines
