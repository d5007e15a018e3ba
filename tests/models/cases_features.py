"""Feature selection, texts, decompositions, kernel approximations and manifolds of scikit-learn, with every option that changes an answer."""
import warnings

import numpy as np

from samples import Data, fitted

TEXTS = [
    "The cat sat on the mat, and the cat slept.", "A dog! A dog? My kingdom for a dog...", "caf\xe9 cr\xe8me \xe0 la carte \u2014 na\xefve",
    "STRASSE Stra\xdfe \u0130stanbul \u039f\u0394\u039f\u03a3 \u03a3\u03a3 \u03c3", "x", "", "   ", "don't stop_me now 42 3.14 1_000", "\u65e5\u672c\u8a9e \u306e \u30c6\u30ad\u30b9\u30c8 \ud55c\uad6d\uc5b4",
    "\ufb01n\u00b2 \u2460 \u00bd \u210c e\u0301", "tab\tand\nline\u00a0nbsp  two   three", "rep rep rep repeat repeat", "e-mail: a.b@c.de, http://x.y/z", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0645\u0631\u062d\u0628\u0627",
]
NEW = TEXTS + ["the unseen words of a dog", "cat dog cat dog", "\U0001f600 smile \U0001d4b3", "I I I am am", "\u0130\u0130 A\u03a3 A\u03a3B \u03a3"]


def texts(d):
    options = [{}, {"ngram_range": (1, 2)}, {"ngram_range": (2, 3)}, {"analyzer": "char", "ngram_range": (1, 3)}, {"analyzer": "char_wb", "ngram_range": (2, 4)},
               {"analyzer": "char_wb", "ngram_range": (1, 9)}, {"lowercase": False}, {"strip_accents": "unicode"}, {"strip_accents": "ascii"}, {"stop_words": "english"},
               {"stop_words": ["dog", "cat"], "ngram_range": (1, 2)}, {"binary": True}, {"max_features": 9}, {"vocabulary": ["dog", "cat", "mat"]},
               {"vocabulary": {"dog": 1, "cat": 0}}, {"token_pattern": r"(?u)\b\w+\b"}, {"token_pattern": r"[a-z]+"}, {"token_pattern": r"\S+"},
               {"token_pattern": r"(?:[a-z]+'[a-z]+)|\d+(?:\.\d+)?|\w"}, {"token_pattern": r"\b([a-z])[a-z]{1,3}?\b"}, {"token_pattern": r"[^\W\d_]{2,}"}, {"token_pattern": r"\w{3,}|\s\S$"},
               {"analyzer": "char", "ngram_range": (3, 3), "strip_accents": "unicode", "lowercase": False}]
    for o in options:
        yield from fitted(str(o), "CountVectorizer", TEXTS, None, NEW, **o)
        yield from fitted(str(o), "TfidfVectorizer", TEXTS, None, NEW, **o)
        if not {"vocabulary", "max_features"} & set(o):
            yield from fitted(str(o), "HashingVectorizer", TEXTS, None, NEW, n_features=64, **o)
    for o in ({"norm": "l1"}, {"norm": None}, {"use_idf": False}, {"smooth_idf": False}, {"sublinear_tf": True}):
        yield from fitted(str(o), "TfidfVectorizer", TEXTS, None, NEW, **o)
        yield from fitted(str(o), "TfidfTransformer", d.counts, None, d.count_rows, **o)
    yield from fitted("", "TfidfTransformer", d.counts, None, d.count_rows)
    for o in ({"norm": "l1"}, {"norm": None}, {"alternate_sign": False}):
        yield from fitted(str(o), "HashingVectorizer", TEXTS, None, NEW, n_features=17, **o)
    objects = [{"city": "Paris", "t": 12.5}, {"city": "Rome", "t": -3, "sun": True}, {"wind": 4}, {"city": "Oslo", "t": 0}]
    yield from fitted("", "DictVectorizer", objects, None, objects + [{"city": "?", "x": 1, "wind": 2}])
    yield from fitted("dense", "DictVectorizer", objects, None, objects, sparse=False, separator="::")
    yield from fitted("", "FeatureHasher", objects, None, objects, n_features=10)
    yield from fitted("plain", "FeatureHasher", objects, None, objects, n_features=10, alternate_sign=False)
    yield from fitted("of texts", "FeatureHasher", [["a", "b"]], None, [["a", "b"], ["caf\xe9", "a longer token"], ["a", "a"]], n_features=12, input_type="string")


def selectors(d):
    from sklearn.ensemble import AdaBoostClassifier, ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
    from sklearn.feature_selection import f_regression
    from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
    from sklearn.svm import SVC, LinearSVC
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    x = np.c_[d.x, np.random.RandomState(2).randn(len(d.x), 4), d.x[:, :2]]
    rows = np.c_[d.rows, d.rows[:, :4] * 2, d.rows[:, :2]]
    for k in (0, 1, 3, 8, "all"):
        yield from fitted(str(k), "SelectKBest", x, d.three, rows, k=k)
    for p in (0, 10, 33, 50, 77, 100):
        yield from fitted(str(p), "SelectPercentile", x, d.three, rows, percentile=p)
    for name in ("SelectFpr", "SelectFdr", "SelectFwe"):
        for alpha in (1e-12, .01, .5):
            yield from fitted(str(alpha), name, x, d.y, rows, score_func=f_regression, alpha=alpha)
    for mode, param in (("k_best", 3), ("k_best", "all"), ("percentile", 40), ("fpr", .1), ("fdr", .1), ("fwe", .1)):
        yield from fitted("%s %s" % (mode, param), "GenericUnivariateSelect", x, d.two, rows, mode=mode, param=param)
    yield from fitted("", "VarianceThreshold", np.c_[x, np.ones(len(x))], None, np.c_[rows, rows[:, 0]])
    yield from fitted("one", "VarianceThreshold", x, None, rows, threshold=1.0)
    models = [LogisticRegression(solver="liblinear"), LogisticRegression(solver="liblinear", penalty="l1"), LinearSVC(), SVC(kernel="linear"), DecisionTreeClassifier(random_state=0),
              RandomForestClassifier(n_estimators=7, random_state=0), GradientBoostingClassifier(n_estimators=5, random_state=0)]
    for m in models:
        yield from fitted(type(m).__name__, "SelectFromModel", x, d.two, rows, estimator=m)
        yield from fitted(type(m).__name__ + " three", "SelectFromModel", x, d.three, rows, estimator=m, max_features=3)
        yield from fitted(type(m).__name__ + " median", "SelectFromModel", x, d.two, rows, estimator=m, threshold="0.9*median")
        yield from fitted(type(m).__name__, "RFE", x, d.two, rows, estimator=m, **({} if False else {"n_features_to_select": 4}))
    yield from fitted("norm", "SelectFromModel", x, d.three, rows, estimator=models[0], norm_order=2, threshold=.1)
    yield from fitted("AdaBoost", "SelectFromModel", x, d.two, rows, estimator=AdaBoostClassifier(n_estimators=4, random_state=0))
    for m in (Lasso(alpha=.1), Ridge(), ExtraTreesRegressor(n_estimators=4, random_state=0), DecisionTreeRegressor(random_state=0), GradientBoostingRegressor(n_estimators=4, random_state=0)):
        yield from fitted(type(m).__name__, "SelectFromModel", x, d.y, rows, estimator=m)
    yield from fitted("", "RFECV", x, d.y, rows, estimator=LinearRegression(), cv=3)
    yield from fitted("", "SequentialFeatureSelector", d.x, d.y, d.rows, estimator=LinearRegression(), n_features_to_select=2)


def decompositions(d):
    x, rows = d.x, d.rows
    for o in ({}, {"n_components": 2}, {"n_components": 3, "whiten": True}):
        yield from fitted(str(o), "PCA", x, None, rows, **o)
        yield from fitted(str(o), "IncrementalPCA", x, None, rows, **o)
        yield from fitted(str(o), "FastICA", x, None, rows, random_state=0, **o)
    for w in ("arbitrary-variance", "unit-variance", False):
        yield from fitted(str(w), "FastICA", x, None, rows, random_state=0, whiten=w)
    for kernel in ("linear", "poly", "rbf", "sigmoid", "cosine", "laplacian"):
        yield from fitted(kernel, "KernelPCA", x, None, rows, kernel=kernel, n_components=4)
        yield from fitted(kernel + " gamma", "KernelPCA", x, None, rows, kernel=kernel, n_components=4, gamma=.3, degree=2, coef0=.5)
        n = 4 if kernel in ("linear", "cosine") else 9  # more than features: the normalization is of rounding errors
        yield from fitted(kernel, "Nystroem", x, None, rows, kernel=kernel, n_components=n, random_state=0)
        yield from fitted(kernel + " gamma", "Nystroem", x, None, rows, kernel=kernel, n_components=n, random_state=0, gamma=.4)
    for kernel in ("chi2", "additive_chi2"):
        yield from fitted(kernel, "Nystroem", d.counts + 1.0, None, d.count_rows, kernel=kernel, n_components=9, random_state=0)
    yield from fitted("precomputed", "KernelPCA", x.dot(x.T), None, rows.dot(x.T), kernel="precomputed", n_components=3)
    yield from fitted("", "TruncatedSVD", x, None, rows, n_components=3, random_state=0)
    yield from fitted("sparse", "TruncatedSVD", d.wide, None, d.wide[:5], n_components=3, random_state=0)
    yield from fitted("", "FactorAnalysis", x, None, rows, n_components=2)
    yield from fitted("", "SparsePCA", x, None, rows, n_components=3, random_state=0)
    yield from fitted("", "MiniBatchSparsePCA", x, None, rows, n_components=3, random_state=0, ridge_alpha=.3)
    yield from fitted("", "NeighborhoodComponentsAnalysis", x, d.three, rows, n_components=2, random_state=0)
    positive, positive_rows = np.abs(x), np.abs(rows)
    for o in ({}, {"solver": "mu"}, {"solver": "mu", "beta_loss": "kullback-leibler"}, {"solver": "mu", "beta_loss": 1.5}, {"solver": "mu", "beta_loss": 3.0}, {"tol": 1e-8},
              {"alpha_W": .01, "l1_ratio": .3}, {"alpha": .1, "l1_ratio": .3}):
        yield from fitted(str(o), "NMF", positive, None, positive_rows, n_components=3, random_state=0, **o)
    yield from fitted("is", "NMF", positive + .1, None, positive_rows + .1, n_components=3, random_state=0, solver="mu", beta_loss="itakura-saito")
    for o in ({}, {"beta_loss": "kullback-leibler"}, {"alpha_W": .01, "l1_ratio": .5}, {"transform_max_iter": 3}):
        yield from fitted(str(o), "MiniBatchNMF", positive, None, positive_rows, n_components=3, random_state=0, **o)
    for o in ({}, {"learning_method": "online"}, {"max_doc_update_iter": 3}, {"doc_topic_prior": 2.0}):
        yield from fitted(str(o), "LatentDirichletAllocation", d.counts, None, d.count_rows, n_components=4, random_state=0, **o)
    yield from fitted("negative", "LatentDirichletAllocation", d.counts, None, rows, n_components=4, random_state=0)
    for name in ("DictionaryLearning", "MiniBatchDictionaryLearning"):
        for o in ({}, {"transform_n_nonzero_coefs": 3}, {"transform_algorithm": "threshold"}, {"transform_algorithm": "threshold", "transform_alpha": .2, "split_sign": True}):
            yield from fitted(str(o), name, x, None, rows, n_components=7, random_state=0, **o)
    atoms = np.random.RandomState(1).randn(6, 5)
    atoms /= np.sqrt((atoms ** 2).sum(1))[:, None]
    for o in ({}, {"transform_n_nonzero_coefs": 3, "split_sign": True}, {"transform_algorithm": "threshold", "transform_alpha": .4}):
        yield from fitted(str(o), "SparseCoder", x, None, rows, dictionary=atoms, **o)


def approximations(d):
    x, rows = d.x, d.rows
    yield from fitted("", "RBFSampler", x, None, rows, gamma=.7, n_components=11, random_state=0)
    yield from fitted("", "SkewedChi2Sampler", np.abs(x), None, np.abs(rows), skewedness=.5, n_components=11, random_state=0)
    yield from fitted("negative", "SkewedChi2Sampler", np.abs(x), None, rows, skewedness=.5, n_components=11, random_state=0)
    for o in ({}, {"sample_steps": 1}, {"sample_steps": 3}, {"sample_steps": 5, "sample_interval": .3}):
        yield from fitted(str(o), "AdditiveChi2Sampler", d.counts, None, d.count_rows, **o)
    for o in ({}, {"degree": 3, "coef0": 1.5, "gamma": .5}, {"degree": 1}):
        yield from fitted(str(o), "PolynomialCountSketch", x, None, rows, n_components=13, random_state=0, **o)
    yield from fitted("", "GaussianRandomProjection", x, None, rows, n_components=3, random_state=0)
    yield from fitted("", "SparseRandomProjection", x, None, rows, n_components=4, random_state=0)
    yield from fitted("wide", "SparseRandomProjection", d.wide, None, d.wide[:4], n_components=20, random_state=0, dense_output=True)
    yield from fitted("", "Isomap", x, None, rows, n_neighbors=6)
    yield from fitted("radius", "Isomap", x, None, x[:9] + .01, n_neighbors=None, radius=2.5)
    for method in ("standard", "modified", "hessian", "ltsa"):
        yield from fitted(method, "LocallyLinearEmbedding", x, None, rows, n_neighbors=12, method=method, random_state=0)


def cases(seed):
    warnings.simplefilter("ignore")
    d = Data(seed)
    for family in (texts, selectors, decompositions, approximations):
        yield from family(d)
