// Search: the nearest training rows of a query, exactly, and of equally near ones those that
// scikit-learn takes: by a scan, or by the k-d or ball tree of the file.
//
// Made from any of scikit-learn's neighbours estimators. Used by the estimators of this folder.
// Immutable; memory of answers is the Workspace's.
#pragma once

#include <span>
#include <vector>

#include "models/engines/sklearn/catalog.h"
#include "models/engines/sklearn/neighbors/points.h"

namespace proa::engines::neighbors {

class Search {
 public:
  // Of an estimator with _fit_X, effective_metric_ and _fit_method.
  static Result<Search> make(const Attributes& a);

  size_t size() const { return size_; }    // training rows
  size_t width() const { return width_; }  // columns of a query
  bool nan_allowed() const { return metric_.nan_allowed(); }
  size_t memory() const { return size_ * width_ * sizeof(double); }

  // The k nearest of each query, nearest first: places[row * k + i], distances likewise.
  struct Found {
    std::span<uint32_t> places;
    std::span<double> distances;
  };
  Found nearest(const double* queries, size_t rows, size_t k, Workspace& work) const;
  // All within `radius` of one query. The spans have room for size() and are filled from the front.
  size_t within(const double* query, double radius, std::span<uint32_t> places,
                std::span<double> distances, Workspace& work) const;

 private:
  struct Nodes {  // of a tree whose node i has the children 2 i + 1 and 2 i + 2
    bool ball = false;
    size_t count = 0;
    std::vector<uint32_t> block;       // of a leaf
    std::vector<double> lower, upper;  // count × width; of a ball: lower is its centre
    std::vector<double> radius;
  };
  class Heap;
  struct Query;
  struct Near;

  Status read_tree(const Attributes& a, const Matrix& rows, const pickle::Node& tree, bool ball);
  void bound_node(const Matrix& rows, size_t node, size_t begin, size_t end);
  double least(const double* query, size_t node) const;  // reduced distance to a node, at least
  void descend(size_t node, double least_reduced, Query& q) const;
  void collect(size_t node, Near& near) const;
  void scan(Query& q) const;

  Metric metric_;
  size_t size_ = 0, width_ = 0;
  Points points_;
  std::vector<uint32_t> order_;
  Nodes nodes_;  // count 0: no tree
};

}  // namespace proa::engines::neighbors
