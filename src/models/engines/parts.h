// What scikit-learn's files mention and no family claims: scorers, metrics, splitters, losses,
// links, metadata. Kept in the file, never used to predict. Used by the catalogue alone.
#pragma once

#include <span>

#include "models/engines/sklearn/catalog.h"

namespace proa::engines {

std::span<const Entry> part_entries();

}  // namespace proa::engines
