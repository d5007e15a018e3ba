#include "models/engines/parts.h"

#include <vector>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

// Modules and names, both blank-separated: every pair of them is meant.
struct Group {
  std::string_view modules, names;
};

constexpr Group kGroups[] = {
    // Scorers, of searches and thresholds.
    {"sklearn.metrics._scorer sklearn.metrics.scorer",
     "_PassthroughScorer _PredictScorer _ProbaScorer _Scorer _ThresholdScorer _CurveScorer "
     "_BaseScorer _MultimetricScorer _passthrough_scorer"},
    {"sklearn.metrics._classification sklearn.metrics.classification",
     "accuracy_score balanced_accuracy_score brier_score_loss d2_log_loss_score d2_brier_score "
     "f1_score fbeta_score jaccard_score jaccard_similarity_score log_loss matthews_corrcoef "
     "precision_score recall_score cohen_kappa_score zero_one_loss hamming_loss hinge_loss"},
    {"sklearn.metrics._ranking sklearn.metrics.ranking",
     "average_precision_score roc_auc_score top_k_accuracy_score ndcg_score dcg_score "
     "label_ranking_average_precision_score"},
    {"sklearn.metrics._regression sklearn.metrics.regression",
     "d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score "
     "max_error mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance "
     "mean_pinball_loss mean_poisson_deviance mean_tweedie_deviance mean_squared_error "
     "mean_squared_log_error median_absolute_error r2_score root_mean_squared_error "
     "root_mean_squared_log_error"},
    {"sklearn.metrics._scorer", "neg_root_mean_squared_error"},
    {"sklearn.metrics.cluster._supervised sklearn.metrics.cluster.supervised",
     "adjusted_mutual_info_score adjusted_rand_score completeness_score fowlkes_mallows_score "
     "homogeneity_score mutual_info_score normalized_mutual_info_score rand_score "
     "v_measure_score"},
    {"sklearn.metrics.cluster._unsupervised sklearn.metrics.cluster.unsupervised",
     "silhouette_score davies_bouldin_score calinski_harabasz_score"},
    // Splitters, of searches and cross-validated estimators.
    {"sklearn.model_selection._split",
     "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut "
     "PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold "
     "StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit _CVIterableWrapper"},
    {"sklearn.model_selection._search_successive_halving", "_SubsampleMetaSplitter"},
    {"sklearn.model_selection._search_successive_halving", "_refit_callable"},
    {"sklearn.cluster._kmeans", "_kmeans_single_lloyd _kmeans_single_elkan"},
    {"sklearn.model_selection._search", "ParameterGrid ParameterSampler _CVScoreTuple"},
    // Losses and links of generalised linear models and boosting.
    {"_loss sklearn._loss._loss",
     "CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss CyHalfMultinomialLoss "
     "CyHalfPoissonLoss CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity "
     "CyHuberLoss CyPinballLoss CyLossFunction __pyx_unpickle_CyAbsoluteError "
     "__pyx_unpickle_CyExponentialLoss __pyx_unpickle_CyHalfBinomialLoss "
     "__pyx_unpickle_CyHalfGammaLoss __pyx_unpickle_CyHalfMultinomialLoss "
     "__pyx_unpickle_CyHalfPoissonLoss __pyx_unpickle_CyHalfSquaredError "
     "__pyx_unpickle_CyHalfTweedieLoss __pyx_unpickle_CyHalfTweedieLossIdentity "
     "__pyx_unpickle_CyHuberLoss __pyx_unpickle_CyPinballLoss __pyx_unpickle_CyLossFunction"},
    {"sklearn._loss.link",
     "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit"},
    {"sklearn._loss.loss",
     "AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss "
     "HalfPoissonLoss HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss "
     "PinballLoss"},
    {"sklearn._loss.glm_distribution",
     "DistributionBoundary ExponentialDispersionModel GammaDistribution "
     "InverseGaussianDistribution NormalDistribution PoissonDistribution TweedieDistribution"},
    {"sklearn.linear_model._glm.link", "IdentityLink LogLink LogitLink"},
    // Distances of trees of neighbours.
    {"sklearn.metrics._dist_metrics sklearn.neighbors._dist_metrics "
     "sklearn.neighbors.dist_metrics",
     "newObj DistanceMetric DistanceMetric64 DistanceMetric32 BrayCurtisDistance "
     "BrayCurtisDistance64 BrayCurtisDistance32 CanberraDistance CanberraDistance64 "
     "CanberraDistance32 ChebyshevDistance ChebyshevDistance64 ChebyshevDistance32 DiceDistance "
     "DiceDistance64 DiceDistance32 EuclideanDistance EuclideanDistance64 EuclideanDistance32 "
     "HammingDistance HammingDistance64 HammingDistance32 HaversineDistance HaversineDistance64 "
     "HaversineDistance32 JaccardDistance JaccardDistance64 JaccardDistance32 KulsinskiDistance "
     "KulsinskiDistance64 KulsinskiDistance32 MahalanobisDistance MahalanobisDistance64 "
     "MahalanobisDistance32 ManhattanDistance ManhattanDistance64 ManhattanDistance32 "
     "MatchingDistance MatchingDistance64 MatchingDistance32 MinkowskiDistance "
     "MinkowskiDistance64 MinkowskiDistance32 RogersTanimotoDistance RogersTanimotoDistance64 "
     "RogersTanimotoDistance32 RussellRaoDistance RussellRaoDistance64 RussellRaoDistance32 "
     "SEuclideanDistance SEuclideanDistance64 SEuclideanDistance32 SokalMichenerDistance "
     "SokalMichenerDistance64 SokalMichenerDistance32 SokalSneathDistance SokalSneathDistance64 "
     "SokalSneathDistance32 WMinkowskiDistance WMinkowskiDistance64 WMinkowskiDistance32 "
     "PyFuncDistance PyFuncDistance64 PyFuncDistance32"},
    // Containers and metadata.
    {"sklearn.utils sklearn.utils._bunch", "Bunch"},
    {"sklearn.utils._metadata_requests",
     "MetadataRequest MethodMetadataRequest MetadataRouter MethodMapping MethodPair "
     "RouterMappingPair"},
    {"sklearn.utils.deprecation", "deprecated DeprecationDict"},
    {"sklearn.utils._tags",
     "Tags TargetTags InputTags ClassifierTags RegressorTags TransformerTags"},
    {"sklearn.compose._column_transformer", "make_column_selector _RemainderColsList"},
};

}  // namespace

std::span<const Entry> part_entries() {
  static const std::vector<Entry> entries = [] {
    std::vector<Entry> out;
    for (const Group& g : kGroups)
      for (std::string_view name : split(g.names, ' ')) out.push_back({name, g.modules, nullptr});
    return out;
  }();
  return entries;
}

}  // namespace proa::engines
