"""Preprocessing and imputation of scikit-learn: every option that changes an answer, missing values, unknown categories, texts, edges."""
import warnings

import numpy as np
import sklearn
from scipy import sparse

from samples import Data, fitted


def scalers(d):
    holes = d.x.copy()
    holes[::7, 1] = np.nan
    hole_rows = d.rows.copy()
    hole_rows[::3, 2] = np.nan
    constant = np.c_[d.x, np.full(len(d.x), 3.0)]
    for name in ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"):
        yield from fitted("", name, d.x, None, d.rows)
        yield from fitted("holes", name, holes, None, hole_rows)
        yield from fitted("constant", name, constant, None, np.c_[d.rows, np.arange(len(d.rows))])
        yield from fitted("of integers", name, d.counts, None, d.count_rows)
    for part in ("with_mean", "with_std"):
        yield from fitted(part, "StandardScaler", d.x, None, d.rows, **{part: False})
        yield from fitted(part, "RobustScaler", d.x, None, d.rows, **{part.replace("mean", "centering").replace("std", "scaling"): False})
    yield from fitted("clip", "MinMaxScaler", d.x, None, d.rows, clip=True, feature_range=(-1, 2))
    yield from fitted("clip", "MaxAbsScaler", d.x, None, d.rows, clip=True)
    yield from fitted("range", "MinMaxScaler", d.x, None, d.rows, feature_range=(-1, 2))
    yield from fitted("unit", "RobustScaler", d.x, None, d.rows, unit_variance=True, quantile_range=(10.0, 80.0))
    yield from fitted("infinite", "StandardScaler", d.x, None, np.r_[d.rows, [[np.inf] * 5]])
    yield from fitted("other width", "StandardScaler", d.x, None, d.rows[:, :3])
    for norm in ("l1", "l2", "max"):
        yield from fitted(norm, "Normalizer", d.x, None, d.rows, norm=norm)
    yield from fitted("", "Binarizer", d.x, None, d.rows)
    yield from fitted("high", "Binarizer", d.x, None, d.rows, threshold=0.7)
    gram = d.x.dot(d.x.T)
    yield from fitted("", "KernelCenterer", gram, None, d.rows.dot(d.x.T))


def shapes(d):
    holes = d.rows.copy()
    holes[::3, 2] = np.nan
    for standardize in (True, False):
        label = "" if standardize else " raw"
        yield from fitted("yeo" + label, "PowerTransformer", d.x, None, d.rows, standardize=standardize)
        yield from fitted("yeo holes" + label, "PowerTransformer", d.x, None, holes, standardize=standardize)
        yield from fitted("box" + label, "PowerTransformer", np.exp(d.x), None, np.exp(d.rows / 5), method="box-cox", standardize=standardize)
    yield from fitted("box of negative", "PowerTransformer", np.exp(d.x), None, d.rows, method="box-cox")
    yield from fitted("yeo of counts", "PowerTransformer", d.counts, None, d.count_rows)
    for distribution in ("uniform", "normal"):
        for n in (7, 40):
            yield from fitted("%s %d" % (distribution, n), "QuantileTransformer", d.x, None, np.r_[holes, d.x], output_distribution=distribution, n_quantiles=n)
        yield from fitted(distribution + " ties", "QuantileTransformer", d.counts, None, d.count_rows, output_distribution=distribution, n_quantiles=20)
    for parameters in ({}, {"degree": 3}, {"degree": 3, "interaction_only": True}, {"include_bias": False}, {"degree": 1}, {"degree": (2, 3)},
                       {"degree": (2, 2), "interaction_only": True}, {"degree": (0, 2), "include_bias": False}, {"degree": 4, "order": "F"}, {"degree": 0}):
        if parameters == {"degree": 0} and sklearn.__version__.startswith(("0.24", "1.0")):
            continue  # fails in scikit-learn itself
        yield from fitted(str(parameters), "PolynomialFeatures", d.x, None, d.rows, **parameters)
    for extrapolation in ("error", "constant", "linear", "continue", "periodic"):
        for degree in (0, 1, 2, 3, 5):
            rows = d.rows if extrapolation != "error" else d.x[:7]
            yield from fitted("%s %d" % (extrapolation, degree), "SplineTransformer", d.x, None, rows, extrapolation=extrapolation, degree=degree, n_knots=8)
    yield from fitted("beyond", "SplineTransformer", d.x, None, d.rows, extrapolation="error")
    yield from fitted("no bias", "SplineTransformer", d.x, None, d.rows, include_bias=False, knots="quantile")
    yield from fitted("sparse", "SplineTransformer", d.x, None, d.rows, sparse_output=True)
    yield from fitted("missing", "SplineTransformer", d.x, None, holes, handle_missing="zeros")
    for encode in ("onehot", "onehot-dense", "ordinal"):
        for strategy in ("uniform", "quantile", "kmeans"):
            yield from fitted(encode + " " + strategy, "KBinsDiscretizer", d.x, None, np.r_[d.rows, d.x], encode=encode, strategy=strategy, n_bins=4)
    edges = np.array([[0.0], [1.0], [2.0], [3.0], [1 - 1e-7], [1 + 1e-9], [2 - 1e-6], [-5], [9]])
    yield from fitted("at edges", "KBinsDiscretizer", edges[:4], None, edges, encode="ordinal", strategy="uniform", n_bins=3)


def categories(d):
    random = np.random.RandomState(5)
    n = 60
    words = np.array(["red", "green", "blue", "\xe9t\xe9", ""], dtype=object)
    mixed = np.c_[words[random.randint(4, size=n)], np.array(["s", "m", "l"], dtype=object)[random.randint(3, size=n)]]
    numbers = random.randint(1, 5, size=(n, 3))
    both = np.empty((n, 3), dtype=object)
    both[:, :2] = mixed
    both[:, 2] = [int(v) for v in numbers[:, 0]]
    unknown = mixed[:8].copy()
    unknown[2, 0] = "violet"
    binary = np.c_[np.array(["a", "b"], dtype=object)[random.randint(2, size=n)], mixed[:, 0]]
    holes = np.c_[np.where(random.rand(n) < .2, np.nan, numbers[:, 0]), np.where(random.rand(n) < .2, np.nan, numbers[:, 1] + .5)]
    for name in ("OneHotEncoder", "OrdinalEncoder"):
        yield from fitted("texts", name, mixed, None, mixed[:9])
        yield from fitted("of numpy texts", name, mixed.astype(str), None, mixed[:9])
        yield from fitted("numbers", name, numbers, None, numbers[:9])
        yield from fitted("floats", name, numbers + .5, None, numbers[:9] + .5)
        yield from fitted("both", name, both, None, both[:9])
        yield from fitted("unknown", name, mixed, None, unknown)
        yield from fitted("unknown number", name, numbers, None, numbers[:5] + 3)
        yield from fitted("holes", name, holes, None, holes[:12])
        yield from fitted("given", name, mixed, None, mixed[:9], categories=[["red", "green", "blue", "\xe9t\xe9", "x"], ["s", "m", "l"]])
        yield from fitted("width", name, mixed, None, mixed[:4, :1])
    hot = "OneHotEncoder"
    for dense in ({"sparse_output": False}, {"sparse": False}):
        yield from fitted(str(dense), hot, mixed, None, mixed[:9], **dense)
    yield from fitted("ignore", hot, mixed, None, unknown, handle_unknown="ignore")
    for drop in ("first", "if_binary", ["red", "m"]):
        data = binary if drop == "if_binary" else mixed
        yield from fitted("drop %s" % drop, hot, data, None, data[:9], drop=drop)
        yield from fitted("drop and ignore %s" % drop, hot, data, None, np.r_[data[:9], [["?", "?"]]], drop=drop, handle_unknown="ignore")
    rare = np.r_[mixed, [["rare", "xl"], ["rarer", "xxl"]]]
    for parameters in ({"min_frequency": 10}, {"max_categories": 3}, {"min_frequency": .25, "max_categories": 2}):
        for how in ("error", "ignore", "infrequent_if_exist", "warn"):
            for drop in (None, "first", "if_binary"):
                rows = rare[-9:] if how == "error" else np.r_[rare[-9:], unknown]
                yield from fitted("%s %s %s" % (parameters, how, drop), hot, rare, None, rows, handle_unknown=how, drop=drop, **parameters)
        yield from fitted(str(parameters), "OrdinalEncoder", rare, None, rare[-9:], **parameters)
        yield from fitted("unknown %s" % parameters, "OrdinalEncoder", rare, None, np.r_[rare[-9:], unknown], handle_unknown="use_encoded_value", unknown_value=-1, **parameters)
    yield from fitted("unknown as -1", "OrdinalEncoder", mixed, None, unknown, handle_unknown="use_encoded_value", unknown_value=-1)
    yield from fitted("unknown as NaN", "OrdinalEncoder", mixed, None, unknown, handle_unknown="use_encoded_value", unknown_value=np.nan)
    yield from fitted("missing as -2", "OrdinalEncoder", holes, None, holes[:9], encoded_missing_value=-2)
    for label, y in (("2", d.two), ("3", d.three), ("texts", d.texts), ("numbers", d.y)):
        yield from fitted(label, "TargetEncoder", mixed, y, unknown)
        yield from fitted(label + " of numbers", "TargetEncoder", numbers, y, numbers[:9] + 1, smooth=2.0)


def labels(d):
    for label, y in (("texts", d.texts), ("two", d.two), ("numbers", d.three)):
        for name in ("LabelEncoder", "LabelBinarizer"):
            yield from fitted(label, name, y, None, y[:9])
    yield from fitted("unknown", "LabelBinarizer", d.texts, None, np.array(["neg", "what"]))
    yield from fitted("unknown", "LabelEncoder", d.texts, None, np.array(["neg", "what"]))
    yield from fitted("low", "LabelBinarizer", d.texts, None, d.texts[:5], neg_label=-1, pos_label=2)


def functions(d):
    positive = np.abs(d.rows) + .1
    for name in ("log1p", "log", "log2", "log10", "exp", "expm1", "sqrt", "cbrt", "square", "abs", "absolute", "sin", "cos", "tanh",
                 "negative", "sign", "floor", "ceil", "rint", "nan_to_num"):
        for validate in (True, False):
            yield from fitted("%s %s" % (name, validate), "FunctionTransformer", positive, None, positive, func=getattr(np, name), validate=validate)
    yield from fitted("nothing", "FunctionTransformer", positive, None, positive, validate=False)
    yield from fitted("of negative", "FunctionTransformer", positive, None, d.rows, func=np.sqrt, validate=False)


def imputers(d):
    random = np.random.RandomState(6)
    x = d.x.copy()
    x[random.rand(*x.shape) < .15] = np.nan
    rows = np.r_[d.rows, x[:20]]
    rows[random.rand(*rows.shape) < .2] = np.nan
    empty = np.c_[x, np.full(len(x), np.nan)]
    empty_rows = np.c_[rows, np.full(len(rows), np.nan)]
    whole = d.x
    counts = d.counts.copy()
    texts = np.array([["a", "x"], ["b", "x"], ["a", "?"], ["?", "y"], ["a", "x"]], dtype=object)
    for strategy in ("mean", "median", "most_frequent", "constant"):
        for add in (False, True):
            label = strategy + (" indicator" if add else "")
            yield from fitted(label, "SimpleImputer", x, None, rows, strategy=strategy, add_indicator=add)
            yield from fitted(label + " empty", "SimpleImputer", empty, None, empty_rows, strategy=strategy, add_indicator=add)
            yield from fitted(label + " keep", "SimpleImputer", empty, None, empty_rows, strategy=strategy, add_indicator=add, keep_empty_features=True)
        yield from fitted(strategy + " of -1", "SimpleImputer", np.where(counts == 0, -1, counts).astype(float), None, np.where(d.count_rows == 1, -1, d.count_rows).astype(float), strategy=strategy, missing_values=-1)
    yield from fitted("texts", "SimpleImputer", texts, None, texts, strategy="most_frequent", missing_values="?")
    yield from fitted("texts constant", "SimpleImputer", texts, None, texts, strategy="constant", fill_value="none", missing_values="?")
    yield from fitted("", "MissingIndicator", x, None, rows, error_on_new=False)
    yield from fitted("all", "MissingIndicator", x, None, rows, features="all")
    yield from fitted("new", "MissingIndicator", np.c_[x[:, :2], whole[:, 2:]], None, rows)
    all_rows, all_empty_rows = rows, empty_rows
    for weights in ("uniform", "distance"):
        # The distance of equal rows is a rounding error in scikit-learn, and the weight its reciprocal.
        rows = all_rows if weights == "uniform" else all_rows[5:25]
        empty_rows = all_empty_rows if weights == "uniform" else all_empty_rows[5:25]
        for k in (1, 3, 5):
            yield from fitted("%s %d" % (weights, k), "KNNImputer", x, None, rows, weights=weights, n_neighbors=k)
        yield from fitted(weights + " indicator", "KNNImputer", x, None, rows, weights=weights, add_indicator=True)
        yield from fitted(weights + " empty", "KNNImputer", empty, None, empty_rows, weights=weights)
        yield from fitted(weights + " keep", "KNNImputer", empty, None, empty_rows, weights=weights, keep_empty_features=True)
    yield from fitted("whole", "KNNImputer", x, None, whole[:5])
    for order in ("ascending", "descending", "roman", "arabic"):
        yield from fitted(order, "IterativeImputer", x, None, rows, imputation_order=order, random_state=0, max_iter=4)
    for parameters in ({"min_value": -1, "max_value": 1}, {"add_indicator": True}, {"initial_strategy": "median"}, {"n_nearest_features": 2}, {"max_iter": 0},
                       {"initial_strategy": "constant"}, {"skip_complete": True}):
        yield from fitted(str(parameters), "IterativeImputer", x, None, rows, random_state=0, **parameters)
    yield from fitted("empty", "IterativeImputer", empty, None, empty_rows, random_state=0)
    yield from fitted("keep", "IterativeImputer", empty, None, empty_rows, random_state=0, keep_empty_features=True)


def sparse_rows(d):
    rows = np.where(np.random.RandomState(3).rand(*d.rows.shape) < .5, 0, d.rows)
    s = sparse.csr_matrix(rows)
    yield from fitted("sparse", "MaxAbsScaler", sparse.csr_matrix(d.x), None, s)
    yield from fitted("sparse", "StandardScaler", sparse.csr_matrix(d.x), None, s, with_mean=False)


def cases(seed):
    warnings.simplefilter("ignore")
    d = Data(seed)
    for family in (scalers, shapes, categories, labels, functions, imputers, sparse_rows):
        yield from family(d)
