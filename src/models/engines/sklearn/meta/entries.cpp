// The catalogue's part of this folder.
#include "models/engines/sklearn/meta/makers.h"

namespace proa::engines {
namespace {

using namespace meta;

constexpr Entry kEntries[] = {
    {"Pipeline", "sklearn.pipeline", make_pipeline},
    {"FeatureUnion", "sklearn.pipeline", make_feature_union},
    {"ColumnTransformer", "sklearn.compose._column_transformer", make_column_transformer},
    {"TransformedTargetRegressor", "sklearn.compose._target", make_transformed_target},
    {"OneVsRestClassifier", "sklearn.multiclass", make_one_vs_rest},
    {"OneVsOneClassifier", "sklearn.multiclass", make_one_vs_one},
    {"OutputCodeClassifier", "sklearn.multiclass", make_output_code},
    {"_ConstantPredictor", "sklearn.multiclass", make_constant_predictor},
    {"MultiOutputClassifier", "sklearn.multioutput", make_multi_output_classifier},
    {"MultiOutputRegressor", "sklearn.multioutput", make_multi_output_regressor},
    {"ClassifierChain", "sklearn.multioutput", make_classifier_chain},
    {"RegressorChain", "sklearn.multioutput", make_regressor_chain},
    {"VotingClassifier",
     "sklearn.ensemble._voting sklearn.ensemble.voting sklearn.ensemble.voting_classifier",
     make_voting_classifier},
    {"VotingRegressor", "sklearn.ensemble._voting sklearn.ensemble.voting", make_voting_regressor},
    {"StackingClassifier", "sklearn.ensemble._stacking", make_stacking_classifier},
    {"StackingRegressor", "sklearn.ensemble._stacking", make_stacking_regressor},
    {"BaggingClassifier", "sklearn.ensemble._bagging sklearn.ensemble.bagging",
     make_bagging_classifier},
    {"BaggingRegressor", "sklearn.ensemble._bagging sklearn.ensemble.bagging",
     make_bagging_regressor},
    {"AdaBoostClassifier", "sklearn.ensemble._weight_boosting sklearn.ensemble.weight_boosting",
     make_ada_boost_classifier},
    {"AdaBoostRegressor", "sklearn.ensemble._weight_boosting sklearn.ensemble.weight_boosting",
     make_ada_boost_regressor},
    {"CalibratedClassifierCV", "sklearn.calibration", make_calibrated},
    {"GridSearchCV", "sklearn.model_selection._search", make_search},
    {"RandomizedSearchCV", "sklearn.model_selection._search", make_search},
    {"HalvingGridSearchCV", "sklearn.model_selection._search_successive_halving", make_search},
    {"HalvingRandomSearchCV", "sklearn.model_selection._search_successive_halving", make_search},
    {"SelfTrainingClassifier", "sklearn.semi_supervised._self_training", make_self_training},
    {"FrozenEstimator", "sklearn.frozen._frozen", make_frozen},
    {"FixedThresholdClassifier", "sklearn.model_selection._classification_threshold",
     make_fixed_threshold},
    {"TunedThresholdClassifierCV", "sklearn.model_selection._classification_threshold",
     make_tuned_threshold},

    {"_CalibratedClassifier", "sklearn.calibration"},
    {"_SigmoidCalibration", "sklearn.calibration"},
    {"_TemperatureScaling", "sklearn.calibration"},
    {"_RemainderColsList", "sklearn.compose._column_transformer"},
    {"make_column_selector", "sklearn.compose._column_transformer"},
    {"_CurveScorer", "sklearn.metrics._scorer sklearn.model_selection._classification_threshold"},
    {"Bunch", "sklearn.utils sklearn.utils._bunch sklearn.datasets.base"},
    {"slice", "builtins __builtin__"},
    {"FutureWarning", "builtins exceptions"},
};

}  // namespace

std::span<const Entry> meta_entries() { return kEntries; }

}  // namespace proa::engines
