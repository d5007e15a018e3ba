#!/usr/bin/env python3
"""Compares proa's answers with XGBoost's own.

  compare_xgboost.py make DIR      with any release of xgboost: models, rows and answers into DIR
  compare_xgboost.py check TOOL DIR...   TOOL is predict_file; needs numpy only

Files of an old release are made by an interpreter that has that release.
"""
import json
import os
import sys

import numpy as np

from answers import ask


def rows(rng, n, features, missing=0.1):
    x = rng.normal(size=(n, features))
    x[:, 0] = np.round(x[:, 0] * 2) / 2  # ties with thresholds
    x[rng.random(x.shape) < missing] = np.nan
    return x


def configurations(xgb, rng):
    """(name, parameters, matrix, rounds)."""
    n, f = 400, 7
    x = rows(rng, n, f)
    z = np.nan_to_num(x)
    real = z @ rng.normal(size=f) + 0.3 * z[:, 0] * z[:, 1]
    binary = (real > 0).astype(float)
    positive = np.exp(real / 3)
    many = np.digitize(real, [-1, 0.5, 2]).astype(float)
    labels = {
        "reg:squarederror": real, "reg:linear": real, "reg:squaredlogerror": positive,
        "reg:pseudohubererror": real, "reg:absoluteerror": real, "reg:logistic": binary,
        "reg:gamma": positive, "reg:tweedie": positive, "count:poisson": np.round(positive),
        "survival:cox": positive, "survival:aft": positive, "binary:logistic": binary,
        "binary:logitraw": binary, "binary:hinge": binary, "multi:softmax": many,
        "multi:softprob": many, "rank:pairwise": many, "rank:ndcg": many, "rank:map": binary,
        "reg:quantileerror": real, "reg:expectileerror": real,
    }
    for objective, y in labels.items():
        p = {"objective": objective, "max_depth": 4, "eta": 0.4}
        d = xgb.DMatrix(x, label=y)
        if objective.startswith("multi"):
            p["num_class"] = 4
        if objective.startswith("rank"):
            d.set_group([100] * 4)
        if objective == "survival:aft":
            d = xgb.DMatrix(x)
            d.set_float_info("label_lower_bound", y)
            d.set_float_info("label_upper_bound", y * 1.5)
        if objective == "reg:quantileerror":
            p["quantile_alpha"] = 0.3
        if objective == "reg:expectileerror":
            p["expectile_alpha"] = 0.3
        yield objective.replace(":", "_"), p, d, 12
        if objective in ("binary:logistic", "multi:softprob", "count:poisson", "reg:squarederror"):
            name = objective.replace(":", "_")
            yield name + "_base", dict(p, base_score=0.7), d, 5
            yield name + "_linear", dict(p, booster="gblinear"), d, 5
            yield name + "_dart", dict(p, booster="dart", rate_drop=0.4, one_drop=1), d, 9
            yield name + "_forest", dict(p, num_parallel_tree=3, subsample=0.5), d, 4
            yield name + "_deep", dict(p, max_depth=14, min_child_weight=0), d, 6
            yield name + "_leafwise", dict(p, tree_method="hist", grow_policy="lossguide", max_depth=0, max_leaves=20), d, 6
            yield name + "_exact", dict(p, tree_method="exact", gamma=0.5), d, 6
            if xgb.__version__ >= "1.":
                yield name + "_no_rounds", p, d, 0
    yield from modern(xgb, rng, x, z, real, many)


def modern(xgb, rng, x, z, real, many):
    if tuple(int(v) for v in xgb.__version__.split(".")[:2]) < (1, 6):
        return
    n = len(x)
    c = np.column_stack([rng.integers(0, 40, n), rng.integers(0, 3, n), z[:, :2]]).astype(float)
    c[rng.random(c.shape) < 0.05] = np.nan
    y = np.nan_to_num(c[:, 0]) % 5 + np.nan_to_num(c[:, 1]) * z[:, 3] + z[:, 1]
    d = xgb.DMatrix(c, label=y, feature_types=["c", "c", "q", "q"], enable_categorical=True)
    for onehot in (1, 5, 100):
        yield "categorical_%d" % onehot, {"tree_method": "hist", "max_cat_to_onehot": onehot, "max_depth": 5}, d, 10
    targets = np.column_stack([real, real * 2 + z[:, 0], z[:, 2]])
    d = xgb.DMatrix(x, label=targets)
    yield "targets", {"max_depth": 4, "tree_method": "hist"}, d, 6
    yield "targets_logistic", {"objective": "binary:logistic", "tree_method": "hist"}, xgb.DMatrix(x, label=(targets > 0).astype(float)), 6
    yield "quantiles", {"objective": "reg:quantileerror", "quantile_alpha": np.array([0.1, 0.5, 0.9]), "tree_method": "hist"}, xgb.DMatrix(x, label=real), 6
    yield "vector_leaf", {"multi_strategy": "multi_output_tree", "tree_method": "hist"}, d, 6
    yield "vector_leaf_dart", {"multi_strategy": "multi_output_tree", "tree_method": "hist", "booster": "dart", "rate_drop": 0.5}, d, 6
    yield "vector_leaf_classes", {"multi_strategy": "multi_output_tree", "tree_method": "hist", "objective": "multi:softprob", "num_class": 4}, xgb.DMatrix(x, label=many), 6
    yield "names", {"max_depth": 3}, xgb.DMatrix(x, label=real, feature_names=list("abcdefg")), 3


def make(folder):
    import xgboost as xgb
    os.makedirs(folder, exist_ok=True)
    rng = np.random.RandomState(7) if not hasattr(np.random, "default_rng") else np.random.default_rng(7)
    made = 0
    for name, parameters, matrix, rounds in configurations(xgb, rng):
        try:
            booster = xgb.train(dict(parameters, nthread=1, seed=1, verbosity=0), matrix, rounds)
        except Exception as e:  # an objective that this release does not have
            print("not made:", name, str(e).splitlines()[0][:100])
            continue
        f = matrix.num_col()
        test = rows(rng, 60, f)
        if name.startswith("categorical"):
            test = np.column_stack([rng.integers(0, 40, 60), rng.integers(0, 3, 60), test[:, 2:]]).astype(float)
            test[::7, 0] = np.nan
        test[-1] = np.nan
        extra = {} if matrix.feature_names is None else {"feature_names": matrix.feature_names}
        if name.startswith("categorical"):
            extra.update(feature_types=matrix.feature_types, enable_categorical=True)
        d = xgb.DMatrix(test, **extra)
        for ending in ("json", "ubj", "model", "deprecated"):
            path = os.path.join(folder, name + "." + ending)
            try:
                booster.save_model(path)
                if os.path.getsize(path) == 0:
                    os.remove(path)
                    continue
                if ending in ("json", "ubj"):
                    head = open(path, "rb").read(2)
                    if head[:1] != b"{":
                        os.rename(path, path[: -len(ending)] + "bst")
                elif ending != "bst":
                    os.rename(path, path + ".bst")
            except Exception:  # a part of a file may be there: the old binary has no categories
                if os.path.exists(path):
                    os.remove(path)
        booster = xgb.Booster(model_file=next(
            os.path.join(folder, name + e) for e in (".json", ".bst") if os.path.exists(os.path.join(folder, name + e))))
        # Releases before 1.4 drop trees of dart at random unless told how many to use.
        old = {"ntree_limit": 100000} if name.endswith("_dart") and xgb.__version__ < "1.4" else {}
        answers = {"predict": booster.predict(d, **old), "raw": booster.predict(d, output_margin=True, **old)}
        if "linear" not in name and "no_rounds" not in name or name == "reg_linear":
            answers["apply"] = booster.predict(d, pred_leaf=True)
        with open(os.path.join(folder, name + ".answers"), "w") as out:
            json.dump({"rows": [[None if v != v else v for v in r] for r in test.tolist()],
                       "answers": {k: np.asarray(v).tolist() for k, v in answers.items()}}, out)
        made += 1
    print(xgb.__version__, made, "models in", folder)


def compare(want, got, exact):
    want = np.array(want, dtype=float)
    if isinstance(got, str):
        return got
    if want.ndim > 2:
        want = want.reshape(len(want), -1)
    if want.shape != got.shape:
        return "shape %s, wanted %s" % (got.shape, want.shape)
    if exact:
        bad = want != got
    else:
        bad = ~np.isclose(want, got, rtol=2e-6, atol=5e-7, equal_nan=True)
    if not bad.any():
        return None
    i = tuple(np.argwhere(bad)[0])
    return "%d of %d differ, at %s: %r, wanted %r" % (bad.sum(), bad.size, i, got[i], want[i])


def check(tool, folders):
    good = bad = files = 0
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".answers"):
                continue
            base = os.path.join(folder, name[: -len(".answers")])
            told = json.load(open(base + ".answers"))
            for ending in ("json", "ubj", "bst", "model.bst", "deprecated.bst"):
                if not os.path.exists(base + "." + ending):
                    continue
                files += 1
                for method, want in told["answers"].items():
                    problem = compare(want, ask(tool, base + "." + ending, method, told["rows"]),
                                      method == "apply")
                    if problem is None and method == "predict":
                        first = told["rows"][:1]
                        problem = compare(want[:1], ask(tool, base + "." + ending, method, first), False)
                    if problem is None:
                        good += 1
                    else:
                        bad += 1
                        print("%s.%s %s: %s" % (base, ending, method, problem))
    print("%d files: %d comparisons agree, %d do not" % (files, good, bad))
    return 1 if bad or not good else 0


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        sys.exit(check(sys.argv[2], sys.argv[3:]))
