// XGBoost: its files, .json, .ubj and the old binary (.bst, .model), as models. What a file is, its
// content says, not its name.
//
// Used by the list of engines. Answers are those of Booster.predict(DMatrix): probabilities for
// binary:logistic, class numbers for multi:softmax, FP32. The engine is stateless.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "models/inference/model.h"

namespace proa::engines {

const inference::Engine& xgboost_engine();

// A whole file's bytes, as the engine reads them.
Result<std::unique_ptr<inference::Model>> read_xgboost(std::string_view bytes,
                                                       const inference::LoadOptions& options);

}  // namespace proa::engines
