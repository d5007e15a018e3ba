// The makers of this folder; entries.cpp lists them.
#pragma once

#include "models/engines/sklearn/catalog.h"

namespace proa::engines {

Result<std::unique_ptr<Estimator>> make_tree(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_forest(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_embedding(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_isolation_forest(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_gradient_boosting(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_hist_boosting(const Attributes& a, Maker& maker);

}  // namespace proa::engines
