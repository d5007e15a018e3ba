// Points: the training rows of a search, laid out in blocks so that the distances of one query to a
// block are one pass over contiguous memory. Used by Search. Immutable once made.
#pragma once

#include <span>
#include <vector>

#include "models/engines/sklearn/neighbors/metric.h"

namespace proa::engines::neighbors {

class Points {
 public:
  // Row i of the points is row order[i] of `rows`; `ends` are the ends of the blocks, ascending.
  void lay_out(const Matrix& rows, std::span<const uint32_t> order, std::vector<size_t> ends,
               const Metric& metric);
  size_t blocks() const { return ends_.size(); }
  size_t begin(size_t block) const { return block == 0 ? 0 : ends_[block - 1]; }
  size_t end(size_t block) const { return ends_[block]; }
  size_t largest_block() const { return largest_; }
  // Reduced distances of `query` to all points of a block.
  void reduced(const double* query, size_t block, const Metric& metric, double* out) const;

 private:
  size_t width_ = 0, largest_ = 0;
  std::vector<size_t> ends_;
  bool by_column_ = false;     // within a block: column after column
  std::vector<double> cells_;  // block after block
};

}  // namespace proa::engines::neighbors
