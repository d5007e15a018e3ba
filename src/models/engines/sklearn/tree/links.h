// From the raw sums of boosted trees to predictions, for both of scikit-learn's gradient boostings.
// Values; pure; memory of a Workspace.
#pragma once

#include "models/engines/sklearn/estimator.h"

namespace proa::engines {

// How a row's raw sums become classes, as releases differ: at exactly 0 of two classes the first or
// the second wins; or the probabilities decide, whose rounding may make ties.
enum class Decision : uint8_t { kAboveZero, kFromZero, kProbability };

struct BoostedClasses {
  Labels labels;
  size_t raw = 1;    // sums of a row: 1 for two classes
  double slope = 1;  // 2 for exponential loss
  Decision decision = Decision::kProbability;

  bool has(Method m) const {
    return m == Method::kPredict || m == Method::kPredictProba || m == Method::kDecisionFunction;
  }
  // `sums`: rows × raw; may be changed. predict, predict_proba, predict_log_proba or
  // decision_function.
  Values answer(Method method, std::span<double> sums, size_t rows, Workspace& work) const;

 private:
  std::span<double> probabilities(std::span<double> sums, size_t rows, Workspace& work) const;
};

}  // namespace proa::engines
