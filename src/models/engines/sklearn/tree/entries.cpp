// The catalogue's part of this folder.
#include "models/engines/sklearn/catalog.h"
#include "models/engines/sklearn/tree/makers.h"

namespace proa::engines {
namespace {

constexpr std::string_view kTree = "sklearn.tree._classes sklearn.tree.tree";
constexpr std::string_view kForest = "sklearn.ensemble._forest sklearn.ensemble.forest";
constexpr std::string_view kBoosting = "sklearn.ensemble._gb sklearn.ensemble.gradient_boosting";
constexpr std::string_view kHist = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting";
constexpr std::string_view kOldLoss =
    "sklearn.ensemble._gb_losses sklearn.ensemble.gradient_boosting";
constexpr std::string_view kOldInit = "sklearn.ensemble.gradient_boosting";
constexpr std::string_view kHistLoss = "sklearn.ensemble._hist_gradient_boosting.loss";

constexpr Entry kEntries[] = {
    {"DecisionTreeClassifier", kTree, make_tree},
    {"DecisionTreeRegressor", kTree, make_tree},
    {"ExtraTreeClassifier", kTree, make_tree},
    {"ExtraTreeRegressor", kTree, make_tree},
    {"RandomForestClassifier", kForest, make_forest},
    {"RandomForestRegressor", kForest, make_forest},
    {"ExtraTreesClassifier", kForest, make_forest},
    {"ExtraTreesRegressor", kForest, make_forest},
    {"RandomTreesEmbedding", kForest, make_embedding},
    {"IsolationForest", "sklearn.ensemble._iforest sklearn.ensemble.iforest",
     make_isolation_forest},
    {"GradientBoostingClassifier", kBoosting, make_gradient_boosting},
    {"GradientBoostingRegressor", kBoosting, make_gradient_boosting},
    {"HistGradientBoostingClassifier", kHist, make_hist_boosting},
    {"HistGradientBoostingRegressor", kHist, make_hist_boosting},
    {"Tree", "sklearn.tree._tree"},
    {"TreePredictor", "sklearn.ensemble._hist_gradient_boosting.predictor"},
    {"_BinMapper", "sklearn.ensemble._hist_gradient_boosting.binning"},
    {"check_array", "sklearn.utils.validation"},
    // Initial estimates and losses of gradient boosting, by the releases that had them.
    {"LogOddsEstimator", kOldInit},
    {"ScaledLogOddsEstimator", kOldInit},
    {"PriorProbabilityEstimator", kOldInit},
    {"MeanEstimator", kOldInit},
    {"QuantileEstimator", kOldInit},
    {"ZeroEstimator", kOldInit},
    {"BinomialDeviance", kOldLoss},
    {"MultinomialDeviance", kOldLoss},
    {"ExponentialLoss", kOldLoss},
    {"LeastSquaresError", kOldLoss},
    {"LeastAbsoluteError", kOldLoss},
    {"HuberLossFunction", kOldLoss},
    {"QuantileLossFunction", kOldLoss},
    {"LeastSquares", kHistLoss},
    {"LeastAbsoluteDeviation", kHistLoss},
    {"Poisson", kHistLoss},
    {"BinaryCrossEntropy", kHistLoss},
    {"CategoricalCrossEntropy", kHistLoss},
};

}  // namespace

std::span<const Entry> tree_entries() { return kEntries; }

}  // namespace proa::engines
