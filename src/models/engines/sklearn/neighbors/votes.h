// What the neighbours vote for: the classes and outputs of the classifiers, the targets of the
// regressors, and the weights of neighbours. Used by this folder alone.
#pragma once

#include <vector>

#include "models/engines/sklearn/attributes.h"

namespace proa::engines::neighbors {

enum class Weights { kUniform, kDistance };
Result<Weights> read_weights(const Attributes& a);
// 1 / distance; where one distance is 0, ones for those and zeros for the others.
void distance_weights(std::span<const double> distances, std::span<double> weights);
// The sum that numpy makes of a row: in eight strands from eight elements on.
double numpy_sum(const double* v, size_t n);

struct Classes {
  std::vector<Labels> outputs;   // at least one, all of one type
  bool several = false;          // predict gives a matrix, predict_proba a list
  std::vector<uint32_t> places;  // training row × output: the place of its class
  size_t count() const { return outputs.size(); }
  uint32_t of(size_t row, size_t output) const { return places[row * outputs.size() + output]; }
  static Result<Classes> read(const Attributes& a, size_t rows);
  // best[row * count() + output] as labels; `sets` stand in for `outputs` where given.
  Values answer(std::span<const uint32_t> best, size_t rows, Workspace& work) const;
  // One array of rows × classes an output.
  void probabilities(std::span<double* const> of_outputs, size_t rows, Workspace& work,
                     Output& out) const;
};

struct Targets {
  Matrix y;              // training row × output
  bool several = false;  // predict gives a matrix
  static Result<Targets> read(const Attributes& a, size_t rows);
  Values answer(std::span<const double> mean, size_t rows) const;
};

}  // namespace proa::engines::neighbors
