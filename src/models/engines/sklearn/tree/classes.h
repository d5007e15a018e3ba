// What the classifiers and regressors of this folder do with the numbers that come out of their
// trees: labels of many outputs, lists of probabilities, links. Pure; memory of a Workspace.
#pragma once

#include <span>
#include <vector>

#include "models/engines/sklearn/estimator.h"

namespace proa::engines {

// The first of the greatest.
uint32_t argmax(const double* values, size_t n);

// A Values of shape (rows, sets.size()) of the type of the first set, or of FP64 where they differ;
// `picked` is output × row. Texts and numbers together are refused at load by same_kind().
Values pick_many(const std::vector<Labels>& sets, std::span<const uint32_t> picked, size_t rows,
                 Workspace& work);
bool same_kind(const std::vector<Labels>& sets);

double sigmoid(double x);  // 1 / (1 + e^-x)
void softmax_in_place(double* row, size_t n);
void logarithms(std::span<double> v);  // in place

}  // namespace proa::engines
