// The makers of this folder, for its entries. Private to it.
#pragma once

#include "models/engines/sklearn/catalog.h"

namespace proa::engines {

using Made = Result<std::unique_ptr<Estimator>>;

Made make_standard_scaler(const Attributes& a, Maker& maker);
Made make_robust_scaler(const Attributes& a, Maker& maker);
Made make_min_max_scaler(const Attributes& a, Maker& maker);
Made make_max_abs_scaler(const Attributes& a, Maker& maker);
Made make_normalizer(const Attributes& a, Maker& maker);
Made make_binarizer(const Attributes& a, Maker& maker);
Made make_kernel_centerer(const Attributes& a, Maker& maker);
Made make_power_transformer(const Attributes& a, Maker& maker);
Made make_quantile_transformer(const Attributes& a, Maker& maker);
Made make_polynomial_features(const Attributes& a, Maker& maker);
Made make_spline_transformer(const Attributes& a, Maker& maker);
Made make_k_bins_discretizer(const Attributes& a, Maker& maker);
Made make_one_hot_encoder(const Attributes& a, Maker& maker);
Made make_ordinal_encoder(const Attributes& a, Maker& maker);
Made make_target_encoder(const Attributes& a, Maker& maker);
Made make_label_encoder(const Attributes& a, Maker& maker);
Made make_label_binarizer(const Attributes& a, Maker& maker);
Made make_multi_label_binarizer(const Attributes& a, Maker& maker);
Made make_function_transformer(const Attributes& a, Maker& maker);
Made make_simple_imputer(const Attributes& a, Maker& maker);
Made make_missing_indicator(const Attributes& a, Maker& maker);
Made make_knn_imputer(const Attributes& a, Maker& maker);
Made make_iterative_imputer(const Attributes& a, Maker& maker);

}  // namespace proa::engines
