#!/usr/bin/env python3
"""Compares what `predict_file` says of saved estimators with what scikit-learn itself answers: labels
identical, floats to 1e-9 relative, shapes and types the same, an error where scikit-learn raises one.

    compare_estimators.py PREDICT_FILE [--cases NAME,…] [--only TEXT] [--seed N] [--forms] [-v]

The cases come from the files cases_NAME.py beside this one. Each has a function

    cases(seed)    yields (id, fitted estimator, rows, methods) or (id, …, methods, rows to send)

rows: a matrix (of objects too), a sparse matrix, a list of lists or a list of texts. methods: names, or
None for all that the estimator has. "Rows to send" replace the rows in the request, e.g. lists of
objects for named columns. Every case is also asked with its first row alone and with no rows.

Runs under every scikit-learn from 0.20 (Python 3.7) on. Prints a line a failure and a summary.
"""
import argparse
import glob
import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
import warnings

warnings.simplefilter("ignore")
import joblib
import numpy as np
import sklearn
from scipy import sparse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "transform", "apply")


class Driver:
    """One predict_file for all questions; started again if it dies, which is a failure."""

    def __init__(self, path):
        self.path, self.process = path, None

    def ask(self, model, method, rows):
        if self.process is None:
            self.process = subprocess.Popen([self.path, "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = "%s\t%s\t%s\n" % (model, method, rows)
        try:
            self.process.stdin.write(line.encode("utf-8"))
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except OSError:
            answer = b""
        if not answer:
            code = self.process.wait()
            self.process = None
            raise AssertionError("predict_file died with %d" % code)
        return json.loads(answer.decode("utf-8"))


def to_json(rows):
    if sparse.issparse(rows):
        rows = rows.toarray()
    if isinstance(rows, np.ndarray):
        rows = rows.tolist()

    def plain(v):
        return v.item() if isinstance(v, np.generic) else str(v)

    return json.dumps(rows, ensure_ascii=False, default=plain)


def as_arrays(answer):
    """scikit-learn's answer as a list of arrays."""
    if sparse.issparse(answer):
        answer = answer.toarray()
    if isinstance(answer, (list, tuple)) and len(answer) and hasattr(answer[0], "shape"):
        return [np.asarray(a.toarray() if sparse.issparse(a) else a) for a in answer]
    return [np.asarray(answer)]


def kind_of(array):
    kind = array.dtype.kind
    if kind == "O":
        flat = array.ravel().tolist()
        if flat and all(isinstance(v, (bool, np.bool_)) for v in flat):
            return "b"
        if flat and all(isinstance(v, (int, np.integer)) for v in flat):
            return "i"
        if flat and all(isinstance(v, (int, float, np.number)) for v in flat):
            return "f"
        return "U"
    return {"u": "i", "S": "U"}.get(kind, kind)


KINDS = {"BOOL": "b", "BYTES": "U", "FP16": "f", "FP32": "f", "FP64": "f", "BF16": "f"}


def difference(ours, theirs):
    """What is wrong with our array, or None."""
    if list(ours["shape"]) != list(theirs.shape):
        return "shape %s instead of %s" % (tuple(ours["shape"]), theirs.shape)
    kind = KINDS.get(ours["type"], "i")
    if theirs.size and kind != kind_of(theirs):
        return "type %s instead of %s" % (ours["type"], theirs.dtype)
    if kind != "f":
        expected = theirs.ravel().tolist()
        got = [bool(v) for v in ours["data"]] if kind == "b" else ours["data"]
        wrong = [i for i in range(len(expected)) if expected[i] != got[i]]
        if wrong:
            return "%d of %d values differ, first [%d]: %r instead of %r" % (
                len(wrong), len(expected), wrong[0], got[wrong[0]], expected[wrong[0]])
        return None
    expected = np.asarray(theirs, dtype=float).ravel()
    got = np.array(ours["data"], dtype=float).reshape(expected.shape)
    finite = np.isfinite(expected)
    same = np.where(np.isnan(expected), np.isnan(got), expected == got)
    largest = np.abs(expected[finite]).max() if finite.any() else 0.0
    relative = 1e-9 if theirs.dtype != np.float32 else 2e-6
    allowed = relative * np.abs(expected) + relative * 1e-3 * max(1.0, min(largest, 1e6))
    with np.errstate(all="ignore"):
        good = same | (finite & (np.abs(got - expected) <= allowed))
    if good.all():
        return None
    i = int(np.argmin(good))
    return "%d of %d numbers differ, first [%d]: %.17g instead of %.17g" % (
        int((~good).sum()), good.size, i, got[i], expected[i])


def saves():
    """How a model is saved: extension and function. Cases take them in turn."""
    yield ".joblib", lambda m, f: joblib.dump(m, f)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        def dump(m, f, protocol=protocol):
            with open(f, "wb") as out:
                pickle.dump(m, out, protocol=protocol)
        yield ".pkl", dump
    yield ".joblib", lambda m, f: joblib.dump(m, f, compress=3)
    yield ".joblib", lambda m, f: joblib.dump(m, f, protocol=2)
    for method in ("gzip", "bz2", "lzma", "xz"):
        yield ".pickle", lambda m, f, method=method: joblib.dump(m, f, compress=(method, 2))


def answer_of(estimator, method, rows):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return as_arrays(getattr(estimator, method)(rows)), None
    except Exception as e:
        return None, e


# scikit-learn drops the first axis of these for one row; ours keeps it, as for more rows.
FLAT_FOR_ONE_ROW = {"SparsePCA", "MiniBatchSparsePCA"}


def check(driver, path, estimator, method, rows, send):
    expected, error = answer_of(estimator, method, rows)
    got = driver.ask(path, method, to_json(rows if send is None else send))
    if error is not None:
        return None if "error" in got else "answered, scikit-learn says %s: %s" % (type(error).__name__, str(error)[:150])
    if "error" in got:
        return got["error"]
    if len(got["arrays"]) != len(expected):
        return "%d arrays instead of %d" % (len(got["arrays"]), len(expected))
    for i, array in enumerate(expected):
        if type(estimator).__name__ in FLAT_FOR_ONE_ROW and len(rows) == 1 and array.ndim == 1:
            array = array.reshape(1, -1)
        if len(array) == 0 and got["arrays"][i]["shape"][:1] == [0]:
            continue  # no rows in JSON say nothing of columns
        wrong = difference(got["arrays"][i], array)
        if wrong:
            return wrong if len(expected) == 1 else "array %d: %s" % (i, wrong)
    return None


def first(rows):
    return rows[:1], rows[:0]


def has(estimator, method):
    try:
        return callable(getattr(estimator, method))
    except Exception:
        return False


def run_case(driver, folder, number, case, forms, count):
    name, estimator, rows, methods = case[:4]
    send = case[4] if len(case) > 4 else None
    methods = [m for m in methods or METHODS if has(estimator, m)]
    failures = []
    ways = list(saves())
    for way in range(len(ways)) if forms else [number % len(ways)]:
        extension, save = ways[way]
        path = os.path.join(folder, "%d_%d%s" % (number, way, extension))
        save(estimator, path)
        for method in methods:
            sets = [("", rows, send)]
            if way == number % len(ways):
                one, none = first(rows)
                sent = (None, None) if send is None else first(send)
                sets += [(" of one row", one, sent[0]), (" of no rows", none, sent[1])]
            for what, these, send_these in sets:
                count[0] += 1
                try:
                    wrong = check(driver, path, estimator, method, these, send_these)
                except Exception as e:
                    wrong = "%s: %s" % (type(e).__name__, e)
                if wrong:
                    failures.append((name, "%s%s" % (method, what), wrong))
        os.unlink(path)
    return failures, methods


def classes_in(estimator):
    return type(estimator).__name__


def all_classes():
    for name in ("enable_hist_gradient_boosting", "enable_iterative_imputer", "enable_halving_search_cv"):
        try:
            importlib.import_module("sklearn.experimental." + name)
        except ImportError:
            pass
    try:
        from sklearn.utils import all_estimators
    except ImportError:
        from sklearn.utils.testing import all_estimators
    return {name: cls for name, cls in all_estimators() if not name.startswith("_")}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("predict_file")
    arguments.add_argument("--cases", default="")
    arguments.add_argument("--only", default="")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--forms", action="store_true", help="every case in every form of saving")
    arguments.add_argument("-v", action="store_true")
    o = arguments.parse_args()
    files = sorted(os.path.basename(f)[:-3] for f in glob.glob(os.path.join(HERE, "cases_*.py")))
    if o.cases:
        files = ["cases_" + n for n in o.cases.split(",")]
    start, driver, failures, count, cases = time.time(), Driver(o.predict_file), [], [0], 0
    good, predicts = set(), {}
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            for case in importlib.import_module(file).cases(o.seed):
                if o.only and o.only not in case[0]:
                    continue
                failed, methods = run_case(driver, folder, cases, case, o.forms, count)
                cases += 1
                failures += [(file[6:],) + f for f in failed]
                name = classes_in(case[1])
                if failed:
                    predicts.setdefault(name, []).append(case[0])
                else:
                    good.add(name)
                for f in failed:
                    print("FAIL %s/%s %s: %s" % ((file[6:],) + f))
                if o.v:
                    print("%s %s %s" % ("bad " if failed else "good", case[0], ",".join(methods)))
                sys.stdout.flush()
    known = all_classes()
    covered = sorted(n for n in known if n in good)
    left = sorted(n for n in known if n not in good and hasattr(known[n], "predict"))
    other = sorted(n for n in known if n not in good and not hasattr(known[n], "predict"))
    print("scikit-learn %s, numpy %s, joblib %s, seed %d: %d cases, %d questions, %d failures, %.0f s" % (
        sklearn.__version__, np.__version__, joblib.__version__, o.seed, cases, count[0], len(failures), time.time() - start))
    print("covered: %d of %d estimators" % (len(covered), len(known)))
    claimed = subprocess.run([o.predict_file, "--covers"], stdout=subprocess.PIPE, universal_newlines=True).stdout.split()
    untested = sorted(c for c in (n.split(".")[-1] for n in claimed) if c in known and c not in good and c not in predicts)
    if not o.cases and not o.only:
        print("claimed, without a case: " + (", ".join(untested) or "none"))
        failures += [("all", c, "", "no case") for c in untested]
    print("with predict, not covered: " + (", ".join(left) or "none"))
    print("without predict, not covered: " + (", ".join(other) or "none"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
