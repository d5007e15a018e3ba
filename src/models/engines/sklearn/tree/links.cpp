#include "models/engines/sklearn/tree/links.h"

#include "models/engines/sklearn/tree/classes.h"

namespace proa::engines {

std::span<double> BoostedClasses::probabilities(std::span<double> sums, size_t rows,
                                                Workspace& work) const {
  if (raw > 1) {
    for (size_t r = 0; r < rows; ++r) softmax_in_place(&sums[r * raw], raw);
    return sums;
  }
  std::span<double> out = work.take<double>(rows * 2);
  for (size_t r = 0; r < rows; ++r) {
    out[2 * r + 1] = sigmoid(slope * sums[r]);
    out[2 * r] = 1 - out[2 * r + 1];
  }
  return out;
}

Values BoostedClasses::answer(Method method, std::span<double> sums, size_t rows,
                              Workspace& work) const {
  if (method == Method::kDecisionFunction)
    return raw == 1 ? inference::vector_of(sums) : inference::matrix_of(sums.data(), rows, raw);
  size_t width = raw == 1 ? 2 : raw;
  if (method != Method::kPredict) {
    std::span<double> p = probabilities(sums, rows, work);
    if (method == Method::kPredictLogProba) logarithms(p);
    return inference::matrix_of(p.data(), rows, width);
  }
  std::span<uint32_t> picked = work.take<uint32_t>(rows);
  if (decision == Decision::kProbability) {
    std::span<double> p = probabilities(sums, rows, work);
    for (size_t r = 0; r < rows; ++r) picked[r] = argmax(&p[r * width], width);
  } else {
    for (size_t r = 0; r < rows; ++r) {
      if (raw > 1)
        picked[r] = argmax(&sums[r * raw], raw);
      else
        picked[r] = decision == Decision::kAboveZero ? sums[r] > 0 : sums[r] >= 0;
    }
  }
  return labels.pick(picked, work);
}

}  // namespace proa::engines
