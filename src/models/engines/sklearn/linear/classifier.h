// What the classifiers of several families share: from scores and probabilities, which each
// computes in its own way, to scikit-learn's answers.
//
// Used by the linear and the Bayesian family. Immutable once made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/sklearn/estimator.h"

namespace proa::engines {

// rows × width numbers in a Workspace.
struct Scores {
  double* values = nullptr;
  size_t rows = 0, width = 0;
  double* row(size_t r) const { return values + r * width; }
  size_t count() const { return rows * width; }
};
Scores take_scores(size_t rows, size_t width, Workspace& work);

class Classifier : public Estimator {
 public:
  Labels classes;
  bool probabilistic = false, decides = false;  // has predict_proba, decision_function

  const Labels* labels() const override { return &classes; }
  bool has(Method method) const override;
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override;
  inference::TensorInfo output_info(Method method) const override;

 protected:
  // The class of each row; unless overridden: of one score a row the sign, of more the largest.
  virtual Status choose(const Table& in, Workspace& work, std::span<uint32_t> best) const;
  // What predict compares; unless overridden, the decision function.
  virtual Result<Scores> ranking(const Table& in, Workspace& work) const;
  virtual Result<Scores> decision(const Table& in, Workspace& work) const;
  virtual Result<Scores> probabilities(const Table& in, Workspace& work) const;
  // Unless overridden, the logarithm of the probabilities.
  virtual Result<Scores> log_probabilities(const Table& in, Workspace& work) const;
};

// classes_, of `least` labels or more.
Status read_classes(const Attributes& a, Classifier& c, size_t least);

double logistic(double v);               // 1 / (1 + exp(-v))
void softmax(double* values, size_t n);  // in place
double log_sum_exp(const double* v, size_t n);
uint32_t largest(const double* v, size_t n);  // the first of equals; the first NaN, as numpy
void take_logs(const Scores& s);
// Two columns of one column of scores p: 1 - p, p.
Scores two_columns(const Scores& s, Workspace& work);
// From log densities to their logarithm of the share of each, row by row.
void normalise_logs(const Scores& s);

// One number a row: shape (rows,). Several: (rows, width).
void set_output(const Scores& s, bool flat, Output& out);
// 1 where the score is 0 or more, else -1: predict of outlier detectors.
void set_inliers(const Scores& s, DataType type, Workspace& work, Output& out);

}  // namespace proa::engines
