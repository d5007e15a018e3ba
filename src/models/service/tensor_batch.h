// Requests to a model of tensors, joined along the first axis, and its outputs, taken apart again.
// Used by Batcher. Pure.
#pragma once

#include <span>
#include <vector>

#include "models/inference/tensor.h"

namespace proa::service {

using Tensors = std::span<const inference::Tensor>;

// Rows that all of them have; 0 where they do not have the same number.
size_t rows_of(Tensors tensors);
// Whether they differ in nothing but their first dimension and their elements.
bool same_but_rows(Tensors a, Tensors b);
// All parts, one below the other; their memory is `work`'s.
Tensors join(std::span<const Tensors> parts, size_t rows, inference::Workspace& work);
// Rows of each of `whole`, which has `of` rows each; views.
void part(Tensors whole, size_t from, size_t rows, size_t of, inference::Workspace& work,
          std::span<inference::Tensor> out);
// Copies, so that they outlive what they view: for those of a reader that is used again.
Tensors keep(Tensors tensors, inference::Workspace& work);

// Whether a model's first dimension is one of rows, in all that it takes and gives.
bool has_rows(const inference::ModelInfo& info);

}  // namespace proa::service
