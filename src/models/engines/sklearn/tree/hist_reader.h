// HistGradientBoosting's trees: arrays of records, and bit sets of categories. Into a forest's
// Spec.
//
// Used by hist_boosting.cpp. Pure.
#pragma once

#include <array>
#include <vector>

#include "models/engines/sklearn/attributes.h"
#include "models/engines/trees/forest.h"

namespace proa::engines {

using CategorySet = std::array<uint32_t, 8>;  // category c is bit c % 32 of word c / 32; c < 256

// The categories that training saw, by column; no set for a column of numbers.
struct KnownCategories {
  std::vector<bool> categorical;  // by column; empty: none is
  std::vector<CategorySet> known;
};
Result<KnownCategories> read_known(const Attributes& boosting, size_t features);

// _predictors: iterations × outputs. spec.features must be set; adds trees, values and sets.
Status read_predictors(const Attributes& boosting, const KnownCategories& known, size_t outputs,
                       trees::Spec& spec);

}  // namespace proa::engines
