// The engine of PMML documents (.pmml), native. Used by the model server; no state.
#pragma once

#include <memory>
#include <string>

#include "models/inference/model.h"

namespace proa::engines {

const inference::Engine& pmml_engine();

// A document, as the engine reads it.
Result<std::unique_ptr<inference::Model>> read_pmml(std::string text,
                                                    const inference::LoadOptions& options);

}  // namespace proa::engines
