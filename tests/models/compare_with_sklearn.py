#!/usr/bin/env python3
"""Trains models with the installed scikit-learn, saves them in every form, and compares what
`predict_file` says with what scikit-learn itself predicts: labels must be equal on every point,
decision values and probabilities to 1e-12 (relative to their size).

    compare_with_sklearn.py PREDICT_FILE [--seed N] [--quick]

Runs under every scikit-learn from 0.20 (Python 3.7) on; prints one line a failure and a summary.
"""
import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
import joblib
import numpy as np
import sklearn
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC, NuSVC

VERSION = tuple(int(p) for p in sklearn.__version__.split(".")[:2])


def ask(predict_file, model, rows, what):
    text = "".join(" ".join(repr(float(v)) for v in row) + "\n" for row in rows)
    done = subprocess.run([predict_file, model, what], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode != 0:
        raise RuntimeError("exit %d: %s %s" % (done.returncode, done.stdout.strip(), done.stderr.strip()))
    return done.stdout.splitlines()


def points(X, random):
    """Test points: the training data, noise, far points, midpoints, zeros, tiny and huge values."""
    span = X.max(axis=0) - X.min(axis=0)
    mid = (X[random.randint(len(X), size=60)] + X[random.randint(len(X), size=60)]) / 2
    return np.vstack([
        X[:150], X.min(axis=0) + span * random.rand(80, X.shape[1]), mid,
        random.randn(40, X.shape[1]) * 10, np.zeros((1, X.shape[1])), np.ones((1, X.shape[1])) * 1e-300,
        np.ones((1, X.shape[1])) * 1e6, -np.ones((1, X.shape[1])) * 1e6,
    ])


def magnitude(model, test):
    """For each point the size of the terms that an SVC adds up: rounding is relative to that."""
    if not isinstance(model, (SVC, NuSVC)) or hasattr(model.support_vectors_, "todense"):
        return np.ones(len(test))
    weights = np.abs(model.dual_coef_).sum(axis=0)
    if model.kernel == "precomputed":
        return np.abs(test[:, model.support_]) @ weights
    products = np.abs(test) @ np.abs(model.support_vectors_).T
    if model.kernel == "poly":
        products = (model._gamma * products + abs(model.coef0)) ** model.degree
    elif model.kernel != "linear":
        products = np.ones_like(products)
    return products @ weights


def near(ours, theirs, size):
    theirs = np.asarray(theirs, dtype=float)
    ours = np.array([[float(v) for v in line.split()] for line in ours]).reshape(theirs.shape)
    size = size.reshape((-1,) + (1,) * (theirs.ndim - 1))
    scale = np.maximum(np.maximum(1.0, size), np.abs(theirs))
    worst = float(np.max(np.abs(ours - theirs) / scale)) if theirs.size else 0.0
    return worst


def has(estimator, method):
    try:
        return callable(getattr(estimator, method))
    except Exception:
        return False


def probability(**more):
    return SVC(probability=True, random_state=0, **more)


def models(seed):
    """Name, estimator, X, y."""
    random = np.random.RandomState(seed)
    iris, target = load_iris(return_X_y=True)
    names = load_iris().target_names
    binary = target > 0
    wide, wide_y = make_classification(n_samples=160, n_features=37, n_informative=9, n_classes=5,
                                       random_state=seed)
    labels = {
        "int": target, "shifted": target * 7 - 3, "float": target * 2.0 - 1, "text": names[target],
        "object": names[target].astype(object), "unicode": np.array(["é", "日本", "\U0001f33c"])[target],
        "uint8": target.astype(np.uint8), "int32": target.astype(np.int32),
    }
    for kernel in ("linear", "poly", "rbf", "sigmoid"):
        yield "svc-" + kernel, SVC(kernel=kernel, gamma="scale"), iris, target
        yield "svc-2-" + kernel, SVC(kernel=kernel, gamma=0.3, coef0=0.7, degree=5), iris, binary
        yield "svc-5-" + kernel, SVC(kernel=kernel, gamma="auto", C=3), wide, wide_y
        yield "nusvc-" + kernel, NuSVC(kernel=kernel, nu=0.2, gamma="scale"), iris, target
        yield "proba-" + kernel, probability(kernel=kernel, gamma="scale"), iris, target
        yield "proba-2-" + kernel, probability(kernel=kernel, gamma="scale"), iris, binary
    yield "proba-5", probability(gamma="scale"), wide, wide_y
    yield "svc-poly-0", SVC(kernel="poly", degree=0, gamma="scale"), iris, target
    yield "svc-ovo", SVC(gamma="scale", decision_function_shape="ovo"), wide, wide_y
    if VERSION >= (0, 22):
        yield "svc-ties", SVC(gamma="scale", break_ties=True, C=0.01), wide, wide_y
        yield "svc-ties-2", SVC(gamma="scale", break_ties=True), iris, binary
    yield "svc-weights", SVC(gamma="scale", class_weight="balanced"), iris[20:], target[20:]
    yield "svc-int-data", SVC(gamma="scale"), np.round(iris * 2).astype(int), target
    yield "svc-float32", SVC(gamma="scale"), iris.astype(np.float32), target
    for name, y in labels.items():
        yield "labels-" + name, SVC(gamma="scale"), iris, y
        yield "lr-labels-" + name, LogisticRegression(max_iter=300), iris, y
    gram = iris @ iris.T
    yield "svc-precomputed", SVC(kernel="precomputed"), gram, target
    import scipy.sparse
    yield "svc-sparse", SVC(gamma="scale"), scipy.sparse.csr_matrix(iris), target
    yield "svc-sparse-linear", SVC(kernel="linear"), scipy.sparse.csr_matrix(iris), target
    yield "lr", LogisticRegression(max_iter=300), iris, target
    yield "lr-2", LogisticRegression(), iris, binary
    yield "lr-5", LogisticRegression(max_iter=300), wide, wide_y
    yield "lr-no-intercept", LogisticRegression(fit_intercept=False, max_iter=300), iris, target
    yield "lr-liblinear-2", LogisticRegression(solver="liblinear"), iris, binary
    if VERSION < (1, 8):
        yield "lr-liblinear", LogisticRegression(solver="liblinear"), iris, target
        for multi_class in ("ovr", "multinomial") + (("auto",) if VERSION >= (0, 20) else ()):
            yield ("lr-" + multi_class, LogisticRegression(multi_class=multi_class, solver="lbfgs", max_iter=300),
                   iris, target)
            yield ("lr-2-" + multi_class, LogisticRegression(multi_class=multi_class, solver="lbfgs", max_iter=300),
                   iris, binary)
    yield "lr-sparse-coef", LogisticRegression(max_iter=300).fit(iris, target).sparsify(), None, None
    yield "linear-svc", LinearSVC(), iris, target
    yield "linear-svc-2", LinearSVC(), iris, binary
    yield "linear-svc-no-intercept", LinearSVC(fit_intercept=False), iris, target
    yield "linear-svc-cs", LinearSVC(multi_class="crammer_singer"), iris, target
    yield "pipe-svc", make_pipeline(StandardScaler(), SVC(gamma="scale")), iris, target
    yield "pipe-proba", make_pipeline(StandardScaler(), probability(gamma="auto")), wide, wide_y
    yield "pipe-lr", make_pipeline(StandardScaler(), LogisticRegression()), wide, wide_y
    yield "pipe-minmax", make_pipeline(MinMaxScaler((-1, 2)), SVC(gamma="scale")), iris, target
    if VERSION >= (0, 24):
        yield "pipe-clip", make_pipeline(MinMaxScaler(clip=True), SVC(gamma="scale")), iris, target
    yield "pipe-no-mean", make_pipeline(StandardScaler(with_mean=False), SVC(gamma="scale")), iris, target
    yield "pipe-no-std", make_pipeline(StandardScaler(with_std=False), SVC(gamma="scale")), iris, target
    yield "pipe-neither", make_pipeline(StandardScaler(with_std=False, with_mean=False), LinearSVC()), iris, target
    yield "pipe-alone", Pipeline([("only", SVC(gamma="scale"))]), iris, target
    nothing = "passthrough" if VERSION >= (0, 21) else None
    yield ("pipe-nested", Pipeline([("a", Pipeline([("s", StandardScaler()), ("n", nothing)])), ("n", nothing),
                                    ("b", make_pipeline(MinMaxScaler(), LogisticRegression()))]), iris, target)
    random_state = np.random.RandomState(7)
    yield "random-state", SVC(gamma="scale", random_state=random_state), iris, target
    for i in range(6):
        n, f, k = random.randint(40, 200), random.randint(3, 30), random.randint(2, 7)
        X = random.randn(n, f) * random.choice([0.01, 1, 100])
        y = random.randint(k, size=n)
        yield ("random-%d" % i, SVC(gamma="scale", C=10.0 ** random.randint(-2, 4), max_iter=20000,
                                    kernel=["rbf", "linear", "poly"][i % 3]), X, y)


def saves(quick):
    """Name of a form, extension, function that saves in it."""
    yield "joblib", ".joblib", lambda m, f: joblib.dump(m, f)
    if quick:
        return
    for method in ("zlib", "gzip", "bz2", "lzma", "xz"):
        yield "joblib-" + method, ".joblib", lambda m, f, method=method: joblib.dump(m, f, compress=(method, 3))
    try:
        import lz4.frame  # noqa: F401
        yield "joblib-lz4", ".joblib", lambda m, f: joblib.dump(m, f, compress="lz4")
    except ImportError:
        pass
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        def dump(m, f, protocol=protocol):
            with open(f, "wb") as out:
                pickle.dump(m, out, protocol=protocol)
        yield "pickle-%d" % protocol, ".pkl", dump
        yield "joblib-%d" % protocol, ".pickle", lambda m, f, p=protocol: joblib.dump(m, f, protocol=p)

    def pure(m, f):  # Python's own pickler frames differently from C's
        with open(f, "wb") as out:
            pickle._Pickler(out, 4 if sys.version_info >= (3, 8) else 3).dump(m)
    yield "pickle-python", ".pkl", pure


def check(predict_file, folder, name, model, X, y, random, quick):
    failures, worst = [], 0.0
    if X is not None:
        model.fit(X, y)
    X = load_iris(return_X_y=True)[0] if X is None else X
    test = points(np.asarray(X.todense()) if hasattr(X, "todense") else X, random)
    labels = [json.dumps(v, ensure_ascii=False) for v in model.predict(test).tolist()]
    forms = list(saves(quick or not (name.startswith("labels") or name in ("svc-sparse", "pipe-nested", "proba-5",
                                                                            "random-state", "lr"))))
    for form, extension, save in forms:
        path = os.path.join(folder, name + "-" + form + extension)
        save(model, path)
        try:
            ours = ask(predict_file, path, test, "labels")
            if ours != labels:
                wrong = [i for i in range(len(labels)) if i >= len(ours) or ours[i] != labels[i]]
                failures.append("%s %s: %d labels differ, first at %s: %s instead of %s" % (
                    name, form, len(wrong), test[wrong[0]], ours[wrong[0]], labels[wrong[0]]))
        except Exception as e:
            failures.append("%s %s: %s" % (name, form, e))
    for what, method in (("decision", "decision_function"), ("proba", "predict_proba")):
        if not has(model, method):
            continue
        # Before 0.22 one-vs-rest confidences were scaled by the largest of the whole batch.
        if what == "decision" and VERSION < (0, 22) and not name.startswith(("lr", "linear")):
            continue
        try:
            error = near(ask(predict_file, path, test, what), getattr(model, method)(test), magnitude(model, test))
            worst = max(worst, error)
            if not error <= 1e-12:
                failures.append("%s: %s differs by %g" % (name, method, error))
        except Exception as e:
            failures.append("%s %s: %s" % (name, what, e))
    return len(forms), failures, worst


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("predict_file")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--quick", action="store_true")
    o = arguments.parse_args()
    random = np.random.RandomState(o.seed)
    files, failures, worst = 0, [], (0.0, "")
    with tempfile.TemporaryDirectory() as folder:
        for name, model, X, y in models(o.seed):
            n, failed, error = check(o.predict_file, folder, name, model, X, y, random, o.quick)
            files += n
            failures += failed
            worst = max(worst, (error, name))
    for f in failures:
        print("FAIL " + f)
    print("scikit-learn %s, numpy %s, joblib %s, seed %d: %d files, %d failures, worst difference %.1e (%s)" % (
        sklearn.__version__, np.__version__, joblib.__version__, o.seed, files, len(failures), worst[0], worst[1]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
