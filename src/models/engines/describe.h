// What an estimator's nodes say of its input: types, names, which columns are texts. For metadata;
// private to this folder.
#pragma once

#include <string>
#include <vector>

#include "models/engines/pickle/node.h"

namespace proa::engines {

// "sklearn.svm._classes.SVC", "Pipeline(StandardScaler, SVC)".
std::string type_text(const pickle::Node& root);

struct InputKind {
  bool by_name = false;     // a ColumnTransformer comes first
  bool documents = false;   // one text a row: vectorizers
  std::vector<bool> texts;  // a column each, as far as known
};
InputKind input_kind(const pickle::Node& root, const std::vector<std::string>& names,
                     size_t features);

}  // namespace proa::engines
