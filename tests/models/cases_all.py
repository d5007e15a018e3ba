"""Every estimator that scikit-learn lists, fitted with sensible parameters on small data."""
import warnings

import numpy as np

import sklearn
from compare_estimators import all_classes

RELEASE = tuple(int(v) for v in sklearn.__version__.split(".")[:2])

REGRESSION = {"RegressorChain", "MultiOutputRegressor", "TransformedTargetRegressor", "IsotonicRegression"}


def parameters(name, signature):
    from sklearn.linear_model import BayesianRidge, LinearRegression, LogisticRegression
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
    from scipy import stats
    regression = "Regress" in name
    out = {}
    for part in ("estimator", "base_estimator", "regressor"):
        if part in signature and name not in ("TransformedTargetRegressor", "RANSACRegressor"):
            out[part] = LinearRegression() if regression else LogisticRegression(solver="liblinear")
            break
    if name == "IterativeImputer":
        out = {"estimator": BayesianRidge()}
    if "multiclass" in name.lower() or name in ("ClassifierChain", "MultiOutputClassifier"):
        out = {k: LogisticRegression(solver="lbfgs") for k in out}
    if name in ("SelfTrainingClassifier", "CalibratedClassifierCV", "FixedThresholdClassifier", "TunedThresholdClassifierCV"):
        out = {k: LogisticRegression(solver="lbfgs") for k in out}
    if name.startswith(("Stacking", "Voting")):
        tree = DecisionTreeRegressor(random_state=0) if regression else DecisionTreeClassifier(random_state=0)
        line = LinearRegression() if regression else LogisticRegression(solver="lbfgs")
        out = {"estimators": [("a", tree), ("b", line)]}
    if "param_grid" in signature:
        out["param_grid"] = {"C": [1, 2]}
    if "param_distributions" in signature:
        out["param_distributions"] = {"C": stats.uniform(0.5, 2)}
    if name == "RandomizedSearchCV":
        out["n_iter"] = 2
    if name == "HalvingRandomSearchCV":
        out["n_candidates"] = 2
    steps = [("s", StandardScaler()), ("c", LogisticRegression(solver="lbfgs"))]
    out.update({"Pipeline": {"steps": steps}, "FeatureUnion": {"transformer_list": [("s", StandardScaler()), ("m", MinMaxScaler())]},
                "ColumnTransformer": {"transformers": [("s", StandardScaler(), [0, 1]), ("m", MinMaxScaler(), slice(2, 4))]},
                "SparseCoder": {"dictionary": np.eye(4)}, "LocalOutlierFactor": {"novelty": True},
                "GaussianRandomProjection": {"n_components": 3}, "SparseRandomProjection": {"n_components": 3},
                "SelectKBest": {"k": 2}}.get(name, {}))
    if name in ("SVC", "NuSVC"):
        out["probability"] = True
    if "random_state" in signature and name != "AffinityPropagation":
        out["random_state"] = np.random.RandomState(3) if name != "KernelPCA" else 3
    if "n_estimators" in signature:
        out["n_estimators"] = 5
    return out


def targets(random, X):
    n = len(X)
    y = random.randint(3, size=n)
    r = X[:, 0] + random.randn(n) * .1 + 3
    binary = (random.rand(n, 3) > .5).astype(int)
    texts = ["the cat sat on %d mats" % (i % 7) for i in range(n)]
    return [(X, y), (X, r), (X, y > 0), (X,), (texts,), (X, np.c_[y, y[::-1]]), (X, np.c_[r, r[::-1]]), (X, binary), (X[:, 0], r), (y,),
            ([{"a": 1.0, "b": "x"}, {"a": 2.0}] * (n // 2),), ([["a", "b"]] * n,), (binary,), ([("a", "b"), ("c",)],),
            (X.dot(X.T),), (X, r[:, None])]


def fit(name, make, sets):
    error = None
    for data in sets:
        if "Regress" in name and len(data) > 1 and data[1].dtype.kind != "f" and name not in ("LogisticRegression", "LogisticRegressionCV"):
            continue
        if name == "KernelCenterer" and (len(data) > 1 or not hasattr(data[0], "shape") or data[0].shape != (len(data[0]),) * 2):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return make().fit(*data), data
        except Exception as e:  # not this kind of data
            error = e
    raise error


def methods_of(name):
    """None: all. Left out is what depends on chance, or on the other rows of the request."""
    if name == "BernoulliRBM":
        return ["transform"]
    if name in ("SVC", "NuSVC") and RELEASE < (0, 22):  # confidences were scaled by the largest of the batch
        return ["predict", "predict_proba", "predict_log_proba"]
    return None


def cases(seed):
    random = np.random.RandomState(seed)
    X = np.abs(random.randn(60, 4))
    sets = targets(random, X)
    import inspect
    for name, cls in sorted(all_classes().items()):
        signature = inspect.signature(cls.__init__).parameters
        try:
            estimator, data = fit(name, lambda: cls(**parameters(name, signature)), sets)
            if name == "FrozenEstimator":
                estimator, data = cls(fit("LogisticRegression", lambda: all_classes()["LogisticRegression"](), sets)[0]), sets[0]
        except Exception as e:
            if name == "FrozenEstimator":
                estimator, data = cls(fit("LogisticRegression", lambda: all_classes()["LogisticRegression"](), sets)[0]), sets[0]
            else:
                print("     not fitted: %s: %s" % (name, str(e)[:100]))
                continue
        rows = data[0]
        if isinstance(rows, np.ndarray) and rows is X:
            rows = np.vstack([X[:20], np.abs(random.randn(30, 4)) * 2, (X[:10] + X[10:20]) / 2, np.zeros((1, 4))])
        yield name, estimator, rows, methods_of(name)
