// The attributes of one estimator in a pickle, read with checks. Errors name estimator and
// attribute.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/engines/engine.h"
#include "models/engines/pickle/node.h"

namespace proa::engines {

struct Matrix {
  size_t rows = 0, columns = 0;
  std::vector<double> values;  // row-major
  double at(size_t row, size_t column) const { return values[row * columns + column]; }
};

class Attributes {
 public:
  explicit Attributes(const pickle::Node& object) : object_(object) {}
  std::string_view class_name() const;  // "SVC"
  std::string_view type_name() const { return object_.type_name(); }
  bool has(std::string_view name) const;  // there, and not None
  const pickle::Node* find(std::string_view name) const { return object_.get(name); }

  // Old and new name of the same thing: the first that is there is read.
  using Names = std::initializer_list<std::string_view>;
  Result<Matrix> matrix(Names names) const;  // 2-d array or CSR matrix, finite
  Result<std::vector<double>> vector(
      Names names) const;  // 1-d array (a number counts as one), finite
  Result<std::vector<int64_t>> integers(Names names) const;
  Result<double> number(Names names) const;
  Result<std::string> text(Names names) const;
  Result<bool> flag(std::string_view name, bool otherwise) const;
  Result<Labels> labels(std::string_view name) const;

  Error wrong(std::string_view what) const;  // "SVC: WHAT"

 private:
  Result<const pickle::Node*> need(Names names) const;
  const pickle::Node& object_;
};

}  // namespace proa::engines
