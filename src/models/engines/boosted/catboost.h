// CatBoost: its files, .cbm and .json, as models. What a file is, its content says, not its name.
//
// Used by the list of engines. Answers are those of CatBoostClassifier.predict (labels) and
// CatBoostRegressor.predict. The engine is stateless.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "models/inference/model.h"

namespace proa::engines {

const inference::Engine& catboost_engine();

// A whole file's bytes, as the engine reads them.
Result<std::unique_ptr<inference::Model>> read_catboost(std::string_view bytes,
                                                        const inference::LoadOptions& options);

}  // namespace proa::engines
