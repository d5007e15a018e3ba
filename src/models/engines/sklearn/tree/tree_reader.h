// scikit-learn's Tree objects of all releases as checked data, and into a forest's Spec.
//
// Used by all makers of this folder. Pure; values own their memory.
#pragma once

#include <vector>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/catalog.h"
#include "models/engines/trees/forest.h"

namespace proa::engines {

struct TreeData {
  size_t features = 0;
  std::vector<size_t> classes;                // of each output; 1 for regression
  size_t stride = 1;                          // numbers of an output in `values`
  std::vector<int64_t> left, right, feature;  // left < 0: a leaf
  std::vector<double> threshold, samples;     // samples: rows that came to the node in training
  std::vector<int64_t> missing_left;          // empty: written before missing values were known
  std::vector<double> values;                 // node × output × stride
  size_t nodes() const { return left.size(); }
  size_t width() const;  // numbers a node without padding: the sum of `classes`
  // The numbers of all nodes without padding: node × width(). shares: each output's numbers are
  // divided by their sum (releases before 1.3 kept counts).
  std::vector<double> node_values(bool shares) const;
};

// tree_ of a fitted tree. Children, features and shapes have been checked against each other, save
// that the nodes make a tree: Forest::make does that.
Result<TreeData> read_tree(const Attributes& estimator);

// Adds the tree; `values` has spec.width numbers a node. `columns`: the forest's column of each of
// the tree's features; nullptr: the same.
Status add_tree(const TreeData& tree, const std::vector<double>& values, uint32_t output,
                const std::vector<int64_t>* columns, trees::Spec& spec);

// The members of estimators_: fitted trees. Their number and that of all nodes is bounded.
Result<std::vector<TreeData>> read_trees(const Attributes& ensemble,
                                         const std::vector<const pickle::Node*>& members);

// Rows as trees see them: dense and within float32 (they are rounded by the forest).
Result<const double*> float_input(const Table& in, const Estimator& e, Workspace& work,
                                  Missing missing);

}  // namespace proa::engines
