// A request's table as rows of numbers in a model's column order.
//
// Used by the models of XGBoost and CatBoost. Pure; memory is the workspace's or the request's.
#pragma once

#include <span>
#include <string>

#include "foundation/base/result.h"
#include "models/inference/values.h"
#include "models/inference/workspace.h"

namespace proa::engines::boosted {

// rows × features numbers; what is null or absent is NaN. Where the request and the model both name
// their columns, they are put in the model's order. kInvalid for another width, an unknown or a
// missing name, and for text. `pad`: a shorter row's last values are missing, not wrong.
Result<const double*> number_rows(const inference::Table& in, size_t features,
                                  std::span<const std::string> names, inference::Workspace& work,
                                  bool pad = false);

// For each of the model's columns the request's; empty: as they come. `columns` of them.
Result<std::span<const uint32_t>> column_order(const inference::Table& in, size_t features,
                                               std::span<const std::string> names,
                                               inference::Workspace& work);

}  // namespace proa::engines::boosted
