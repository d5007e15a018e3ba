"""Neighbours, clusters and semi-supervised estimators: metrics, weights, ties, outputs, searches."""
import warnings

import numpy as np
import sklearn
from sklearn import cluster, neighbors, semi_supervised

warnings.simplefilter("ignore")


# To 1.0 (1.2 for votes) a scan took its distances from a formula that gives 1e-8 where rows are equal, and of
# equally far rows those that numpy's partition happened to leave in front.
RELEASE = tuple(int(v) for v in sklearn.__version__.split(".")[:2])


def fitted(e, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return e.fit(*data)


def attempt(make):
    """Cases that a release of scikit-learn does not have are left out."""
    try:
        yield from make()
    except (TypeError, ValueError, AttributeError, NotImplementedError, KeyError) as e:
        print("     not fitted: %s" % str(e)[:120])


def k_neighbors(random):
    X, Q = random.randn(300, 4), random.randn(40, 4)
    y, t = random.randint(4, size=300), random.randn(300)
    names = np.array(["ant", "bee", "cat", "dog"])
    for algorithm in ("brute", "kd_tree", "ball_tree", "auto"):
        for metric in ("minkowski", "manhattan", "chebyshev", "euclidean"):
            for weights in ("uniform", "distance"):
                tag = "%s-%s-%s" % (algorithm, metric, weights)
                known = 0 if algorithm == "brute" and RELEASE < (1, 1) else 5
                c = neighbors.KNeighborsClassifier(7, weights=weights, algorithm=algorithm, metric=metric, leaf_size=5)
                yield "knn-" + tag, fitted(c, X, y), np.vstack([Q, X[:known]]), None
                r = neighbors.KNeighborsRegressor(9, weights=weights, algorithm=algorithm, metric=metric)
                yield "knr-" + tag, fitted(r, X, np.c_[t, -t]), np.vstack([Q, X[:known]]), None
    for p in (1, 1.5, 3, np.inf):
        yield "knn-p%s" % p, fitted(neighbors.KNeighborsClassifier(p=p), X, y), Q, None
    yield "knn-texts", fitted(neighbors.KNeighborsClassifier(3), X, names[y]), Q, None
    yield "knn-bools", fitted(neighbors.KNeighborsClassifier(3), X, y > 1), Q, None
    yield "knn-two-outputs", fitted(neighbors.KNeighborsClassifier(3, weights="distance"), X, np.c_[y, y // 2]), Q, None
    yield "knn-text-outputs", fitted(neighbors.KNeighborsClassifier(3), X, np.c_[names[y], names[y // 2]]), Q, None
    yield "knn-one-column", fitted(neighbors.KNeighborsClassifier(3), X, y[:, None]), Q, None
    yield "knr-vector", fitted(neighbors.KNeighborsRegressor(3), X, t), Q, None
    yield "knn-float32", fitted(neighbors.KNeighborsRegressor(3), X.astype(np.float32), t), Q, None


def ties(random):
    """Small integers: many neighbours are equally far."""
    X, Q = random.randint(4, size=(120, 3)).astype(float), random.randint(4, size=(60, 3)).astype(float)
    y = random.randint(5, size=120)
    for algorithm in ("kd_tree", "ball_tree", "brute"):
        for k in (1, 2, 4, 11, 30):
            for weights in ("uniform", "distance"):
                c = neighbors.KNeighborsClassifier(k, algorithm=algorithm, weights=weights, leaf_size=3)
                if algorithm == "brute" and RELEASE < (1, 3):
                    continue
                yield "ties-%s-%d-%s" % (algorithm, k, weights), fitted(c, X, y), Q, None


def metrics(random):
    X, Q = np.abs(random.randn(80, 5)), np.abs(random.randn(30, 5))
    y = random.randint(3, size=80)
    V = np.cov(X.T)
    for algorithm in ("ball_tree", "brute"):
        for metric, params in (("canberra", None), ("braycurtis", None), ("hamming", None), ("seuclidean", {"V": X.var(axis=0)}),
                               ("mahalanobis", {"V": V}), ("mahalanobis", {"VI": np.linalg.inv(V)}), ("cityblock", None)):
            def make(metric=metric, params=params):
                c = neighbors.KNeighborsRegressor(5, algorithm=algorithm, metric=metric, metric_params=params, weights="distance")
                if metric == "hamming":
                    c = neighbors.RadiusNeighborsRegressor(.5, algorithm=algorithm, metric=metric)
                    yield "metric-%s-%s" % (algorithm, metric), fitted(c, np.round(X), y * 1.0), np.round(Q), None
                    return
                if algorithm == "brute" and metric == "mahalanobis" and "V" in params:
                    return
                yield "metric-%s-%s" % (algorithm, metric), fitted(c, X, y * 1.0), Q, None
            yield from attempt(make)
    for metric in ("cosine", "correlation", "sqeuclidean", "l1", "l2", "nan_euclidean"):
        def make(metric=metric):
            Xm, Qm = X.copy(), Q.copy()
            if metric == "nan_euclidean":
                Xm[::7, 1] = np.nan
                Qm[::5, 2] = np.nan
            c = neighbors.KNeighborsRegressor(5, algorithm="brute", metric=metric, weights="distance")
            yield "metric-" + metric, fitted(c, Xm, y * 1.0), Qm, None
        yield from attempt(make)
    B, C = (X > .7) * 1.0, (Q > .7) * 1.0
    for metric in ("jaccard", "dice", "rogerstanimoto", "russellrao", "sokalmichener", "sokalsneath", "matching", "kulsinski"):
        def make(metric=metric):
            c = neighbors.RadiusNeighborsRegressor(.4, algorithm="ball_tree", metric=metric)
            yield "metric-" + metric, fitted(c, B, y * 1.0), C, None
        yield from attempt(make)
    def more():
        geo = neighbors.KNeighborsClassifier(3, metric="haversine", algorithm="ball_tree")
        yield "metric-haversine", fitted(geo, X[:, :2], y), Q[:, :2], None
        weighted = neighbors.KNeighborsClassifier(3, metric="minkowski", p=3, metric_params={"w": np.arange(1., 6)})
        yield "metric-weighted", fitted(weighted, X, y), Q, None
    yield from attempt(more)
    D = np.sqrt(((X[:, None] - X[None]) ** 2).sum(-1))
    E = np.sqrt(((Q[:, None] - X[None]) ** 2).sum(-1))
    yield "metric-precomputed", fitted(neighbors.KNeighborsClassifier(3, metric="precomputed"), D, y), E, None
    from scipy import sparse
    S = sparse.csr_matrix(X * (X > .5))
    yield "knn-sparse", fitted(neighbors.KNeighborsClassifier(3), S, y), Q, None


def radius(random):
    X, Q = random.randn(200, 3), np.vstack([random.randn(40, 3), [[90., 90, 90]]])
    y, t = random.randint(3, size=200), random.randn(200)
    for algorithm in ("kd_tree", "ball_tree", "brute"):
        for weights in ("uniform", "distance"):
            tag = "%s-%s" % (algorithm, weights)
            for label in (None, 1, 9, "most_frequent")[:3 if RELEASE < (0, 22) else 4]:
                def make(label=label):
                    c = neighbors.RadiusNeighborsClassifier(1.0, weights=weights, algorithm=algorithm, outlier_label=label)
                    yield "radius-%s-%s" % (tag, label), fitted(c, X, y), Q, None
                yield from attempt(make)
            yield "radius-r-" + tag, fitted(neighbors.RadiusNeighborsRegressor(.8, weights=weights, algorithm=algorithm), X, np.c_[t, t]), Q, None
    c = neighbors.RadiusNeighborsClassifier(3.0, algorithm="kd_tree")
    yield "radius-two-outputs", fitted(c, X, np.c_[y, y > 1]), Q[:-1], None


def others(random):
    X, Q = random.randn(150, 3), random.randn(40, 3)
    y = random.randint(3, size=150)
    for metric in ("euclidean", "manhattan"):
        yield "centroid-" + metric, fitted(neighbors.NearestCentroid(metric=metric), X, y), Q, None
    yield "centroid-shrunken", fitted(neighbors.NearestCentroid(shrink_threshold=.3), X, y), Q, None
    def priors():
        yield "centroid-priors", fitted(neighbors.NearestCentroid(priors="empirical"), X, y), Q, None
        yield "centroid-two", fitted(neighbors.NearestCentroid(priors=[.3, .7]), X, y > 0), Q, None
    yield from attempt(priors)
    for mode in ("distance", "connectivity"):
        def graphs(mode=mode):
            yield "knt-" + mode, fitted(neighbors.KNeighborsTransformer(mode=mode), X), Q, None
            yield "rnt-" + mode, fitted(neighbors.RadiusNeighborsTransformer(mode=mode), X), Q, None
        yield from attempt(graphs)
    for algorithm in ("kd_tree", "ball_tree", "brute"):
        lof = neighbors.LocalOutlierFactor(20, novelty=True, algorithm=algorithm, contamination=.1)
        yield "lof-" + algorithm, fitted(lof, X), np.vstack([Q, Q * 4]), ["predict", "decision_function", "score_samples"]
    for kernel in ("gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"):
        for d in (1, 2, 3):
            k = neighbors.KernelDensity(bandwidth=1.3, kernel=kernel)
            yield "kde-%s-%d" % (kernel, d), fitted(k, X[:, :d]), Q[:, :d], None
    def weighted():
        k = neighbors.KernelDensity(bandwidth=.7, metric="manhattan", algorithm="ball_tree")
        yield "kde-weights", k.fit(X, sample_weight=random.rand(150) + .1), Q, None
    yield from attempt(weighted)


def clusters(random):
    X, Q = random.randn(200, 4) * 2, random.randn(60, 4) * 2
    edge = np.vstack([Q, X[:3], np.zeros((2, 4))])
    for make in (lambda: cluster.KMeans(5, random_state=1), lambda: cluster.KMeans(1, random_state=1),
                 lambda: cluster.MiniBatchKMeans(4, random_state=1), lambda: cluster.BisectingKMeans(6, random_state=1),
                 lambda: cluster.BisectingKMeans(1, random_state=1), lambda: cluster.Birch(n_clusters=3),
                 lambda: cluster.Birch(n_clusters=None), lambda: cluster.MeanShift(bandwidth=2),
                 lambda: cluster.AffinityPropagation(), lambda: cluster.AffinityPropagation(max_iter=2)):
        def case(make=make):
            e = make()
            yield "cluster-%s" % type(e).__name__, fitted(e, X), edge, None
        yield from attempt(case)
    grid = np.array([[float(i), float(j)] for i in range(5) for j in range(5)])
    yield "cluster-grid", fitted(cluster.KMeans(4, init=np.array([[0., 0], [0, 4], [4, 0], [4, 4]]), n_init=1), grid), grid / 2, None
    for pool in (np.mean, np.median, np.max, np.min, np.sum):
        def agglomeration(pool=pool):
            yield "agglomeration-" + pool.__name__, fitted(cluster.FeatureAgglomeration(2, pooling_func=pool), X), Q, None
        yield from attempt(agglomeration)
    y = random.randint(3, size=200)
    y[::2] = -1
    names = np.where(y == 0, 7, y)
    for cls in (semi_supervised.LabelPropagation, semi_supervised.LabelSpreading):
        for kernel in ("rbf", "knn"):
            yield "%s-%s" % (cls.__name__, kernel), fitted(cls(kernel=kernel), X, names), Q, None


def cases(seed):
    random = np.random.RandomState(seed)
    for family in (k_neighbors, ties, metrics, radius, others, clusters):
        yield from family(random)
