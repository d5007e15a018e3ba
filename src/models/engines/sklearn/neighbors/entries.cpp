// The catalogue's part of this folder.
#include "models/engines/sklearn/neighbors/makers.h"

namespace proa::engines {
namespace {

using namespace neighbors;

constexpr std::string_view kTrees =
    "sklearn.neighbors._kd_tree sklearn.neighbors.kd_tree sklearn.neighbors._ball_tree "
    "sklearn.neighbors.ball_tree";
constexpr std::string_view kDistances =
    "sklearn.metrics._dist_metrics sklearn.neighbors._dist_metrics sklearn.neighbors.dist_metrics";
constexpr std::string_view kBirch = "sklearn.cluster._birch sklearn.cluster.birch";

constexpr Entry kEntries[] = {
    {"KNeighborsClassifier", "sklearn.neighbors._classification sklearn.neighbors.classification",
     make_k_neighbors_classifier},
    {"KNeighborsRegressor", "sklearn.neighbors._regression sklearn.neighbors.regression",
     make_k_neighbors_regressor},
    {"RadiusNeighborsClassifier",
     "sklearn.neighbors._classification sklearn.neighbors.classification",
     make_radius_neighbors_classifier},
    {"RadiusNeighborsRegressor", "sklearn.neighbors._regression sklearn.neighbors.regression",
     make_radius_neighbors_regressor},
    {"KNeighborsTransformer", "sklearn.neighbors._graph sklearn.neighbors.graph",
     make_k_neighbors_transformer},
    {"RadiusNeighborsTransformer", "sklearn.neighbors._graph sklearn.neighbors.graph",
     make_radius_neighbors_transformer},
    {"LocalOutlierFactor", "sklearn.neighbors._lof sklearn.neighbors.lof",
     make_local_outlier_factor},
    {"KernelDensity", "sklearn.neighbors._kde sklearn.neighbors.kde", make_kernel_density},
    {"NearestCentroid", "sklearn.neighbors._nearest_centroid sklearn.neighbors.nearest_centroid",
     make_nearest_centroid},
    {"KMeans", "sklearn.cluster._kmeans sklearn.cluster.k_means_", make_k_means},
    {"MiniBatchKMeans", "sklearn.cluster._kmeans sklearn.cluster.k_means_", make_k_means},
    {"BisectingKMeans", "sklearn.cluster._bisect_k_means", make_bisecting_k_means},
    {"Birch", kBirch, make_birch},
    {"AffinityPropagation",
     "sklearn.cluster._affinity_propagation sklearn.cluster.affinity_propagation_",
     make_affinity_propagation},
    {"MeanShift", "sklearn.cluster._mean_shift sklearn.cluster.mean_shift_", make_mean_shift},
    {"FeatureAgglomeration",
     "sklearn.cluster._agglomerative sklearn.cluster._hierarchical sklearn.cluster.hierarchical",
     make_feature_agglomeration},
    {"LabelPropagation",
     "sklearn.semi_supervised._label_propagation sklearn.semi_supervised.label_propagation",
     make_label_propagation},
    {"LabelSpreading",
     "sklearn.semi_supervised._label_propagation sklearn.semi_supervised.label_propagation",
     make_label_propagation},

    {"NearestNeighbors", "sklearn.neighbors._unsupervised sklearn.neighbors.unsupervised"},
    {"_BisectingTree", "sklearn.cluster._bisect_k_means"},
    {"_kmeans_single_lloyd", "sklearn.cluster._kmeans"},
    {"_kmeans_single_elkan", "sklearn.cluster._kmeans"},
    {"_CFNode", kBirch},
    {"_CFSubcluster", kBirch},
    {"newObj", kTrees},
    {"KDTree", kTrees},
    {"KDTree64", kTrees},
    {"KDTree32", kTrees},
    {"BinaryTree", kTrees},
    {"BinaryTree64", kTrees},
    {"BallTree", kTrees},
    {"BallTree64", kTrees},
    {"BallTree32", kTrees},
    {"newObj", kDistances},
    {"DistanceMetric", kDistances},
    {"DistanceMetric64", kDistances},
    {"mean", "numpy"},
    {"median", "numpy"},
    {"sum", "numpy"},
    {"max", "numpy"},
    {"min", "numpy"},
    {"amax", "numpy"},
    {"amin", "numpy"},
};

}  // namespace

std::span<const Entry> neighbor_entries() { return kEntries; }

}  // namespace proa::engines
