"""Trees, forests, both gradient boostings, isolation forests and tree embeddings."""
import numpy as np
import sklearn
from scipy import sparse

V = tuple(int(x) for x in sklearn.__version__.split(".")[:2])
if (0, 21) <= V < (1, 0):
    from sklearn.experimental import enable_hist_gradient_boosting  # noqa
from sklearn import ensemble, tree
from sklearn.dummy import DummyRegressor


def data(rng, n=240, columns=6):
    x = rng.normal(size=(n, columns))
    x[:, 1] = np.round(x[:, 1] * 2) / 2
    x[:, 2] = rng.randint(0, 9, n)
    y = x[:, 0] + 0.3 * x[:, 2] + x[:, 1] ** 2 + rng.normal(size=n) * 0.2
    return x, y


def rows(rng, x):
    """Rows of the data with float32 near-ties, zeros, large and tiny values."""
    out = x[rng.randint(0, len(x), 60)].copy()
    out[::5] += 1e-9
    out[1::7, 0] = 0
    out[2::7, 1] = 1e30
    out[3::7, 2] = -1e-300
    out[4::11, 3] = out[4::11, 1]
    return out


def at_thresholds(estimator, x):
    """Rows that lie at, just above and just below the thresholds of a tree."""
    t = estimator.tree_
    out = []
    for f, v in zip(t.feature, t.threshold):
        if f < 0:
            continue
        for value in (v, np.nextafter(v, np.inf), np.nextafter(v, -np.inf), np.float64(np.float32(v)),
                      np.float64(np.nextafter(np.float32(v), np.float32(np.inf)))):
            row = x[len(out) % len(x)].copy()
            row[f] = value
            out.append(row)
    return np.array(out[:200]) if out else x[:5]


def old(new, before, since):
    return new if V >= since else before


def label_kinds(y, rng):
    k = np.digitize(y, np.quantile(y, [0.3, 0.7]))
    yield "int", k
    yield "text", np.array(["low", "middle", "hügel"])[k]
    yield "bool", y > np.median(y)
    yield "float", k * 2.0


def single_trees(rng):
    x, y = data(rng)
    absolute = old("absolute_error", "mae", (1, 0))
    for name, e in [("tree", tree.DecisionTreeClassifier(max_depth=5, random_state=1)),
                    ("tree full", tree.DecisionTreeClassifier(random_state=1, criterion="entropy")),
                    ("stump", tree.DecisionTreeClassifier(max_depth=1)),
                    ("extra tree", tree.ExtraTreeClassifier(max_depth=6, random_state=1))]:
        for kind, labels in label_kinds(y, rng):
            e = sklearn.base.clone(e).fit(x, labels)
            yield "%s %s" % (name, kind), e, at_thresholds(e, x), None
    weighted = tree.DecisionTreeClassifier(max_depth=4, class_weight="balanced").fit(x, y > 1)
    yield "tree weighted", weighted, rows(rng, x), None
    for name, e in [("regression tree", tree.DecisionTreeRegressor(max_depth=6)),
                    ("regression tree mae", tree.DecisionTreeRegressor(max_depth=3, criterion=absolute)),
                    ("extra regression tree", tree.ExtraTreeRegressor(max_depth=6, random_state=2)),
                    ("root only", tree.DecisionTreeRegressor(max_depth=3, min_samples_leaf=200))]:
        e = e.fit(x, y)
        yield name, e, at_thresholds(e, x), None
    e = tree.DecisionTreeRegressor(max_depth=5).fit(x, np.c_[y, -y, y ** 2])
    yield "regression tree of three outputs", e, rows(rng, x), None
    e = tree.DecisionTreeClassifier(max_depth=5).fit(sparse.csr_matrix(x), y > 1)
    yield "tree sparse", e, rows(rng, x), None


def forests(rng):
    x, y = data(rng)
    for name, c in [("forest", ensemble.RandomForestClassifier), ("extra", ensemble.ExtraTreesClassifier)]:
        for kind, labels in label_kinds(y, rng):
            yield "%s %s" % (name, kind), c(n_estimators=15, random_state=3).fit(x, labels), rows(rng, x), None
        two = np.c_[np.digitize(y, [0, 1, 2]), y > 1]
        yield name + " of two outputs", c(n_estimators=7, random_state=3).fit(x, two), rows(rng, x), None
        if V >= (0, 22):
            words = np.c_[np.array(["a", "b", "c", "d"])[np.digitize(y, [0, 1, 2])], np.where(y > 1, "x", "y")]
            yield name + " of two texts", c(n_estimators=7, random_state=3).fit(x, words), rows(rng, x), None
        # Many ties in the votes: few trees, pure leaves.
        yield name + " ties", c(n_estimators=4, random_state=3).fit(x[:60], rng.randint(0, 3, 60)), rows(rng, x), None
    for name, c in [("forest", ensemble.RandomForestRegressor), ("extra", ensemble.ExtraTreesRegressor)]:
        yield "regression " + name, c(n_estimators=15, random_state=3).fit(x, y), rows(rng, x), None
        yield "regression %s of two outputs" % name, c(n_estimators=5, max_depth=4).fit(x, np.c_[y, x[:, 0]]), \
            rows(rng, x), None
    two = tree.DecisionTreeClassifier(max_depth=4).fit(x, np.c_[np.digitize(y, [0, 1, 2]), y > 1])
    yield "tree of two outputs", two, rows(rng, x), None


def missing_values(rng):
    if V < (1, 3):
        return
    x, y = data(rng)
    x[rng.uniform(size=x.shape) < 0.15] = np.nan
    made = [tree.DecisionTreeClassifier(max_depth=5), tree.DecisionTreeRegressor(max_depth=5)]
    if V >= (1, 4):
        made += [ensemble.RandomForestClassifier(9, max_depth=6), ensemble.RandomForestRegressor(9, max_depth=6)]
    if V >= (1, 6):
        made += [tree.ExtraTreeClassifier(max_depth=5), ensemble.ExtraTreesClassifier(9, max_depth=6),
                 ensemble.ExtraTreesRegressor(9, max_depth=6), ensemble.IsolationForest(n_estimators=9)]
    for e in made:
        yield "missing " + type(e).__name__, e.fit(x, y > 1 if "Classifier" in type(e).__name__ else y), x[:80], None
    # Trained without: since 1.3 a NaN goes where more rows went.
    full, _ = data(rng)
    some = full[:40].copy()
    some[rng.uniform(size=some.shape) < 0.2] = np.nan
    for e in made:
        e = sklearn.base.clone(e).fit(full, y > 1 if "Classifier" in type(e).__name__ else y)
        yield "missing at last " + type(e).__name__, e, some, None
    if V >= (1, 4):
        e = ensemble.RandomForestRegressor(5, monotonic_cst=[1, 0, 0, -1, 0, 0], max_depth=5).fit(full, y)
        yield "monotonic forest", e, full[:40], None
        yield "monotonic forest, missing", e, some, None
    if V >= (1, 9):
        for e in (tree.DecisionTreeRegressor(monotonic_cst=[1, 0, 0, -1, 0, 0], max_depth=5),
                  ensemble.RandomForestClassifier(5, monotonic_cst=[1, 0, 0, -1, 0, 0], max_depth=5)):
            e = e.fit(x, y > 1 if "Classifier" in type(e).__name__ else y)
            yield "monotonic, trained with missing " + type(e).__name__, e, x[:80], None
    e = ensemble.GradientBoostingRegressor(n_estimators=3).fit(full, y)
    yield "missing refused", e, some, ["predict"]


def odd_numbers(rng):
    x, y = data(rng)
    some = x[:10].copy()
    some[3, 2] = 1e300  # too large for float32
    for e in (tree.DecisionTreeRegressor(max_depth=3), ensemble.GradientBoostingRegressor(n_estimators=3),
              ensemble.IsolationForest(n_estimators=3)):
        yield "too large " + type(e).__name__, e.fit(x, y), some, ["predict"]


def gradient_boosting(rng):
    x, y = data(rng)
    old_names = V < (1, 0)
    for loss in (["ls", "lad"] if old_names else ["squared_error", "absolute_error"]) + ["huber", "quantile"]:
        e = ensemble.GradientBoostingRegressor(loss=loss, n_estimators=20, max_depth=3, random_state=1).fit(x, y)
        yield "boosting " + loss, e, rows(rng, x), None
    binary, multi = "deviance" if V < (1, 1) else "log_loss", np.digitize(y, [0, 1, 2])
    for kind, labels in label_kinds(y, rng):
        for loss in [binary] + (["exponential"] if len(set(labels)) == 2 else []):
            e = ensemble.GradientBoostingClassifier(loss=loss, n_estimators=12, random_state=1).fit(x, labels)
            yield "boosting %s %s" % (loss, kind), e, rows(rng, x), None
    yield "boosting four classes", ensemble.GradientBoostingClassifier(n_estimators=5).fit(x, multi), rows(rng, x), None
    e = ensemble.GradientBoostingClassifier(n_estimators=200, n_iter_no_change=2, random_state=1).fit(x, y > 1)
    yield "boosting stopped early", e, rows(rng, x), None
    if V >= (0, 21):
        yield "boosting zero", ensemble.GradientBoostingRegressor(n_estimators=4, init="zero").fit(x, y), rows(rng, x), \
            None
        e = ensemble.GradientBoostingClassifier(n_estimators=4, init="zero").fit(x, multi)
        yield "boosting zero, classes", e, rows(rng, x), None
        # Not ones that compute in float32, as linear models do of the float32 rows that they are given.
        init = tree.DecisionTreeClassifier(max_depth=2)
        for name, labels in (("two", y > 1), ("four", multi)):
            e = ensemble.GradientBoostingClassifier(n_estimators=4, init=init).fit(x, labels)
            yield "boosting with initial estimator, %s classes" % name, e, x[:40], None
        for init in (tree.DecisionTreeRegressor(max_depth=3), DummyRegressor(strategy="quantile", quantile=0.3)):
            e = ensemble.GradientBoostingRegressor(n_estimators=4, init=init).fit(x, y)
            yield "boosting from " + type(init).__name__, e, x[:40], None
    e = ensemble.GradientBoostingClassifier(n_estimators=6, max_depth=1, learning_rate=1.0).fit(
        np.repeat([[0.0], [1.0]], 50, 0), np.tile([0, 1], 50))
    yield "boosting ties", e, np.array([[0.0], [1.0], [0.5]]), None


def hist(rng):
    if V < (0, 21):
        return
    regressor, classifier = ensemble.HistGradientBoostingRegressor, ensemble.HistGradientBoostingClassifier
    x, y = data(rng, 400)
    some = rows(rng, x)
    multi = np.digitize(y, [0, 1, 2])
    losses = old(["squared_error"], ["least_squares"], (1, 0))
    if V >= (0, 23):
        losses += old(["absolute_error"], ["least_absolute_deviation"], (1, 0)) + ["poisson"]
    if V >= (1, 3):
        losses += ["gamma"]
    for loss in losses:
        yield "hist " + loss, regressor(loss=loss, max_iter=15).fit(x, np.abs(y) + 0.1), some, None
    if V >= (1, 1):
        yield "hist quantile", regressor(loss="quantile", quantile=0.8, max_iter=9).fit(x, y), some, None
    for kind, labels in label_kinds(y, rng):
        yield "hist " + kind, classifier(max_iter=12).fit(x, labels), some, None
    yield "hist four classes", classifier(max_iter=5, max_leaf_nodes=4).fit(x, multi), some, None
    if V >= (0, 22):
        x[rng.uniform(size=x.shape) < 0.2] = np.nan
        some = x[:90].copy()
        some[5, 1], some[6, 2] = np.inf, -np.inf
        yield "hist missing", classifier(max_iter=12).fit(x, y > 1), some, None
        yield "hist missing, four classes", classifier(max_iter=5).fit(x, multi), some, None
    if V >= (0, 23):
        e = regressor(max_iter=9, monotonic_cst=[1, 0, 0, -1, 0, 0]).fit(x, y)
        yield "hist monotonic", e, some, None
    yield "hist constant", regressor(max_iter=5, min_samples_leaf=1000).fit(x, y) if V >= (0, 22) else \
        regressor(max_iter=5, min_samples_leaf=1000).fit(np.nan_to_num(x), y), np.nan_to_num(some), None
    if V >= (0, 24):
        for case in hist_categories(rng):
            yield case


def hist_categories(rng):
    regressor, classifier = ensemble.HistGradientBoostingRegressor, ensemble.HistGradientBoostingClassifier
    x, y = data(rng, 400)
    x[:, 3] = rng.randint(0, 40, 400) * 3 + 2
    y = y + (x[:, 3] % 7)
    gaps = x.copy()
    gaps[rng.uniform(size=x.shape) < 0.1] = np.nan
    for name, train in (("", x), (" with gaps", gaps)):
        some = gaps[:80].copy()
        some[::9, 3] = 1  # not seen in training
        some[1::9, 2] = 200
        some[2::9, 3] = 255
        for e in (regressor(max_iter=12, categorical_features=[2, 3]),
                  classifier(max_iter=12, categorical_features=[False, False, True, True, False, False])):
            e = e.fit(train, y > 4 if "Classifier" in type(e).__name__ else y)
            yield "hist categories%s %s" % (name, type(e).__name__), e, some, None
            odd = some.copy()
            odd[:10, 3] = [-1, -0.5, 300, 258.0, 5.5, 1e9, 4e9, 1e300, 255.5, 0]
            yield "hist odd categories%s %s" % (name, type(e).__name__), e, odd, ["predict"]
    e = classifier(max_iter=4, categorical_features=[0, 1]).fit(np.c_[x[:, 2], x[:, 3]], np.digitize(y, [2, 5]))
    yield "hist only categories", e, np.c_[x[:60, 2], x[:60, 3]], None
    if V < (1, 4):
        return
    try:
        import pandas as pd
    except ImportError:
        return
    frame = pd.DataFrame({"a": x[:, 0], "c": pd.Categorical(np.array(list("uvwxyz"))[rng.randint(0, 6, 400)]),
                          "b": x[:, 1]})
    e = regressor(max_iter=9, categorical_features="from_dtype").fit(frame, y)
    send = [{"a": float(r.a), "c": str(r.c), "b": float(r.b)} for r in frame[:30].itertuples()]
    yield "hist of a frame", e, frame[:30], None, send


def anomalies(rng):
    x, y = data(rng)
    some = rows(rng, x)
    kinds = [dict(), dict(max_features=0.5), dict(max_samples=50, bootstrap=True), dict(contamination=0.2),
             dict(max_samples=1), dict(max_samples=2)]
    for k in kinds:
        if V < (0, 22):
            k.setdefault("contamination", "auto")
            for behaviour in ("new", "old"):
                if behaviour == "old" and k["contamination"] == "auto":
                    continue
                e = ensemble.IsolationForest(n_estimators=12, random_state=5, behaviour=behaviour, **k).fit(x)
                yield "isolation %s %s" % (behaviour, k), e, some, None
        else:
            yield "isolation %s" % k, ensemble.IsolationForest(n_estimators=12, random_state=5, **k).fit(x), some, None
    yield "embedding", ensemble.RandomTreesEmbedding(n_estimators=6, max_depth=4, random_state=1).fit(x), some, \
        ["transform", "apply"]
    yield "embedding dense", ensemble.RandomTreesEmbedding(n_estimators=6, max_depth=3, random_state=1,
                                                           sparse_output=False).fit(x), some, ["transform"]


def cases(seed):
    for part in (single_trees, forests, missing_values, odd_numbers, gradient_boosting, hist, anomalies):
        for case in part(np.random.RandomState(seed)):
            yield case
