// What the meta-estimators share: making their parts, turning the parts' answers into numbers or
// class indices, and the base of all that are classifiers.
//
// Used by this folder alone. Values that these functions make live in the Workspace given.
#pragma once

#include <memory>
#include <vector>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/catalog.h"
#include "models/engines/sklearn/estimator.h"

namespace proa::engines::meta {

using Part = std::unique_ptr<Estimator>;

// A meta-estimator that has classes_ and one output.
class Classifier : public Estimator {
 public:
  const Labels* labels() const override { return &labels_; }
  inference::TensorInfo output_info(Method method) const override;

 protected:
  Labels labels_;
};

// The part that an attribute names, with a method that it must have (kDefault: none).
Result<Part> make_part(const Attributes& a, Attributes::Names names, Maker& maker,
                       Method needs = Method::kDefault);
// The parts of a list, none of them absent; at least one.
Result<std::vector<Part>> make_parts(const Attributes& a, Attributes::Names names, Maker& maker,
                                     Method needs = Method::kDefault);
bool is_text(const pickle::Node* node, std::string_view text);

// Checks that the parts agree on the width, where they say one, and returns it; 0: none says one.
size_t width_of(const std::vector<Part>& parts);

// scikit-learn's is_classifier, for what the makers here hold.
bool is_classifier(const Estimator& e);

// An answer as row-major doubles; kInvalid for texts.
Result<const double*> numbers(const Values& v, Workspace& work);
// Runs `method` and gives its answer as rows × `columns` numbers; `columns` is set.
Result<const double*> ask(const Estimator& e, Method method, const Table& in, Workspace& work,
                          size_t& columns);
// ask(), with the number of columns that it must have.
Result<const double*> ask_exactly(const Estimator& e, Method method, const Table& in,
                                  Workspace& work, size_t columns);

// The score by which a two-class part decides: predict of a regressor, else decision_function, else
// the second column of predict_proba.
Status binary_scores(const Estimator& e, const Table& in, Workspace& work, std::span<double> out);
// The score above which the second class is meant: 0 of a decision_function, else 0.5.
double binary_threshold(const Estimator& e);

// The places of predicted labels in `labels`; kNoClass where a label is none of them.
inline constexpr uint32_t kNoClass = ~uint32_t{0};
Result<std::span<uint32_t>> class_indices(const Values& predicted, const Labels& labels,
                                          Workspace& work);
// numpy's argmax of each row: the first of the largest; NaN is larger than all.
std::span<uint32_t> argmax_rows(const double* scores, size_t rows, size_t columns, Workspace& work);
void softmax_rows(double* scores, size_t rows, size_t columns);

// Columns of equal length, one an output, as an array of rows × columns.
Result<Values> beside(std::span<const Values> columns, size_t rows, Workspace& work);

Values integers_of(std::span<const int64_t> values, DataType type = DataType::kInt64);

}  // namespace proa::engines::meta
