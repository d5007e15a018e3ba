"""Naive Bayes, Gaussian processes, neural networks, mixtures, and outliers by covariance."""

import numpy as np
from scipy import sparse

from samples import Data, fitted


def naive_bayes(d):
    for label, y in (("2", d.two), ("3 texts", d.texts)):
        yield from fitted(label, "GaussianNB", d.x, y, d.rows)
        for name in ("MultinomialNB", "ComplementNB"):
            yield from fitted(label, name, d.counts, y, d.count_rows)
        yield from fitted(label, "BernoulliNB", d.counts, y, d.count_rows, binarize=1.0)
        yield from fitted("as is " + label, "BernoulliNB", d.bits, y, d.bit_rows, binarize=None)
        yield from fitted("norm " + label, "ComplementNB", d.counts, y, d.count_rows, norm=True)
        yield from fitted(label, "CategoricalNB", d.bits, y, d.bit_rows)
    yield from fitted(
        "of counts",
        "CategoricalNB",
        np.r_[d.count_rows, d.counts],
        np.r_[np.arange(len(d.count_rows)) % 2, d.two],
        d.count_rows,
    )
    yield from fitted("unseen", "CategoricalNB", d.bits, d.two, d.bit_rows + 1)
    yield from fitted("sparse", "MultinomialNB", sparse.csr_matrix(d.counts), d.three, d.count_rows)
    yield from fitted("flat prior", "MultinomialNB", d.counts, d.three, d.count_rows, fit_prior=False)
    for name in ("GaussianNB", "MultinomialNB", "ComplementNB", "BernoulliNB"):
        yield from fitted("of one class", name, d.counts, np.zeros(len(d.counts), int), d.count_rows)


def processes(d):
    from sklearn.gaussian_process import kernels as k

    every = {
        "RBF": k.RBF(1.3),
        "ARD": k.RBF(np.array([1.0, 2, 3, 0.5, 1])),
        "noise": k.ConstantKernel(2.0) * k.RBF(1.0) + k.WhiteKernel(0.1),
        "Matern 0.5": k.Matern(1.2, nu=0.5),
        "Matern 1.5": k.Matern(1.2, nu=1.5),
        "Matern 2.5": k.Matern([1.0, 2, 1, 1, 2], nu=2.5),
        "Matern inf": k.Matern(1.2, nu=np.inf),
        "Matern 0.7": k.Matern(1.2, nu=0.7),
        "Matern 3.3": k.Matern(2.2, nu=3.3),
        "RationalQuadratic": k.RationalQuadratic(1.1, 0.7),
        "ExpSineSquared": k.ExpSineSquared(1.2, 2.0) + k.WhiteKernel(1.0),
        "DotProduct": k.DotProduct(0.7) + k.WhiteKernel(0.5),
        "Exponentiation": k.Exponentiation(k.DotProduct(1.0) + 1.0, 2) + k.WhiteKernel(1.0),
        "pairwise": k.PairwiseKernel(gamma=0.5, metric="rbf"),
        "laplacian": k.PairwiseKernel(gamma=0.5, metric="laplacian"),
        "polynomial": k.PairwiseKernel(gamma=0.5, metric="polynomial", pairwise_kernels_kwargs={"degree": 2})
        + k.WhiteKernel(1.0),
        "cosine": k.PairwiseKernel(metric="cosine") + k.WhiteKernel(1.0),
    }
    binary = (
        "RBF",
        "noise",
        "Matern 1.5",
        "Matern 2.5",
        "RationalQuadratic",
        "DotProduct",
        "pairwise",
        "Exponentiation",
    )
    for name in every:
        yield from fitted(
            name, "GaussianProcessRegressor", d.x, d.y, d.rows, kernel=every[name], alpha=1e-2, normalize_y=True
        )
        if name in binary:
            yield from fitted(name, "GaussianProcessClassifier", d.x, d.two, d.rows, kernel=every[name])
    yield from fitted("of two targets", "GaussianProcessRegressor", d.x, d.y2, d.rows, alpha=0.1)
    yield from fitted("of a column", "GaussianProcessRegressor", d.x, d.y[:, None], d.rows, alpha=0.1)
    yield from fitted("", "GaussianProcessRegressor", d.x, d.y, d.rows, alpha=0.1, optimizer=None)
    yield from fitted("3", "GaussianProcessClassifier", d.x, d.texts, d.rows[:17])
    yield from fitted(
        "3 one_vs_one",
        "GaussianProcessClassifier",
        d.x,
        d.three,
        d.rows[:17],
        multi_class="one_vs_one",
        kernel=k.RBF(1.0),
    )
    yield from fitted("2 texts", "GaussianProcessClassifier", d.x, d.two_texts, d.rows)


def networks(d):
    for activation in "identity logistic tanh relu".split():
        yield from fitted(
            activation + " 2",
            "MLPClassifier",
            d.x,
            d.two,
            d.rows,
            activation=activation,
            max_iter=30,
            hidden_layer_sizes=(7, 9),
            random_state=1,
        )
        yield from fitted(
            activation + " 3",
            "MLPClassifier",
            d.x,
            d.texts,
            d.rows,
            activation=activation,
            max_iter=30,
            random_state=2,
        )
        yield from fitted(
            activation,
            "MLPRegressor",
            d.x,
            d.y,
            d.rows,
            activation=activation,
            max_iter=30,
            random_state=1,
            hidden_layer_sizes=(20, 3, 5),
        )
    yield from fitted("several", "MLPClassifier", d.x, d.several, d.rows, max_iter=50, random_state=1)
    yield from fitted("two targets", "MLPRegressor", d.x, d.y2, d.rows, max_iter=30, solver="lbfgs")
    yield from fitted("poisson", "MLPRegressor", d.x, np.round(d.positive), d.rows, max_iter=30, loss="poisson")
    yield from fitted("stopped early", "MLPClassifier", d.x, d.three, d.rows, early_stopping=True, solver="sgd")
    yield from fitted("sparse", "MLPClassifier", sparse.csr_matrix(d.x), d.texts, d.rows, max_iter=20)
    yield from fitted("column", "MLPRegressor", d.x, d.y[:, None], d.rows, max_iter=20)
    for name, estimator, rows, _ in fitted(
        "", "BernoulliRBM", d.bits, None, d.bit_rows, n_components=4, n_iter=5, random_state=0
    ):
        yield name, estimator, rows, ["transform"]


def densities(d):
    for kind in "full tied diag spherical".split():
        yield from fitted(
            kind, "GaussianMixture", d.x, None, d.rows, n_components=3, covariance_type=kind, random_state=0
        )
        for prior in ("dirichlet_process", "dirichlet_distribution"):
            yield from fitted(
                kind + " " + prior,
                "BayesianGaussianMixture",
                d.x,
                None,
                d.rows,
                n_components=3,
                covariance_type=kind,
                random_state=0,
                weight_concentration_prior_type=prior,
            )
    yield from fitted("of one component", "GaussianMixture", d.x, None, d.rows)
    yield from fitted("", "EllipticEnvelope", d.x, None, d.rows, random_state=0)
    yield from fitted(
        "without precision",
        "EllipticEnvelope",
        d.x,
        None,
        d.rows,
        store_precision=False,
        random_state=0,
        contamination=0.3,
    )


def cases(seed):
    d = Data(seed)
    for group in (naive_bayes, processes, networks, densities):
        yield from group(d)
