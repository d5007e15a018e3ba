// Model folders: which file in them is the model, and which engine reads it. Also the text of
// `proa serve --list-formats`. Used by the model server; no state.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "models/inference/model.h"

namespace proa::engines {

// The one model file in `dir` (which may also be the file), as KServe's servers choose it: exactly
// one with an extension of one of the engines. Where several engines have the extension (.bst,
// .json), the first that can read the file takes it. A file above the memory limit is refused
// before it is read.
Result<std::unique_ptr<inference::Model>> load_folder(
    const std::string& dir, const inference::LoadOptions& options,
    std::span<const inference::Engine* const> engines);

// Each engine, its extensions, and what it covers: lines of at most 100 columns.
std::string formats_text(std::span<const inference::Engine* const> engines);

}  // namespace proa::engines
