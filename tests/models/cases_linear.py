"""Linear models, support vector machines, discriminants, PLS, isotonic regression and dummies."""

import warnings

import numpy as np
import sklearn
from scipy import sparse

from compare_estimators import all_classes
from samples import Data, fitted


def regressors(d):
    single = """LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV Lars LarsCV LassoLars LassoLarsCV
        LassoLarsIC OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV BayesianRidge ARDRegression HuberRegressor
        TheilSenRegressor QuantileRegressor SGDRegressor PassiveAggressiveRegressor RANSACRegressor LinearSVR"""
    several = """LinearRegression Ridge RidgeCV Lasso ElasticNet Lars LassoLars OrthogonalMatchingPursuit MultiTaskLasso
        MultiTaskElasticNet MultiTaskLassoCV MultiTaskElasticNetCV RANSACRegressor"""
    for name in single.split():
        yield from fitted("", name, d.x, d.y, d.rows)
    for name in several.split():
        yield from fitted("of two targets", name, d.x, d.y2, d.rows)
    for name in "LinearRegression Ridge Lasso ElasticNet Lars OrthogonalMatchingPursuit".split():
        yield from fitted("of a column", name, d.x, d.y[:, None], d.rows)
        yield from fitted("without intercept", name, d.x, d.y, d.rows, fit_intercept=False)
    yield from fitted("of one feature", "LinearRegression", d.x[:, :1], d.y, d.rows[:, :1])
    yield from fitted("sparse", "Ridge", sparse.csr_matrix(d.x), d.y, d.rows)
    yield from fitted("sparse", "Lasso", sparse.csc_matrix(d.x), d.y, d.rows)
    yield from fitted("", "PoissonRegressor", d.x, d.positive, d.rows)
    yield from fitted("", "GammaRegressor", d.x, d.positive, d.rows)
    for power, link in ((0, "auto"), (1.5, "auto"), (2, "log"), (0, "log"), (0, "identity"), (1.9, "log")):
        yield from fitted(
            "%s %s" % (power, link), "TweedieRegressor", d.x, d.positive, d.rows, power=power, link=link
        )
    for loss in "huber epsilon_insensitive squared_epsilon_insensitive".split():
        yield from fitted(loss, "SGDRegressor", d.x, d.y, d.rows, loss=loss, average=True)
    yield from fitted("", "SGDOneClassSVM", d.x, None, d.rows, nu=0.2)


def classifiers(d):
    targets = (
        ("2", d.two),
        ("3 texts", d.texts),
        ("2 texts", d.two_texts),
        ("3 floats", d.three * 1.0),
        ("bool", d.two > 0),
    )
    for name in """LogisticRegression LogisticRegressionCV Perceptron PassiveAggressiveClassifier SGDClassifier
            RidgeClassifier RidgeClassifierCV LinearSVC""".split():
        for label, y in targets:
            yield from fitted(label, name, d.x, y, d.rows)
    for solver in "liblinear lbfgs newton-cg sag saga newton-cholesky".split():
        yield from fitted("3 " + solver, "LogisticRegression", d.x, d.three, d.rows, solver=solver)
        yield from fitted("2 " + solver, "LogisticRegression", d.x, d.two, d.rows, solver=solver)
    for way in "ovr multinomial auto".split():
        yield from fitted("3 " + way, "LogisticRegression", d.x, d.three, d.rows, solver="lbfgs", multi_class=way)
        yield from fitted("2 " + way, "LogisticRegression", d.x, d.two, d.rows, solver="lbfgs", multi_class=way)
        yield from fitted("3 " + way, "LogisticRegressionCV", d.x, d.three, d.rows, multi_class=way, cv=3)
    yield from fitted("sparse", "LogisticRegression", sparse.csr_matrix(d.x), d.three, d.rows)
    for loss in "hinge log log_loss modified_huber squared_hinge perceptron huber".split():
        for label, y in (("2", d.two), ("3", d.three), ("3 texts", d.texts)):
            yield from fitted(loss + " " + label, "SGDClassifier", d.x, y, d.rows, loss=loss, random_state=1)
    for name in ("RidgeClassifier", "RidgeClassifierCV"):
        yield from fitted("several", name, d.x, d.several, d.rows)
    for y in (d.two, d.three):
        yield from fitted("crammer_singer", "LinearSVC", d.x, y, d.rows, multi_class="crammer_singer")
    yield from fitted("without intercept", "LinearSVC", d.x, d.three, d.rows, fit_intercept=False)


def machines(d):
    sparse_x = sparse.csr_matrix(d.x)
    for kernel in "linear poly rbf sigmoid".split():
        for name in ("SVC", "NuSVC"):
            for label, y in (("2", d.two), ("3", d.three), ("3 texts", d.texts)):
                yield from fitted(
                    kernel + " " + label,
                    name,
                    d.x,
                    y,
                    d.rows,
                    kernel=kernel,
                    gamma="scale",
                    probability=True,
                    random_state=0,
                )
                yield from fitted(
                    kernel + " ovo " + label,
                    name,
                    d.x,
                    y,
                    d.rows,
                    kernel=kernel,
                    gamma="auto",
                    decision_function_shape="ovo",
                )
            yield from fitted(
                kernel + " sparse", name, sparse_x, d.three, d.rows, kernel=kernel, gamma="scale", probability=True
            )
        for name in ("SVR", "NuSVR"):
            yield from fitted(kernel, name, d.x, d.y, d.rows, kernel=kernel, gamma="scale")
            yield from fitted(kernel + " sparse", name, sparse_x, d.y, d.rows, kernel=kernel, gamma="scale")
        yield from fitted(kernel, "OneClassSVM", d.x, None, d.rows, kernel=kernel, gamma="scale", nu=0.3)
    yield from fitted("break_ties", "SVC", d.x, d.three, d.rows, break_ties=True, gamma="scale")
    yield from fitted("precomputed", "SVC", d.x.dot(d.x.T), d.three, d.rows.dot(d.x.T), kernel="precomputed")
    yield from fitted("without vectors", "SVR", d.x, d.y, d.rows, epsilon=100.0, gamma="scale")
    yield from fitted(
        "degree 5", "SVC", d.x, d.three, d.rows, kernel="poly", degree=5, coef0=0.7, gamma=0.3, probability=True
    )
    yield from fitted("of 5 classes", "SVC", d.x, d.five, d.rows, gamma="scale", probability=True)
    yield from fitted("weights", "SVC", d.x, d.three, d.rows, gamma="scale", class_weight="balanced")
    for kernel in ("linear", "rbf", "poly"):
        yield from fitted(
            "wide " + kernel, "SVC", d.wide, np.arange(80) % 3, d.wide[:10].toarray(), kernel=kernel, gamma="scale"
        )


def others(d):
    for solver in "svd lsqr eigen".split():
        yield from fitted(solver + " 3", "LinearDiscriminantAnalysis", d.x, d.three, d.rows, solver=solver)
        yield from fitted(solver + " 2", "LinearDiscriminantAnalysis", d.x, d.two_texts, d.rows, solver=solver)
    yield from fitted("two components", "LinearDiscriminantAnalysis", d.x, d.five, d.rows, n_components=2)
    yield from fitted("shrunk", "LinearDiscriminantAnalysis", d.x, d.five, d.rows, solver="lsqr", shrinkage="auto")
    yield from fitted("3", "QuadraticDiscriminantAnalysis", d.x, d.three, d.rows)
    yield from fitted(
        "2", "QuadraticDiscriminantAnalysis", d.x, d.two_texts, d.rows, store_covariance=True, reg_param=0.1
    )
    for name in "PLSRegression PLSCanonical CCA PLSSVD".split():
        yield from fitted("", name, d.x, d.y2, d.rows, n_components=2)
        yield from fitted("unscaled", name, d.x, d.y2, d.rows, n_components=2, scale=False)
    yield from fitted("of one target", "PLSRegression", d.x, d.y, d.rows, n_components=2)
    yield from fitted("of a column", "PLSRegression", d.x, d.y[:, None], d.rows, n_components=2)
    for kernel in "linear poly polynomial rbf sigmoid laplacian cosine".split():
        yield from fitted(kernel, "KernelRidge", d.x, d.y, d.rows, kernel=kernel, alpha=0.5)
    for kernel in "chi2 additive_chi2".split():
        yield from fitted(kernel, "KernelRidge", np.abs(d.x), d.y, np.abs(d.rows), kernel=kernel, gamma=0.3)
    yield from fitted("of two targets", "KernelRidge", d.x, d.y2, d.rows, kernel="rbf", gamma=0.2)
    yield from fitted("sparse", "KernelRidge", sparse.csr_matrix(d.x), d.y, d.rows, kernel="rbf")
    yield from fitted("precomputed", "KernelRidge", d.x.dot(d.x.T), d.y, d.rows.dot(d.x.T), kernel="precomputed")


def isotonic(d):
    line, rows = d.x[:, 0], d.rows[:, 0]
    for what, y, options in (
        ("nan", line**3 + d.noise, {"out_of_bounds": "nan"}),
        ("clip", line**3 + d.noise, {"out_of_bounds": "clip"}),
        ("falling", -line, {"out_of_bounds": "clip", "increasing": False}),
        ("raise", line, {"out_of_bounds": "raise"}),
    ):
        for name, estimator, _, _ in fitted(what, "IsotonicRegression", line, y, rows, **options):
            yield name, estimator, rows, ["predict"]
    for name, estimator, _, _ in fitted(
        "of one point", "IsotonicRegression", np.ones(3), np.arange(3.0), rows, out_of_bounds="clip"
    ):
        yield name, estimator, rows, ["predict"]


def dummies(d):
    for strategy in "most_frequent prior uniform stratified".split():
        for label, y in (("3", d.texts), ("2", d.two), ("several", d.several)):
            yield from fitted(
                strategy + " " + label, "DummyClassifier", d.x, y, d.rows, strategy=strategy, random_state=17
            )
    yield from fitted("constant text", "DummyClassifier", d.x, d.texts, d.rows, strategy="constant", constant="mid")
    yield from fitted("constant", "DummyClassifier", d.x, d.three, d.rows, strategy="constant", constant=1)
    yield from fitted("constants", "DummyClassifier", d.x, d.several, d.rows, strategy="constant", constant=[1, 0, 1])
    for strategy in "mean median".split():
        for label, y in (("", d.y), (" several", d.y2), (" column", d.y[:, None])):
            yield from fitted(strategy + label, "DummyRegressor", d.x, y, d.rows, strategy=strategy)
    yield from fitted("quantile", "DummyRegressor", d.x, d.y, d.rows, strategy="quantile", quantile=0.3)
    yield from fitted("constant", "DummyRegressor", d.x, d.y, d.rows, strategy="constant", constant=4.5)


def of_texts(d):
    """Sparse rows, as a text vectoriser gives them."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    words = "a quick brown fox jumps over the lazy dog while seven old wizards play chess".split()
    texts = [
        " ".join(w for j, w in enumerate(words) if (i * 7 + j * j * 3) % 5 < 2) + " xx" * (i % 3) for i in range(60)
    ]
    asked = texts[:7] + ["nothing that is known", "", "fox fox dog wizards"]
    targets = {"MultinomialNB": d.three, "BernoulliNB": d.two, "ComplementNB": d.texts, "LogisticRegression": d.three}
    targets.update({"LinearSVC": d.texts, "SGDClassifier": d.two, "Ridge": d.y, "SVC": d.two, "SVR": d.y})
    targets.update({"MLPClassifier": d.three, "KernelRidge": d.y})
    known = all_classes()
    for name in sorted(targets):
        for vectoriser in (CountVectorizer(), TfidfVectorizer()):
            options = {"gamma": "scale"} if name in ("SVC", "SVR") else {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pipeline = make_pipeline(vectoriser, known[name](**options)).fit(texts, targets[name])
            yield "%s of %s" % (name, type(vectoriser).__name__), pipeline, asked, None


def comparable(case):
    """Up to 0.20 decision_function of one against the rest was scaled by the largest score of the whole request.

    The server answers a row by itself, as every later release does.
    """
    name, estimator, rows, methods = case
    old = sklearn.__version__.startswith("0.20.") and name.startswith(("SVC", "NuSVC"))
    if old and len(estimator.classes_) > 2 and estimator.decision_function_shape == "ovr":
        methods = ["predict"] + (["predict_proba", "predict_log_proba"] if estimator.probability else [])
    return name, estimator, rows, methods


def cases(seed):
    d = Data(seed)
    for group in (regressors, classifiers, machines, others, isotonic, dummies, of_texts):
        for case in group(d):
            yield comparable(case)
