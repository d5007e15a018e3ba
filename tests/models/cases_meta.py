"""Meta-estimators: pipelines, columns, unions, multi-class, multi-output, ensembles, searches."""
import warnings

import numpy as np
import sklearn
from sklearn import calibration, compose, ensemble, multiclass, multioutput, pipeline, preprocessing
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.simplefilter("ignore")
NAMES = np.array(["ant", "bee", "cat", "dog"])


# To 0.20 votes of pairs were scaled by the largest of the batch: only the labels can be compared.
PAIRS = ["predict"] if sklearn.__version__.startswith("0.20") else None


def fitted(e, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return e.fit(*data)


def attempt(make):
    """Cases that a release of scikit-learn does not have are left out."""
    try:
        yield from make()
    except (ImportError, TypeError, ValueError, AttributeError, NotImplementedError) as e:
        print("     not fitted: %s" % str(e)[:120])


def line(**more):
    return LogisticRegression(solver="lbfgs", **more)


def tree(depth=3):
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


def pipelines(X, Q, y, t):
    scale = preprocessing.StandardScaler
    yield "pipeline", fitted(pipeline.make_pipeline(scale(), line()), X, y), Q, None
    yield "pipeline-texts", fitted(pipeline.make_pipeline(scale(), SVC(gamma="scale")), X, NAMES[y]), Q, PAIRS
    yield "pipeline-nested", fitted(pipeline.make_pipeline(pipeline.make_pipeline(scale(), preprocessing.MinMaxScaler()), tree()), X, y), Q, None
    yield "pipeline-none", fitted(pipeline.Pipeline([("a", None), ("b", line())]), X, y), Q, None
    yield "pipeline-transform", fitted(pipeline.make_pipeline(scale(), preprocessing.MinMaxScaler()), X, y), Q, None
    def words():
        yield "pipeline-passthrough", fitted(pipeline.Pipeline([("a", "passthrough"), ("b", scale()), ("c", "passthrough")]), X, y), Q, None
    yield from attempt(words)
    union = pipeline.FeatureUnion([("a", scale()), ("b", preprocessing.MinMaxScaler())], transformer_weights={"a": 2.5})
    yield "union", fitted(union, X), Q, None
    yield "union-sparse", fitted(pipeline.FeatureUnion([("a", scale()), ("b", preprocessing.OneHotEncoder(handle_unknown="ignore", categories="auto"))]), np.round(X), y), np.round(Q), None
    yield "union-pipeline", fitted(pipeline.make_pipeline(union, line()), X, y), Q, None
    yield "union-dropped", fitted(pipeline.FeatureUnion([("a", scale()), ("b", "drop")]), X), Q, None
    def passes():
        yield "union-passthrough", fitted(pipeline.FeatureUnion([("a", scale()), ("b", "passthrough")]), X), Q, None
    yield from attempt(passes)


def columns(random, X, Q, y, t):
    scale, smallest = preprocessing.StandardScaler, preprocessing.MinMaxScaler
    CT = compose.ColumnTransformer
    mask = np.array([True, False, False, True])
    for rest in ("drop", "passthrough", smallest()):
        tag = rest if isinstance(rest, str) else "estimator"
        yield "columns-" + tag, fitted(CT([("a", scale(), [1, 0]), ("b", "passthrough", [2])], remainder=rest), X), Q, None
        yield "columns-mask-" + tag, fitted(CT([("a", scale(), mask)], remainder=rest), X), Q, None
        yield "columns-slice-" + tag, fitted(CT([("a", scale(), slice(1, 3)), ("none", scale(), [])], remainder=rest), X), Q, None
        yield "columns-last-" + tag, fitted(CT([("a", scale(), [-1]), ("b", "drop", [0])], remainder=rest), X), Q, None
    yield "columns-weights", fitted(CT([("a", scale(), [0]), ("b", scale(), [1])], transformer_weights={"b": .5}), X), Q, None
    hot = lambda: preprocessing.OneHotEncoder(handle_unknown="ignore")
    mixed = np.empty((len(X), 3), dtype=object)
    mixed[:, 0], mixed[:, 1], mixed[:, 2] = X[:, 0], NAMES[y], X[:, 1]
    rows = mixed[:40].copy()
    rows[3, 1] = "eel"
    for threshold in (0, .3, 1):
        c = CT([("n", scale(), [0]), ("t", hot(), [1])], sparse_threshold=threshold)
        yield "columns-texts-%s" % threshold, fitted(c, mixed), rows, None
        yield "columns-texts-model-%s" % threshold, fitted(pipeline.make_pipeline(c, line()), mixed, y), rows, None
    yield "columns-pass-texts", fitted(pipeline.make_pipeline(CT([("n", scale(), [0, 2])], remainder="passthrough"), CT([("t", hot(), [2]), ("n", "passthrough", [0, 1])]), line()), mixed, y), rows, None
    def words():
        from sklearn.feature_extraction.text import CountVectorizer
        texts = np.array([["%s %s" % (NAMES[a], NAMES[b]), a] for a, b in zip(y, y[::-1])], dtype=object)
        c = CT([("w", CountVectorizer(), 0), ("n", "passthrough", [1])])
        yield "columns-words", fitted(pipeline.make_pipeline(c, line()), texts, y), texts[:20], None
    yield from attempt(words)
    yield from attempt(lambda: frames(X, Q, y))


def frames(X, Q, y):
    import pandas as pd
    scale = preprocessing.StandardScaler
    frame = pd.DataFrame(X, columns=list("abcd"))
    rows = pd.DataFrame(Q, columns=list("abcd"))
    c = compose.ColumnTransformer([("s", scale(), ["c", "a"]), ("p", "passthrough", ["d"])])
    try:
        e = fitted(pipeline.make_pipeline(c, line()), frame, y)
    except ValueError:
        return
    if not hasattr(e.steps[0][1], "feature_names_in_"):
        return  # older files hold pandas' own objects
    back = rows[["d", "c", "b", "a"]]
    yield "frame", e, rows, None, json_rows(rows)
    yield "frame-order", e, back, None, json_rows(back)
    e = fitted(compose.ColumnTransformer([("s", scale(), ["c"])], remainder="passthrough"), frame)
    yield "frame-rest", e, rows, None, json_rows(rows)
    e = fitted(compose.ColumnTransformer([("s", scale(), slice("b", "c")), ("t", scale(), compose.make_column_selector(pattern="a"))], remainder=scale()), frame)
    yield "frame-slice", e, rows, None, json_rows(rows)


def json_rows(frame):
    return [dict(zip(frame.columns, (float(v) for v in row))) for row in frame.values]


def targets(X, Q, y, t):
    positive = np.exp(t)
    TTR = compose.TransformedTargetRegressor
    for name, transformer in (("standard", preprocessing.StandardScaler()), ("minmax", preprocessing.MinMaxScaler()),
                              ("robust", preprocessing.RobustScaler()), ("maxabs", preprocessing.MaxAbsScaler()),
                              ("yeo", preprocessing.PowerTransformer()), ("box", preprocessing.PowerTransformer(method="box-cox")),
                              ("quantile", preprocessing.QuantileTransformer(n_quantiles=30, output_distribution="normal")),
                              ("uniform", preprocessing.QuantileTransformer(n_quantiles=30))):
        def make(name=name, transformer=transformer):
            yield "target-" + name, fitted(TTR(LinearRegression(), transformer=transformer), X, positive), Q, None
        yield from attempt(make)
    for f, g in ((np.log1p, np.expm1), (np.log, np.exp), (np.sqrt, np.square)):
        yield "target-" + f.__name__, fitted(TTR(Ridge(), func=f, inverse_func=g), X, positive), Q, None
    yield "target-two", fitted(TTR(LinearRegression(), transformer=preprocessing.StandardScaler()), X, np.c_[t, -t]), Q, None
    yield "target-plain", fitted(TTR(LinearRegression()), X, t), Q, None


def multi(random, X, Q, y, t):
    R, O, C = multiclass.OneVsRestClassifier, multiclass.OneVsOneClassifier, multiclass.OutputCodeClassifier
    many = (random.rand(len(X), 3) > .5).astype(int)
    many[:, 2] = 1
    for name, part in (("line", line()), ("svc", LinearSVC(random_state=0)), ("bayes", GaussianNB()), ("tree", tree()), ("ridge", Ridge())):
        yield "ovr-" + name, fitted(R(part), X, y), Q, None
        yield "ovr-two-" + name, fitted(R(part), X, NAMES[(y > 1) * 1]), Q, None
        yield "ovr-labels-" + name, fitted(R(part), X, many), Q, None
        yield "ovo-" + name, fitted(O(part), X, NAMES[y]), Q, PAIRS
        yield "ovo-two-" + name, fitted(O(part), X, y > 1), Q, PAIRS
        if name != "ridge":
            yield "code-" + name, fitted(C(part, code_size=2, random_state=3), X, y), Q, None
    two = np.c_[y, (y > 1) * 1]
    binary = many[:, :2]
    for name, part in (("line", line()), ("tree", tree()), ("neighbours", KNeighborsClassifier())):
        yield "outputs-" + name, fitted(multioutput.MultiOutputClassifier(part), X, two), Q, None
        yield "outputs-texts-" + name, fitted(multioutput.MultiOutputClassifier(part), X, NAMES[two]), Q, None
        yield "chain-" + name, fitted(multioutput.ClassifierChain(part, order="random", random_state=1), X, np.c_[binary, y > 2].astype(int)), Q, None
    def methods():
        e = multioutput.ClassifierChain(line(), chain_method="predict_proba", order=[1, 0])
        yield "chain-proba", fitted(e, X, binary), Q, None
    yield from attempt(methods)
    yield "chain-cv", fitted(multioutput.ClassifierChain(line(), cv=3), X, binary), Q, None
    yield "outputs-r", fitted(multioutput.MultiOutputRegressor(Ridge()), X, np.c_[t, -t]), Q, None
    yield "chain-r", fitted(multioutput.RegressorChain(Ridge(), order=[1, 0]), X, np.c_[t, t ** 2]), Q, None


def together(X, Q, y, t):
    parts = [("a", line()), ("b", GaussianNB()), ("c", tree())]
    for voting in ("hard", "soft"):
        for weights in (None, [1, 2.5, 1]):
            e = ensemble.VotingClassifier(parts, voting=voting, weights=weights, flatten_transform=True)
            yield "voting-%s-%s" % (voting, bool(weights)), fitted(e, X, NAMES[y]), Q, None
    def dropped():
        e = ensemble.VotingClassifier(parts, weights=[1, 5, 2]).set_params(b="drop")
        yield "voting-dropped", fitted(e, X, y), Q, None
    yield from attempt(dropped)
    def regress():
        lines = [("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=3, random_state=0))]
        yield "voting-r", fitted(ensemble.VotingRegressor(lines, weights=[1, 3]), X, t), Q, None
        yield "stacking-r", fitted(ensemble.StackingRegressor(lines, passthrough=True), X, t), Q, None
    yield from attempt(regress)
    def stacks():
        for passthrough in (False, True):
            for method in ("auto", "predict"):
                e = ensemble.StackingClassifier(parts, line(), passthrough=passthrough, stack_method=method)
                yield "stacking-%s-%s" % (passthrough, method), fitted(e, X, NAMES[y]), Q, None
        yield "stacking-two", fitted(ensemble.StackingClassifier(parts + [("d", LinearSVC(random_state=0))], line()), X, y > 1), Q, None
        yield "stacking-dropped", fitted(ensemble.StackingClassifier(parts).set_params(a="drop"), X, y), Q, None
    yield from attempt(stacks)
    def labels():
        outputs = np.c_[y > 1, y % 2].astype(int)
        e = ensemble.StackingClassifier([("a", KNeighborsClassifier()), ("b", tree())], KNeighborsClassifier())
        yield "stacking-labels", fitted(e, X, outputs), Q, ["predict", "transform"]
    yield from attempt(labels)
    for name, part in (("tree", tree()), ("svc", LinearSVC(random_state=0)), ("line", line()), ("ridge", SGDClassifier(random_state=0, max_iter=50, tol=1e-3))):
        for width in (1.0, .5):
            e = ensemble.BaggingClassifier(part, n_estimators=7, max_features=width, random_state=1)
            yield "bagging-%s-%s" % (name, width), fitted(e, X, NAMES[y]), Q, None
    few = ensemble.BaggingClassifier(tree(), n_estimators=9, max_samples=4, random_state=1)
    yield "bagging-few", fitted(few, X, y), Q, None
    yield "bagging-two", fitted(ensemble.BaggingClassifier(line(), random_state=1), X, y > 1), Q, None
    yield "bagging-r", fitted(ensemble.BaggingRegressor(DecisionTreeRegressor(max_depth=4), n_estimators=8, max_features=.5, bootstrap_features=True, random_state=1), X, t), Q, None
    yield "bagging-outputs", fitted(ensemble.BaggingRegressor(Ridge(), random_state=1), X, np.c_[t, -t]), Q, None


def boosts(X, Q, y, t):
    for algorithm in ("SAMME", "SAMME.R", None):
        for labels, tag in ((y, "four"), (NAMES[(y > 1) * 1], "two")):
            def make(algorithm=algorithm, labels=labels):
                more = {"algorithm": algorithm} if algorithm else {}
                yield "ada-%s-%s" % (algorithm, tag), fitted(ensemble.AdaBoostClassifier(tree(2), n_estimators=12, random_state=1, **more), X, labels), Q, None
            yield from attempt(make)
    for loss in ("linear", "square", "exponential"):
        yield "ada-r-" + loss, fitted(ensemble.AdaBoostRegressor(n_estimators=15, loss=loss, random_state=1), X, t), Q, None


def calibrated(X, Q, y, t):
    for method in ("sigmoid", "isotonic", "temperature"):
        for name, part in (("bayes", GaussianNB()), ("svc", LinearSVC(random_state=0)), ("line", line()), ("tree", tree())):
            for labels, tag in ((NAMES[y], "four"), (y > 1, "two")):
                def make(method=method, part=part, labels=labels):
                    yield "calibrated-%s-%s-%s" % (method, name, tag), fitted(calibration.CalibratedClassifierCV(part, method=method, cv=3), X, labels), Q, None
                yield from attempt(make)
    def whole():
        yield "calibrated-whole", fitted(calibration.CalibratedClassifierCV(GaussianNB(), cv=3, ensemble=False), X, y), Q, None
    yield from attempt(whole)
    def prefit():
        yield "calibrated-prefit", fitted(calibration.CalibratedClassifierCV(fitted(GaussianNB(), X, y), cv="prefit"), X, y), Q, None
    yield from attempt(prefit)


def searches(X, Q, y, t):
    from scipy import stats
    yield "grid", fitted(GridSearchCV(pipeline.make_pipeline(preprocessing.StandardScaler(), SVC(gamma="scale", probability=True, random_state=0)), {"svc__C": [.1, 1]}, cv=3), X, y), Q, PAIRS
    yield "grid-scoring", fitted(GridSearchCV(line(), {"C": [.1, 1]}, cv=3, scoring=["accuracy", "f1_macro"], refit="accuracy"), X, y), Q, None
    yield "grid-transform", fitted(GridSearchCV(pipeline.make_pipeline(preprocessing.StandardScaler(), LinearRegression()), {"linearregression__fit_intercept": [True, False]}, cv=3), X, t), Q, None
    yield "randomized", fitted(RandomizedSearchCV(line(), {"C": stats.uniform(.1, 2)}, n_iter=3, cv=3, random_state=0), X, NAMES[y]), Q, None
    def halving():
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401
        from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV
        yield "halving", fitted(HalvingGridSearchCV(line(), {"C": [.1, 1, 2]}, cv=3, random_state=0), X, y), Q, None
        yield "halving-random", fitted(HalvingRandomSearchCV(line(), {"C": stats.uniform(.1, 2)}, cv=3, random_state=0), X, y), Q, None
    yield from attempt(halving)
    def training():
        from sklearn.semi_supervised import SelfTrainingClassifier
        some = y.copy()
        some[::3] = -1
        yield "self-training", fitted(SelfTrainingClassifier(line()), X, some), Q, None
    yield from attempt(training)
    def frozen():
        from sklearn.frozen import FrozenEstimator
        yield "frozen", FrozenEstimator(fitted(line(), X, y)), Q, None
        yield "frozen-scaler", fitted(pipeline.make_pipeline(FrozenEstimator(fitted(preprocessing.StandardScaler(), X)), line()), X, y), Q, None
    yield from attempt(frozen)
    def thresholds():
        from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
        two = NAMES[(y > 1) * 1]
        yield "threshold", fitted(FixedThresholdClassifier(line(), threshold=.7), X, two), Q, None
        yield "threshold-label", fitted(FixedThresholdClassifier(line(), threshold=.4, pos_label="ant"), X, two), Q, None
        yield "threshold-decision", fitted(FixedThresholdClassifier(LinearSVC(random_state=0), pos_label="ant"), X, two), Q, None
        yield "threshold-tuned", fitted(TunedThresholdClassifierCV(line(), cv=3), X, two), Q, None
        yield "threshold-tuned-f1", fitted(TunedThresholdClassifierCV(line(), cv=3, scoring="f1"), X, y > 1), Q, None
        from sklearn.metrics import f1_score, make_scorer
        yield "threshold-tuned-label", fitted(TunedThresholdClassifierCV(line(), cv=3, scoring=make_scorer(f1_score, pos_label="ant")), X, two), Q, None
    yield from attempt(thresholds)


def cases(seed):
    random = np.random.RandomState(seed)
    X = random.randn(120, 4)
    t = X[:, 0] * 2 - X[:, 1] + random.randn(120) * .3
    y = np.digitize(X[:, 0] + X[:, 2] + random.randn(120) * .4, [-1, 0, 1])
    Q = np.vstack([random.randn(40, 4), X[:8], np.zeros((1, 4)), random.randn(4, 4) * 30])
    yield from pipelines(X, Q, y, t)
    yield from columns(random, X, Q, y, t)
    yield from targets(X, Q, y, t)
    yield from multi(random, X, Q, y, t)
    yield from together(X, Q, y, t)
    yield from boosts(X, Q, y, t)
    yield from calibrated(X, Q, y, t)
    yield from searches(X, Q, y, t)
