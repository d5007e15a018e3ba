// scikit-learn's estimators as native code: what a pipeline is made of. Private to this folder.
//
// Immutable once made; scratch memory comes from the caller. Makers take the estimator's attributes
// and check every shape against the others before anything is used (a file with altered counts must
// not make us read out of bounds).
#pragma once

#include <memory>
#include <vector>

#include "models/engines/attributes.h"

namespace proa::engines {

// One thread's memory; grows to what is needed, then stays.
struct Scratch {
  std::vector<double> input, kernel, decision, pairs, matrix;
  std::vector<int> votes;
};

class Transformer {
 public:
  virtual ~Transformer() = default;
  virtual size_t features() const = 0;                                        // 0: any
  virtual void apply(double* values, size_t rows, size_t columns) const = 0;  // in place
};

class Classifier {
 public:
  virtual ~Classifier() = default;
  virtual size_t features() const = 0;
  virtual const Labels& labels() const = 0;
  virtual uint32_t predict(const double* row, Scratch& scratch) const = 0;

  virtual Status can_tell_probabilities() const = 0;  // kInvalid with the reason if it cannot
  virtual void probabilities(const double* row, Scratch& scratch,
                             double* out) const = 0;  // one a label

  virtual size_t decision_width() const = 0;  // 0: one number
  virtual void decision(const double* row, Scratch& scratch, double* out) const = 0;
};

Result<std::unique_ptr<Classifier>> make_svc(const Attributes& a);  // SVC, NuSVC
Result<std::unique_ptr<Classifier>> make_linear(
    const Attributes& a);  // LogisticRegression, LinearSVC
Result<std::unique_ptr<Transformer>> make_standard_scaler(const Attributes& a);
Result<std::unique_ptr<Transformer>> make_min_max_scaler(const Attributes& a);

// A whole file's bytes, as the engine of scikit-learn reads them.
Result<std::unique_ptr<Model>> read_sklearn(std::string bytes, const LoadOptions& options);

// n_features_in_ (scikit-learn 0.24 and later), where it is there, must be `features`.
Status check_features(const Attributes& a, size_t features);

}  // namespace proa::engines
