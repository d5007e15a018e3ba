// The categories of one column, and finding a value's among them. Private to this folder.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {

// Numbers, texts, None and NaN, as the file has them. Movable; texts stay where they are.
class Categories {
 public:
  static constexpr uint32_t kUnknown = UINT32_MAX;
  Categories() = default;
  Categories(Categories&&) = default;
  Categories& operator=(Categories&&) = default;
  size_t size() const { return size_; }
  uint32_t nan() const { return nan_; }  // NaN's place, or kUnknown
  // None and NaN stand for each other where only one of them is a category: JSON has but null.
  uint32_t find(const Cell& cell) const;
  static Result<Categories> of(const pickle::Node& node, const Attributes& a);

 private:
  size_t size_ = 0;
  std::vector<std::pair<double, uint32_t>> numbers_;  // sorted
  std::deque<std::string> kept_;
  std::vector<std::pair<std::string_view, uint32_t>> texts_;  // sorted; point into kept_
  uint32_t none_ = kUnknown, nan_ = kUnknown;
};

// categories_: a list of arrays, one a column; checked against n_features_in_.
Result<std::vector<Categories>> read_categories(const Attributes& a);

// "Found unknown categories ['x'] in column 0 during transform"
Error unknown_category(const Cell& cell, size_t column);
std::string shown(const Cell& cell);  // 'x', 3.5, nan, None

// Infrequent categories: where the places of one column go; empty: nowhere.
struct Grouping {
  std::vector<uint32_t> to;
  size_t after = 0;                            // places after grouping
  uint32_t infrequent = Categories::kUnknown;  // the group's place, if there is one
};
// _default_to_infrequent_mappings, checked; one Grouping a column.
Result<std::vector<Grouping>> read_groupings(const Attributes& a,
                                             const std::vector<Categories>& categories);

// Same number of columns, or kInvalid in scikit-learn's words.
Status check_columns(const Table& in, size_t columns, const Estimator& e);

}  // namespace proa::engines
