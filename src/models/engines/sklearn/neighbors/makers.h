// The makers of this folder's entries. Used by entries.cpp; each is in the file of its family.
#pragma once

#include "models/engines/sklearn/catalog.h"

namespace proa::engines::neighbors {

using Made = Result<std::unique_ptr<Estimator>>;

Made make_k_neighbors_classifier(const Attributes& a, Maker& maker);
Made make_k_neighbors_regressor(const Attributes& a, Maker& maker);
Made make_radius_neighbors_classifier(const Attributes& a, Maker& maker);
Made make_radius_neighbors_regressor(const Attributes& a, Maker& maker);
Made make_k_neighbors_transformer(const Attributes& a, Maker& maker);
Made make_radius_neighbors_transformer(const Attributes& a, Maker& maker);
Made make_local_outlier_factor(const Attributes& a, Maker& maker);
Made make_kernel_density(const Attributes& a, Maker& maker);
Made make_nearest_centroid(const Attributes& a, Maker& maker);

Made make_k_means(const Attributes& a, Maker& maker);
Made make_bisecting_k_means(const Attributes& a, Maker& maker);
Made make_birch(const Attributes& a, Maker& maker);
Made make_affinity_propagation(const Attributes& a, Maker& maker);
Made make_mean_shift(const Attributes& a, Maker& maker);
Made make_feature_agglomeration(const Attributes& a, Maker& maker);
Made make_label_propagation(const Attributes& a, Maker& maker);

}  // namespace proa::engines::neighbors
