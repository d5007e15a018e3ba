// Nodes of a pickle as sparse matrices, texts and labels: what Attributes is made of. Used by
// attributes.cpp, and by makers that walk nodes themselves. Pure; errors are kDataLoss or
// kUnimplemented.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/engines/sklearn/attributes.h"

namespace proa::engines {

// scipy's csr, csc and coo, matrix or array, of any release; indices ascend, duplicates are summed.
Result<SparseMatrix> sparse_of(const pickle::Node& object);
Result<Matrix> filled(const SparseMatrix& sparse);  // kTooLarge above 1 GiB

// A text: str, numpy's str_ and arrays of one text; nullopt for anything else, an error for a text
// that is no UTF-8.
Result<std::optional<std::string>> text_of(const pickle::Node& node);

Result<Labels> labels_of(const pickle::Array& array);                 // any shape, row-major
Result<Labels> labels_of(const std::vector<pickle::Node*>& objects);  // all of one type

}  // namespace proa::engines
