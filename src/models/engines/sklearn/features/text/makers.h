// The makers of this folder: sklearn.feature_extraction. Used by the entries of features.
#pragma once

#include "models/engines/sklearn/catalog.h"

namespace proa::engines {

Result<std::unique_ptr<Estimator>> make_count_vectorizer(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_tfidf_vectorizer(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_tfidf_transformer(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_hashing_vectorizer(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_feature_hasher(const Attributes& a, Maker& maker);
Result<std::unique_ptr<Estimator>> make_dict_vectorizer(const Attributes& a, Maker& maker);

}  // namespace proa::engines
