// The makers of this folder: decomposition, kernel approximation, projections, manifolds. Used by
// the entries of features.
#pragma once

#include "models/engines/sklearn/catalog.h"

namespace proa::engines {

using Made = Result<std::unique_ptr<Estimator>>;

Made make_pca(const Attributes& a, Maker& maker);  // IncrementalPCA too
Made make_truncated_svd(const Attributes& a, Maker& maker);
Made make_fast_ica(const Attributes& a, Maker& maker);
Made make_factor_analysis(const Attributes& a, Maker& maker);
Made make_sparse_pca(const Attributes& a, Maker& maker);
Made make_nca(const Attributes& a, Maker& maker);
Made make_random_projection(const Attributes& a, Maker& maker);
Made make_kernel_pca(const Attributes& a, Maker& maker);
Made make_nystroem(const Attributes& a, Maker& maker);
Made make_nmf(const Attributes& a, Maker& maker);
Made make_mini_batch_nmf(const Attributes& a, Maker& maker);
Made make_lda(const Attributes& a, Maker& maker);
Made make_dictionary(const Attributes& a, Maker& maker);  // DictionaryLearning, SparseCoder
Made make_rbf_sampler(const Attributes& a, Maker& maker);
Made make_skewed_chi2_sampler(const Attributes& a, Maker& maker);
Made make_additive_chi2_sampler(const Attributes& a, Maker& maker);
Made make_polynomial_count_sketch(const Attributes& a, Maker& maker);
Made make_isomap(const Attributes& a, Maker& maker);
Made make_locally_linear_embedding(const Attributes& a, Maker& maker);

}  // namespace proa::engines
