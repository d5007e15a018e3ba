// LightGBM's engine: text models (.txt, .bst) of releases 2 to 4, answered as Booster.predict does.
//
// The Engine is a constant; what it loads is immutable and shared by threads (see Model).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "models/inference/model.h"

namespace proa::engines {

const inference::Engine& lightgbm_engine();

// The same from text in memory; for tests and the fuzz target.
Result<std::unique_ptr<inference::Model>> lightgbm_model(std::string_view text,
                                                         const inference::LoadOptions& options);

}  // namespace proa::engines
