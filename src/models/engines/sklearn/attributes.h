// The attributes of one estimator in a pickle, read with checks. Errors are kDataLoss or
// kUnimplemented and name estimator and attribute. Used by the makers of all families.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/engines/pickle/node.h"
#include "models/engines/sklearn/estimator.h"

namespace proa::engines {

struct Matrix {
  size_t rows = 0, columns = 0;
  std::vector<double> values;  // row-major
  double at(size_t row, size_t column) const { return values[row * columns + column]; }
  const double* row(size_t r) const { return values.data() + r * columns; }
};

struct NdArray {
  std::vector<size_t> shape;
  std::vector<double> values;  // row-major
};

// A sparse matrix as CSR, checked: starts ascend, indices are inside.
struct SparseMatrix {
  size_t rows = 0, columns = 0;
  std::vector<size_t> starts;
  std::vector<uint32_t> indices;
  std::vector<double> values;
};

class Attributes {
 public:
  explicit Attributes(const pickle::Node& object) : object_(&object) {}
  std::string_view class_name() const;  // "SVC"
  std::string_view type_name() const { return object_->type_name(); }
  const pickle::Node& node() const { return *object_; }
  bool has(std::string_view name) const;  // there, and not None
  const pickle::Node* find(std::string_view name) const { return object_->get(name); }

  // Old and new name of the same thing: the first that is there is read. Names ending in "?" in the
  // comments below may be absent.
  using Names = std::initializer_list<std::string_view>;
  enum class Finite { kYes, kNanAllowed, kAny };
  // 2-d array, or any scipy sparse matrix (filled in). kYes: NaN and infinity are refused.
  Result<Matrix> matrix(Names names, Finite finite = Finite::kYes) const;
  // 1-d array; a number, a list and a tuple of numbers count as one.
  Result<std::vector<double>> vector(Names names, Finite finite = Finite::kYes) const;
  Result<NdArray> array(Names names, Finite finite = Finite::kYes) const;  // any rank
  Result<SparseMatrix> sparse(Names names) const;  // a sparse matrix, or a dense one made sparse
  Result<std::vector<int64_t>> integers(Names names) const;  // 1-d, as vector()
  Result<double> number(Names names) const;
  Result<int64_t> integer(Names names) const;
  Result<std::string> text(Names names) const;
  Result<std::vector<std::string>> texts(Names names) const;  // list, tuple or array of texts
  Result<bool> flag(std::string_view name, bool otherwise) const;  // bool_ and 0-d arrays too
  Result<Labels> labels(std::string_view name) const;              // classes_: a 1-d array
  // classes_ of many outputs: a list of arrays. One array gives one element.
  Result<std::vector<Labels>> label_sets(std::string_view name) const;

  // Parts: an object's attributes; the items of a list, tuple or array of objects; the pairs of a
  // dict. Bounded by what the reader let through.
  Result<Attributes> object(Names names) const;
  Result<std::vector<const pickle::Node*>> list(Names names) const;
  Result<std::vector<std::pair<const pickle::Node*, const pickle::Node*>>> dict(Names names) const;

  Error wrong(std::string_view what) const;  // kDataLoss "SVC: WHAT"
  Error unsupported(std::string_view what) const;  // kUnimplemented "SVC: WHAT is not supported…"

 private:
  Result<const pickle::Node*> need(Names names) const;
  const pickle::Node* object_;
};

// n_features_in_ (scikit-learn 0.24 and later), where it is there, must be `features`.
Status check_features(const Attributes& a, size_t features);

}  // namespace proa::engines
