// A model of rows as one of tensors, so that it may be a step of an ensemble; and numbers of one
// type as those of another, which such a step needs: rows are doubles.
//
// Used by Ensemble. Immutable; shared by threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/inference/tensor.h"

namespace proa::repository {

struct Version;

// Takes one tensor of numbers, `input`, [rows, columns] or [rows], as FP64. `outputs` are names of
// the model's own, or "output__0" (as Triton's fil has it), "output-0" and "predict" for its first.
Result<std::shared_ptr<const inference::TensorModel>> as_tensors(
    std::shared_ptr<const Version> version, const std::string& input,
    const std::vector<std::string>& outputs);

// Whether converted() knows both: integers, booleans and floats of 32 and 64 bits.
bool convertible(inference::DataType a, inference::DataType b);
// The same elements as `type`, in `work`'s memory; as they are where it is theirs already. What
// `type` cannot hold is kInvalid.
Result<inference::Tensor> converted(const inference::Tensor& from, inference::DataType type,
                                    inference::Workspace& work);

}  // namespace proa::repository
