// The catalogue's part of this folder and those in it.
#include "models/engines/sklearn/features/decomposition/makers.h"
#include "models/engines/sklearn/features/selection.h"
#include "models/engines/sklearn/features/text/makers.h"

namespace proa::engines {
namespace {

constexpr char kUnivariate[] =
    "sklearn.feature_selection._univariate_selection "
    "sklearn.feature_selection.univariate_selection";
constexpr char kRfe[] = "sklearn.feature_selection._rfe sklearn.feature_selection.rfe";
constexpr char kText[] = "sklearn.feature_extraction.text";
constexpr char kPca[] = "sklearn.decomposition._pca sklearn.decomposition.pca";
constexpr char kSparsePca[] = "sklearn.decomposition._sparse_pca sklearn.decomposition.sparse_pca";
constexpr char kNmf[] = "sklearn.decomposition._nmf sklearn.decomposition.nmf";
constexpr char kDictionary[] =
    "sklearn.decomposition._dict_learning sklearn.decomposition.dict_learning";

constexpr Entry kEntries[] = {
    {"SelectKBest", kUnivariate, make_select_k_best},
    {"SelectPercentile", kUnivariate, make_select_percentile},
    {"SelectFpr", kUnivariate, make_select_by_p},
    {"SelectFdr", kUnivariate, make_select_by_p},
    {"SelectFwe", kUnivariate, make_select_by_p},
    {"GenericUnivariateSelect", kUnivariate, make_generic_univariate},
    {"f_classif", kUnivariate},
    {"f_oneway", kUnivariate},
    {"f_regression", kUnivariate},
    {"r_regression", kUnivariate},
    {"chi2", kUnivariate},
    {"mutual_info_classif",
     "sklearn.feature_selection._mutual_info sklearn.feature_selection.mutual_info_"},
    {"mutual_info_regression",
     "sklearn.feature_selection._mutual_info sklearn.feature_selection.mutual_info_"},
    {"VarianceThreshold",
     "sklearn.feature_selection._variance_threshold sklearn.feature_selection.variance_threshold",
     make_variance_threshold},
    {"SelectFromModel",
     "sklearn.feature_selection._from_model sklearn.feature_selection.from_model",
     make_select_from_model},
    {"RFE", kRfe, make_rfe},
    {"RFECV", kRfe, make_rfe},
    {"SequentialFeatureSelector", "sklearn.feature_selection._sequential", make_support_selector},
    {"DictVectorizer",
     "sklearn.feature_extraction._dict_vectorizer sklearn.feature_extraction.dict_vectorizer",
     make_dict_vectorizer},
    {"FeatureHasher", "sklearn.feature_extraction._hash sklearn.feature_extraction.hashing",
     make_feature_hasher},
    {"CountVectorizer", kText, make_count_vectorizer},
    {"TfidfVectorizer", kText, make_tfidf_vectorizer},
    {"TfidfTransformer", kText, make_tfidf_transformer},
    {"HashingVectorizer", kText, make_hashing_vectorizer},
    {"PCA", kPca, make_pca},
    {"IncrementalPCA",
     "sklearn.decomposition._incremental_pca sklearn.decomposition.incremental_pca", make_pca},
    {"KernelPCA", "sklearn.decomposition._kernel_pca sklearn.decomposition.kernel_pca",
     make_kernel_pca},
    {"SparsePCA", kSparsePca, make_sparse_pca},
    {"MiniBatchSparsePCA", kSparsePca, make_sparse_pca},
    {"TruncatedSVD", "sklearn.decomposition._truncated_svd sklearn.decomposition.truncated_svd",
     make_truncated_svd},
    {"NMF", kNmf, make_nmf},
    {"MiniBatchNMF", kNmf, make_mini_batch_nmf},
    {"FactorAnalysis",
     "sklearn.decomposition._factor_analysis sklearn.decomposition.factor_analysis",
     make_factor_analysis},
    {"FastICA", "sklearn.decomposition._fastica sklearn.decomposition.fastica_", make_fast_ica},
    {"LatentDirichletAllocation", "sklearn.decomposition._lda sklearn.decomposition.online_lda",
     make_lda},
    {"DictionaryLearning", kDictionary, make_dictionary},
    {"MiniBatchDictionaryLearning", kDictionary, make_dictionary},
    {"SparseCoder", kDictionary, make_dictionary},
    {"RBFSampler", "sklearn.kernel_approximation", make_rbf_sampler},
    {"SkewedChi2Sampler", "sklearn.kernel_approximation", make_skewed_chi2_sampler},
    {"AdditiveChi2Sampler", "sklearn.kernel_approximation", make_additive_chi2_sampler},
    {"PolynomialCountSketch", "sklearn.kernel_approximation", make_polynomial_count_sketch},
    {"Nystroem", "sklearn.kernel_approximation", make_nystroem},
    {"GaussianRandomProjection", "sklearn.random_projection", make_random_projection},
    {"SparseRandomProjection", "sklearn.random_projection", make_random_projection},
    {"Isomap", "sklearn.manifold._isomap sklearn.manifold.isomap", make_isomap},
    {"LocallyLinearEmbedding", "sklearn.manifold._locally_linear sklearn.manifold.locally_linear",
     make_locally_linear_embedding},
    {"NeighborhoodComponentsAnalysis", "sklearn.neighbors._nca sklearn.neighbors.nca", make_nca},
};

}  // namespace

std::span<const Entry> feature_entries() { return kEntries; }

}  // namespace proa::engines
