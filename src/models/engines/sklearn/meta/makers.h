// The makers of this folder's entries. Used by entries.cpp; each is in the file of its family.
#pragma once

#include "models/engines/sklearn/catalog.h"

namespace proa::engines::meta {

using Made = Result<std::unique_ptr<Estimator>>;

Made make_pipeline(const Attributes& a, Maker& maker);
Made make_feature_union(const Attributes& a, Maker& maker);
Made make_column_transformer(const Attributes& a, Maker& maker);
Made make_transformed_target(const Attributes& a, Maker& maker);

Made make_one_vs_rest(const Attributes& a, Maker& maker);
Made make_one_vs_one(const Attributes& a, Maker& maker);
Made make_output_code(const Attributes& a, Maker& maker);
Made make_constant_predictor(const Attributes& a, Maker& maker);

Made make_multi_output_classifier(const Attributes& a, Maker& maker);
Made make_multi_output_regressor(const Attributes& a, Maker& maker);
Made make_classifier_chain(const Attributes& a, Maker& maker);
Made make_regressor_chain(const Attributes& a, Maker& maker);

Made make_voting_classifier(const Attributes& a, Maker& maker);
Made make_voting_regressor(const Attributes& a, Maker& maker);
Made make_stacking_classifier(const Attributes& a, Maker& maker);
Made make_stacking_regressor(const Attributes& a, Maker& maker);
Made make_bagging_classifier(const Attributes& a, Maker& maker);
Made make_bagging_regressor(const Attributes& a, Maker& maker);
Made make_ada_boost_classifier(const Attributes& a, Maker& maker);
Made make_ada_boost_regressor(const Attributes& a, Maker& maker);

Made make_calibrated(const Attributes& a, Maker& maker);
Made make_search(const Attributes& a, Maker& maker);
Made make_self_training(const Attributes& a, Maker& maker);
Made make_frozen(const Attributes& a, Maker& maker);
Made make_fixed_threshold(const Attributes& a, Maker& maker);
Made make_tuned_threshold(const Attributes& a, Maker& maker);

// transformer_weights[name], or 1.
Result<double> weight_of(const Attributes& a, std::string_view name);

}  // namespace proa::engines::meta
