// tf-idf: counts become weights, rows are scaled to a norm. And sparse rows made of unordered
// entries. Shared by the vectorizers; private to this folder.
#pragma once

#include <optional>

#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {

enum class RowNorm : uint8_t { kNone, kL1, kL2 };
Result<RowNorm> read_norm(const Attributes& a);
void scale_row(RowNorm norm, double* values, size_t count);

class Weighting {
 public:
  static Result<Weighting> of(const Attributes& a);  // of a fitted TfidfTransformer
  void apply(const uint32_t* columns, double* values, size_t count) const;
  size_t columns() const { return idf_.size(); }  // 0: any number

 private:
  bool sublinear_ = false;
  std::vector<double> idf_;  // empty: use_idf is off
  RowNorm norm_ = RowNorm::kL2;
};

// Rows of (column, value) in any order, equal columns are added up; then a kSparse table.
class Accumulator {
 public:
  Accumulator(size_t rows, size_t columns) : columns_(columns) { starts_.reserve(rows + 1); }
  void add(uint32_t column, double value) { entries_.push_back({column, value}); }
  size_t size() const { return entries_.size(); }
  // Sorts and adds up what was added since the last row; `finish(columns, values, count)` may
  // change the values.
  template <typename Finish>
  void end_row(Finish finish) {
    size_t count = gather();
    finish(indices_.data() + starts_.back(), values_.data() + starts_.back(), count);
    starts_.push_back(indices_.size());
  }
  void show(Workspace& work, Table& out) const;

 private:
  struct Item {
    uint32_t column;
    double value;
  };
  size_t gather();
  size_t columns_;
  std::vector<Item> entries_;  // of the row being made
  std::vector<size_t> starts_{0};
  std::vector<uint32_t> indices_;
  std::vector<double> values_;
};

// The same as a dense table.
Status fill_in(const Table& sparse, Workspace& work, Table& out);

}  // namespace proa::engines
