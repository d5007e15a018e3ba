// The catalogue's part of this folder: each class with the modules that held it since 0.20.
#include "models/engines/sklearn/bayes/makers.h"

namespace proa::engines {
namespace {

using namespace bayes;  // the makers

constexpr Entry kEntries[] = {
    // naive_bayes
    {"GaussianNB", "sklearn.naive_bayes", make_gaussian_nb},
    {"MultinomialNB", "sklearn.naive_bayes", make_multinomial_nb},
    {"ComplementNB", "sklearn.naive_bayes", make_complement_nb},
    {"BernoulliNB", "sklearn.naive_bayes", make_bernoulli_nb},
    {"CategoricalNB", "sklearn.naive_bayes", make_categorical_nb},
    // gaussian_process
    {"GaussianProcessRegressor", "sklearn.gaussian_process._gpr sklearn.gaussian_process.gpr",
     make_process_regressor},
    {"GaussianProcessClassifier", "sklearn.gaussian_process._gpc sklearn.gaussian_process.gpc",
     make_process_classifier},
    {"_BinaryGaussianProcessClassifierLaplace",
     "sklearn.gaussian_process._gpc sklearn.gaussian_process.gpc", make_laplace_classifier},
    {"ConstantKernel", "sklearn.gaussian_process.kernels"},
    {"WhiteKernel", "sklearn.gaussian_process.kernels"},
    {"RBF", "sklearn.gaussian_process.kernels"},
    {"Matern", "sklearn.gaussian_process.kernels"},
    {"RationalQuadratic", "sklearn.gaussian_process.kernels"},
    {"ExpSineSquared", "sklearn.gaussian_process.kernels"},
    {"DotProduct", "sklearn.gaussian_process.kernels"},
    {"PairwiseKernel", "sklearn.gaussian_process.kernels"},
    {"Sum", "sklearn.gaussian_process.kernels"},
    {"Product", "sklearn.gaussian_process.kernels"},
    {"Exponentiation", "sklearn.gaussian_process.kernels"},
    {"CompoundKernel", "sklearn.gaussian_process.kernels"},
    {"Hyperparameter", "sklearn.gaussian_process.kernels"},
    // neural_network
    {"MLPClassifier",
     "sklearn.neural_network._multilayer_perceptron "
     "sklearn.neural_network.multilayer_perceptron",
     make_mlp_classifier},
    {"MLPRegressor",
     "sklearn.neural_network._multilayer_perceptron "
     "sklearn.neural_network.multilayer_perceptron",
     make_mlp_regressor},
    {"BernoulliRBM", "sklearn.neural_network._rbm sklearn.neural_network.rbm",
     make_boltzmann_machine},
    {"AdamOptimizer", "sklearn.neural_network._stochastic_optimizers"},
    {"SGDOptimizer", "sklearn.neural_network._stochastic_optimizers"},
    // mixture
    {"GaussianMixture", "sklearn.mixture._gaussian_mixture sklearn.mixture.gaussian_mixture",
     make_mixture},
    {"BayesianGaussianMixture",
     "sklearn.mixture._bayesian_mixture sklearn.mixture.bayesian_mixture", make_bayesian_mixture},
    // covariance; those without a maker predict nothing, but stand in other estimators
    {"EllipticEnvelope",
     "sklearn.covariance._elliptic_envelope "
     "sklearn.covariance.elliptic_envelope",
     make_elliptic_envelope},
    {"EmpiricalCovariance",
     "sklearn.covariance._empirical_covariance sklearn.covariance.empirical_covariance_"},
    {"ShrunkCovariance",
     "sklearn.covariance._shrunk_covariance sklearn.covariance.shrunk_covariance_"},
    {"LedoitWolf", "sklearn.covariance._shrunk_covariance sklearn.covariance.shrunk_covariance_"},
    {"OAS", "sklearn.covariance._shrunk_covariance sklearn.covariance.shrunk_covariance_"},
    {"MinCovDet", "sklearn.covariance._robust_covariance sklearn.covariance.robust_covariance"},
    {"GraphicalLasso", "sklearn.covariance._graph_lasso sklearn.covariance.graph_lasso_"},
    {"GraphicalLassoCV", "sklearn.covariance._graph_lasso sklearn.covariance.graph_lasso_"},
    {"_DictWithDeprecatedKeys", "sklearn.covariance._graph_lasso sklearn.covariance.graph_lasso_"},
};

}  // namespace

std::span<const Entry> bayes_entries() { return kEntries; }

}  // namespace proa::engines
