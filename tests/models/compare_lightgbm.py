"""Compares the LightGBM engine with LightGBM itself.

    PREDICT_FILE=build/.../predict_file python tests/models/compare_lightgbm.py

Trains small models of every objective, boosting, missing-value mode and kind of split, saves each
as text, and asks the tool `predict_file MODEL METHOD` (rows as JSON on its standard input) for the
same answers as Booster.predict: floats within 1e-9 relative, leaves identical. Runs with any
LightGBM from 2.3; models of older releases in the folder given as argument are compared too.
"""
import glob
import os
import sys
import tempfile

import lightgbm as lgb
import numpy as np

from answers import ask

TOOL = os.environ["PREDICT_FILE"]
FEATURES = 8


def answer(model, method, rows):
    said = ask(TOOL, model, method, [[None if np.isnan(v) else float(v) for v in row] for row in rows])
    if isinstance(said, str):
        raise RuntimeError(said)
    return said


def table(rng, n, special):
    x = rng.normal(size=(n, FEATURES))
    x[:, 1] = np.round(x[:, 1] * 2) / 2  # ties with thresholds
    x[:, 2] = rng.integers(0, 40, n) if hasattr(rng, "integers") else rng.randint(0, 40, n)
    x[:, 3] = np.where(rng.uniform(size=n) < 0.5, 0, x[:, 3])
    x[:, 4] = np.round(rng.uniform(size=n) * 6)
    if special:
        x[rng.uniform(size=x.shape) < 0.1] = np.nan
        x[rng.uniform(size=x.shape) < 0.05] = 0
    return x


def hard_rows(rng, n):
    x = table(rng, n, True)
    odd = [np.nan, 0.0, -0.0, 1e-36, -1e-36, 1e-35, 2e-35, -2e-35, 1e300, -1e300, 1e-300, -1.0, -0.5, 39.5,
           1000.0, 3e9, 0.5, 1.0]
    for i in range(0, n, 2):
        x[i, rng.randint(0, FEATURES)] = odd[(i // 2) % len(odd)]
    x[:, 4] = np.where(rng.uniform(size=n) < 0.2, 77, x[:, 4])
    return x


def cases():
    rng = np.random.RandomState(7)
    for objective in ["regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape",
                      "gamma", "tweedie", "binary", "multiclass", "multiclassova", "cross_entropy",
                      "cross_entropy_lambda", "lambdarank", "rank_xendcg", "regression sqrt",
                      "binary sigmoid", "custom"]:
        for boosting in ["gbdt", "dart", "rf"]:
            yield objective + " " + boosting, dict(boosting=boosting), objective, rng
    for name, extra in [
            ("no missing", dict(use_missing=False)),
            ("zero is missing", dict(zero_as_missing=True)),
            ("zero is missing, categorical", dict(zero_as_missing=True, categorical_feature=[2, 4])),
            ("categorical", dict(categorical_feature=[2, 4], min_data_per_group=5, cat_smooth=1)),
            ("categorical one-hot", dict(categorical_feature=[2, 4], max_cat_to_onehot=100,
                                         min_data_per_group=5)),
            ("deep", dict(num_leaves=200, min_data_in_leaf=1)),
            ("stumps", dict(num_leaves=2)),
            ("linear", dict(linear_tree=True)),
            ("constant", dict(min_data_in_leaf=100000)),
            ("goss", dict(boosting="goss")),
            ("extra trees", dict(extra_trees=True)),
            ("monotone", dict(monotone_constraints=[1, -1, 0, 0, 0, 0, 0, 0]))]:
        for objective in ["regression", "binary", "multiclass"]:
            yield objective + " " + name, dict(extra), objective, rng


def train(extra, objective, rng):
    special = objective != "regression" or not extra.get("linear_tree")
    x = table(rng, 600, special)
    base = np.nan_to_num(x[:, 0]) + np.nan_to_num(x[:, 1] ** 2) + (np.nan_to_num(x[:, 2]) % 3)
    params = dict(verbose=-1, num_leaves=12, min_data_in_leaf=5, learning_rate=0.2, seed=3,
                  num_threads=1, deterministic=True)
    words = objective.split()
    name = words[0]
    y = base + rng.normal(size=600) * 0.3
    data_params = {}
    if name in ("binary",):
        y = (y > np.median(y)).astype(float)
        if "sigmoid" in words:
            params["sigmoid"] = 1.7
    elif name.startswith("multiclass"):
        y = np.digitize(y, np.quantile(y, [0.3, 0.7])).astype(float)
        params["num_class"] = 3
    elif name.startswith("cross_entropy"):
        y = 1 / (1 + np.exp(-y))
    elif name in ("poisson", "gamma", "tweedie"):
        y = np.abs(y) + 0.1
    elif name in ("lambdarank", "rank_xendcg"):
        y = np.digitize(y, np.quantile(y, [0.3, 0.7])).astype(float)
        data_params["group"] = [20] * 30
    if "sqrt" in words:
        params["reg_sqrt"] = True
    if extra.get("boosting") == "rf":
        params.update(bagging_freq=1, bagging_fraction=0.7, feature_fraction=0.8)
    categorical = extra.pop("categorical_feature", "auto")
    params.update(extra)
    params["objective"] = name
    dataset = lgb.Dataset(x, y, categorical_feature=categorical, params=params, **data_params)
    if name == "custom":
        def loss(predictions, data):
            return predictions - data.get_label(), np.ones(len(predictions))
        if int(lgb.__version__.split(".")[0]) >= 4:
            params["objective"] = loss
            return lgb.train(params, dataset, 20)
        params.pop("objective")
        return lgb.train(params, dataset, 20, fobj=loss)
    return lgb.train(params, dataset, 20)


def compare(name, booster, path, rows):
    worst = 0.0
    kinds = [("predict", {}), ("raw", dict(raw_score=True)), ("apply", dict(pred_leaf=True)),
             ("contributions", dict(pred_contrib=True))]
    linear = "is_linear=1" in open(path).read()
    for method, arguments in kinds:
        if linear and method == "contributions":
            continue
        expected = np.asarray(booster.predict(rows, **arguments))
        got = answer(path, method, rows)
        if method == "apply":  # releases before 4 answer a list for a single tree
            expected = expected.reshape(len(rows), -1)
        if got.shape != expected.shape:
            raise RuntimeError("%s has shape %s, not %s" % (method, got.shape, expected.shape))
        if method == "apply":
            if not (got == expected).all():
                raise RuntimeError("leaves differ")
            continue
        scale = np.abs(expected)
        if method == "contributions":  # sums of many terms that cancel
            scale = np.maximum(scale, np.abs(expected).max())
        off = np.abs(got - expected) / np.maximum(scale, 1e-300)
        off = float(np.where(got == expected, 0, off).max())
        if not off <= 1e-9:
            i = np.unravel_index(np.argmax(np.where(got == expected, 0, np.abs(got - expected))), got.shape)
            raise RuntimeError("%s is off by %g: %r, not %r, row %s" %
                               (method, off, got[i], expected[i], rows[i[0]].tolist()))
        worst = max(worst, off)
    return worst


def main():
    failed = done = 0
    worst = 0.0
    rng = np.random.RandomState(11)
    folder = tempfile.mkdtemp()
    found = [(p, p, None, None) for a in sys.argv[1:] for p in sorted(glob.glob(a + "/*.txt"))]
    for number, (name, extra, objective, source) in enumerate(list(cases()) + found):
        try:
            if objective is None:
                path = name
            else:
                path = "%s/%d.txt" % (folder, number)
                try:
                    trained = train(extra, objective, source)
                except lgb.basic.LightGBMError as e:
                    print("not trained:", name, "-", e)
                    continue
                trained.save_model(path)
            booster = lgb.Booster(model_file=path)
            for rows in (hard_rows(rng, 120), table(rng, 1, True)):
                worst = max(worst, compare(name, booster, path, rows))
            done += 1
        except RuntimeError as e:
            failed += 1
            print("FAILED", name, "-", e)
    print("LightGBM %s: %d models agree, %d do not; furthest off %.3g" %
          (lgb.__version__, done, failed, worst))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
