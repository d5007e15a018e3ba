// What an XGBoost file says, whichever of the three formats it is in. Private to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/engines/boosted/xgboost/objective.h"
#include "models/engines/trees/forest.h"

namespace proa::engines::boosted {

struct XgboostFile {
  std::string version;  // "3.2.0"; "" for releases before 1.0
  std::string booster;  // gbtree, dart, gblinear
  std::string objective;
  size_t features = 0;
  size_t groups = 1;              // outputs of a row before the objective: classes or targets
  std::vector<double> base;       // one a group, as margins
  std::vector<float> base_score;  // as written
  bool base_is_margin = false;    // releases before 1.0
  bool classifier = false;        // saved by XGBClassifier, not by Booster
  std::vector<std::string> feature_names, feature_types;
  trees::Spec forest;          // gbtree, dart
  std::vector<float> weights;  // gblinear: (features + 1) × groups, the last row is the bias
};

// kDataLoss, or kUnimplemented for boosters and objectives that there are not.
Result<XgboostFile> read_xgboost_document(std::string_view bytes, bool ubjson);
Result<XgboostFile> read_xgboost_binary(std::string_view bytes);

// The columns of one tree's table, as both formats have them.
struct XgboostTree {
  std::vector<double> left, right, feature, value, default_left;
  std::vector<double> split_type, categories, category_nodes, segments, sizes;
  std::vector<double> leaf_weights;  // of a tree with several outputs
  bool weights_by_leaf = false;      // leaf_weights are numbered by `right` of the leaf
  size_t width = 1;
};
// Adds the tree to `file.forest`, its values times `scale`.
Status add_xgboost_tree(const XgboostTree& tree, uint32_t group, float scale, XgboostFile& file);

// Whether the attribute "scikit_learn" of a file is a classifier's.
bool saved_by_classifier(std::string_view attribute);

// Checks what both formats share and fills base.
Status finish_xgboost(XgboostFile& file);

}  // namespace proa::engines::boosted
