// Estimator: one fitted scikit-learn estimator as native code. What the families (linear, svm,
// trees, …) implement, and the meta-estimators hold.
//
// Immutable once made; any number of threads may call it, each with its own Workspace. Makers check
// every shape and index of the file against the others before anything is used: a file with altered
// counts must not make us read out of bounds. Answers equal scikit-learn's: labels identical, floats
// within 1e-9 relative.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/inference/model.h"
#include "models/inference/values.h"
#include "models/inference/workspace.h"

namespace proa::engines {

using inference::Cell;
using inference::DataType;
using inference::Method;
using inference::Output;
using inference::Table;
using inference::Values;
using inference::Workspace;

// classes_ of a classifier: all of one type. Texts are UTF-8.
struct Labels {
  DataType type = DataType::kInt64;  // kBool and integers: integers; FP*: numbers; kBytes: texts
  std::vector<int64_t> integers;
  std::vector<double> numbers;
  std::vector<std::string> texts;
  size_t size() const;
  // The labels of `indices` as values of shape (indices.size(),). Texts point into this.
  Values pick(std::span<const uint32_t> indices, Workspace& work) const;
  bool operator==(const Labels&) const = default;
};

class Estimator {
 public:
  virtual ~Estimator() = default;

  // The methods it has, without kDefault. kTransform means transform() below.
  virtual bool has(Method method) const = 0;

  // predict, predict_proba, decision_function, score_samples, …: arrays as scikit-learn shapes them.
  // Never called with kTransform, kDefault or a method for which has() is false.
  virtual Status predict(Method method, const Table& in, Workspace& work, Output& out) const;
  // `out` may point into `in` (a step that changes nothing).
  virtual Status transform(const Table& in, Workspace& work, Table& out) const;
  // The way back, for TransformedTargetRegressor and Pipeline: scalers, PowerTransformer, … override
  // both; whoever holds one asks has_inverse() at load.
  virtual bool has_inverse() const { return false; }
  virtual Status inverse_transform(const Table&, Workspace&, Table&) const {
    return error(Code::kUnimplemented, name + " has no inverse_transform here");
  }

  // classes_ of a classifier; nullptr for others, and for classifiers of many outputs.
  virtual const Labels* labels() const { return nullptr; }
  // Names of the columns that transform() makes, where cheap to know; empty otherwise.
  virtual std::vector<std::string> output_names() const { return {}; }
  // Of the answer to `method` for one row, as TensorInfo's type and shape[1…]; empty shape and FP64
  // unless overridden. For metadata only.
  virtual inference::TensorInfo output_info(Method method) const;

  // From _attributes_ that all estimators have; set by the loader after making.
  std::string name;                        // "SVC"
  size_t features = 0;                     // n_features_in_; 0: any, or not known
  std::vector<std::string> feature_names;  // feature_names_in_, or empty
};

// Input as dense numbers, checked as scikit-learn's check_array and _check_n_features do. Sparse
// input is filled in, cells are converted (numbers in texts too, as numpy does; None is NaN).
// Errors are kInvalid with scikit-learn's words: "X has 3 features, but SVC is expecting 4 features
// as input.", "Input X contains NaN.", "could not convert string to float: 'abc'".
enum class Missing { kRefused, kNanAllowed, kAllowed };  // kAllowed: infinity too
Result<const double*> dense_input(const Table& in, const Estimator& e, Workspace& work,
                                  Missing missing = Missing::kRefused);
// The width alone: kInvalid as above.
Status check_width(const Table& in, const Estimator& e);

// A table of `rows` × `columns` in `work`, to be filled: `out` is set to show it. Names are dropped.
std::span<double> dense_output(size_t rows, size_t columns, Workspace& work, Table& out);

}  // namespace proa::engines
