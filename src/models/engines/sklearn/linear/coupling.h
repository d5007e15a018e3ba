// LIBSVM's probabilities: from the decision of each pair of classes to one probability a class.
// Private to this folder; pure functions.
#pragma once

#include <cstddef>

namespace proa::engines::linear {

// shares[i * n + j]: of class i against j, by Platt's logistic a·d + b of pair p (i < j).
void pairwise_shares(const double* decisions, const double* a, const double* b, size_t n,
                     double* shares);
// n probabilities; `scratch` has n * n + n numbers.
void couple(const double* shares, size_t n, double* scratch, double* out);

}  // namespace proa::engines::linear
