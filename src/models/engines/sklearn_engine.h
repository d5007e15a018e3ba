// The engine of scikit-learn's models: .joblib, .pkl and .pickle files with one fitted estimator.
//
// Used by the model server and the tests. The engine has no state.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/engines/pickle/allowed.h"
#include "models/inference/model.h"

namespace proa::engines {

const inference::Engine& sklearn_engine();

// A whole file's bytes, as the engine reads them.
Result<std::unique_ptr<inference::Model>> read_sklearn(std::string bytes,
                                                       const inference::LoadOptions& options);

// The allow-list of its files: the catalogue, and what all pickles share.
pickle::Verdict sklearn_allows(std::string_view module, std::string_view name);

// "sklearn.svm.SVC" for each class with a maker, sorted.
std::vector<std::string> sklearn_classes();

}  // namespace proa::engines
