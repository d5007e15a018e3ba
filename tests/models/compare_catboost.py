#!/usr/bin/env python3
"""Compares proa's answers with CatBoost's own.

  compare_catboost.py make DIR           models, rows and answers into DIR; needs catboost
  compare_catboost.py check TOOL DIR...  TOOL is predict_file; needs numpy only
"""
import json
import os
import sys

import numpy as np

from answers import ask


def numeric(rng, n, features=6):
    x = rng.normal(size=(n, features))
    x[:, 0] = np.round(x[:, 0] * 2) / 2
    return x


WORDS = ["", "a", "bc", "def", "ghij", "longer word", "x" * 17, "sixteen letters!", "ü" * 20, "y" * 70,
         "z" * 200] + ["word%d" % i for i in range(60)]


def mixed(rng, n):
    """Two numbers, three categories: few texts, many texts, integers."""
    x = numeric(rng, n, 2)
    return [[float(x[i, 0]), WORDS[rng.integers(4)], WORDS[rng.integers(len(WORDS))], int(rng.integers(-3, 30)),
             float(x[i, 1])] for i in range(n)]


def configurations(cb, rng):
    """(name, estimator, pool, test rows)."""
    n = 400
    x = numeric(rng, n)
    test = numeric(rng, 50)
    real = x[:, 0] * x[:, 1] + x[:, 2]
    positive = np.exp(real / 3)
    binary = (real > 0).astype(int)
    many = np.digitize(real, [-1, 0, 1])
    common = dict(iterations=15, depth=4, verbose=0, thread_count=1, allow_writing_files=False)
    C, R = cb.CatBoostClassifier, cb.CatBoostRegressor
    holes = x.copy()
    holes[rng.random(holes.shape) < 0.1] = np.nan
    test_holes = test.copy()
    test_holes[rng.random(test.shape) < 0.2] = np.nan
    for policy in ("SymmetricTree", "Depthwise", "Lossguide"):
        p = dict(common, grow_policy=policy)
        yield "rmse_" + policy, R(**p), cb.Pool(x, real), test
        yield "binary_" + policy, C(**p), cb.Pool(x, binary), test
        yield "many_" + policy, C(**p), cb.Pool(x, many), test
        for mode in ("Min", "Max"):
            yield "nan_%s_%s" % (mode, policy), R(nan_mode=mode, **p), cb.Pool(holes, real), test_holes
    yield "nan_without", R(**common), cb.Pool(x, real), test_holes
    for loss, y in [("MAE", real), ("Quantile:alpha=0.3", real), ("Poisson", np.round(positive)), ("Huber:delta=1", real),
                    ("Tweedie:variance_power=1.5", positive), ("LogCosh", real), ("Expectile:alpha=0.3", real),
                    ("RMSEWithUncertainty", real), ("MAPE", positive)]:
        yield "loss_" + loss.split(":")[0], R(loss_function=loss, **common), cb.Pool(x, y), test
    yield "loss_MultiRMSE", R(loss_function="MultiRMSE", **common), cb.Pool(x, np.column_stack([real, positive])), test
    yield "loss_MultiQuantile", R(loss_function="MultiQuantile:alpha=0.1,0.5,0.9", **common), cb.Pool(x, real), test
    yield "loss_CrossEntropy", C(loss_function="CrossEntropy", **common), cb.Pool(x, 1 / (1 + np.exp(-real))), test
    yield "loss_OneVsAll", C(loss_function="MultiClassOneVsAll", **common), cb.Pool(x, many), test
    yield "loss_MultiLogloss", C(loss_function="MultiLogloss", **common), cb.Pool(x, np.column_stack([binary, many > 1]).astype(int)), test
    yield "loss_Yeti", cb.CatBoost(dict(common, loss_function="YetiRank")), cb.Pool(x, many, group_id=np.arange(n) // 20), test
    yield "labels_text", C(**common), cb.Pool(x, np.array(["no", "yes"])[binary]), test
    yield "labels_texts", C(**common), cb.Pool(x, np.array(["d", "b", "c", "a"])[many]), test
    yield "labels_float", C(**common), cb.Pool(x, np.array([0.5, 1.5, 2.5, 7.0])[many]), test
    yield "labels_bool", C(**common), cb.Pool(x, binary == 1), test
    yield "labels_order", C(class_names=[3, 1, 0, 2], **common), cb.Pool(x, many), test
    yield "names", R(**common), cb.Pool(x, real, feature_names=list("abcdef")), test
    yield "deep", R(iterations=5, depth=10, verbose=0, allow_writing_files=False), cb.Pool(x, real), test
    yield "no_splits", R(iterations=3, depth=1, verbose=0, allow_writing_files=False), cb.Pool(np.ones((n, 2)) * [[1, 2]] + np.eye(n, 2), real), np.ones((3, 2))
    yield from categories(cb, rng, common)


def categories(cb, rng, common):
    x = mixed(rng, 500)
    real = np.array([r[0] + len(r[1]) + (len(r[2]) % 3) * r[4] + r[3] % 4 for r in x])
    binary = (real > np.median(real)).astype(int)
    many = np.digitize(real, np.quantile(real, [0.3, 0.6, 0.8]))
    test = mixed(rng, 60)
    test[0][2], test[1][1], test[2][3] = "never seen", "nor this", 12345
    C, R = cb.CatBoostClassifier, cb.CatBoostRegressor
    for name, kind, y in [("regression", R, real), ("binary", C, binary), ("many", C, many)]:
        pool = cb.Pool(x, y, cat_features=[1, 2, 3])
        yield "cat_onehot_" + name, kind(one_hot_max_size=255, **common), pool, test
        yield "cat_ctr_" + name, kind(one_hot_max_size=2, **common), pool, test
        yield "cat_mixed_" + name, kind(one_hot_max_size=6, max_ctr_complexity=4, **common), pool, test
        for ctr in ("Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"):
            yield "cat_%s_%s" % (ctr, name), kind(one_hot_max_size=2, simple_ctr=[ctr], combinations_ctr=[ctr], **common), pool, test
        if kind is C:
            continue
        yield "cat_depthwise_" + name, kind(grow_policy="Depthwise", one_hot_max_size=6, max_ctr_complexity=1, **common), pool, test


def make(folder):
    import catboost as cb
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(11)
    made = 0
    for name, model, pool, test in configurations(cb, rng):
        try:
            model.fit(pool)
        except Exception as e:
            print("not made:", name, str(e).splitlines()[0][:120])
            continue
        rows = [[None if isinstance(v, float) and v != v else v for v in (r.tolist() if hasattr(r, "tolist") else r)] for r in test]
        answers = {"predict": np.asarray(model.predict(test)).tolist(),
                   "raw": np.asarray(model.predict(test, prediction_type="RawFormulaVal")).tolist()}
        if hasattr(model, "predict_proba"):
            answers["predict_proba"] = np.asarray(model.predict_proba(test)).tolist()
            answers["predict_log_proba"] = np.asarray(model.predict_log_proba(test)).tolist()
        for ending in ("cbm", "json"):
            try:
                model.save_model(os.path.join(folder, name + "." + ending), format=ending, pool=pool)
            except Exception as e:
                print("not saved:", name, ending, str(e).splitlines()[0][:120])
        with open(os.path.join(folder, name + ".answers"), "w") as out:
            json.dump({"rows": rows, "answers": answers}, out)
        made += 1
    print(cb.__version__, made, "models in", folder)


def compare(want, got):
    want = np.array(want)
    if isinstance(got, str):
        return got
    if want.shape != got.shape:
        return "shape %s, wanted %s" % (got.shape, want.shape)
    if want.dtype.kind in "OUb" or got.dtype.kind in "OUb":
        bad = want.astype(str) != got.astype(str)
    elif want.dtype.kind in "iu":
        bad = want != got
    else:
        bad = ~np.isclose(want.astype(float), got.astype(float), rtol=1e-9, atol=1e-12, equal_nan=True)
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
            for ending in ("cbm", "json"):
                if not os.path.exists(base + "." + ending):
                    continue
                files += 1
                for method, want in told["answers"].items():
                    problem = compare(want, ask(tool, base + "." + ending, method, told["rows"]))
                    if problem is None:
                        problem = compare(want[:1], ask(tool, base + "." + ending, method, told["rows"][:1]))
                    good, bad = (good + 1, bad) if problem is None else (good, bad + 1)
                    if problem is not None:
                        print("%s.%s %s: %s" % (base, ending, method, problem))
    print("%d files: %d comparisons agree, %d do not" % (files, good, bad))
    return 1 if bad or not good else 0


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        sys.exit(check(sys.argv[2], sys.argv[3:]))
