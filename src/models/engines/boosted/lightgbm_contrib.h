// Contributions of the features to a raw score (Shapley values of trees by the path method of
// Lundberg and others, 2018), as Booster.predict(pred_contrib=True) gives them.
//
// Used by lightgbm.cpp. Pure; one Workspace a thread.
#pragma once

#include "models/engines/boosted/lightgbm_file.h"
#include "models/inference/workspace.h"

namespace proa::engines {

// kUnimplemented or kDataLoss where contributions cannot be had: linear trees, files without
// counts, trees too deep.
Status lightgbm_contrib_check(const LightgbmFile& file);

// `out`: n × (outputs × (features + 1)); the last of each output is the expected value.
void lightgbm_contrib(const LightgbmFile& file, const double* rows, size_t n, double* out,
                      inference::Workspace& work);

// Which way a row goes at a split.
bool lightgbm_goes_left(const LightgbmTree& tree, size_t split, double value);

}  // namespace proa::engines
