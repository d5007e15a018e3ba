"""Models trained here by scikit-learn, answered by proa: equal on every point."""
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import joblib
from sklearn.cluster import DBSCAN
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

HERE = pathlib.Path(__file__).resolve().parent
PROA = os.environ["PROA"]


def driver(name):
    return next(pathlib.Path(os.environ["PROA_BUILD"]).glob("src/models/**/" + name))


def run(*command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    print("     " + "\n     ".join(done.stdout.strip().splitlines()[-5:]))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_every_estimator_agrees_with_scikit_learn():
    """Each with its parameters, forms of saving, hard rows, one row and none; the seed is printed."""
    run(HERE / "compare_estimators.py", driver("predict_file"))


def test_hostile_files_are_refused_and_do_nothing():
    """Deny-lists of scanners, cuts and mutations, in children that may only read, write and exit."""
    run(HERE / "hostile.py", driver("hostile_file"), "--mutations", "2000")


class Serve:
    """`proa serve` alone, on a model made by `model`."""

    def __init__(self, model, name="iris", **options):
        self.folder = tempfile.TemporaryDirectory()
        joblib.dump(model, pathlib.Path(self.folder.name, "model.joblib"), **options)
        self.process = subprocess.Popen([PROA, "serve", f"--model_name={name}", f"--model_dir={self.folder.name}", "--http_host=127.0.0.1",
                                         "--http_port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            found = re.search(r"127\.0\.0\.1:(\d+)|port[= ](\d+)", line)
            if found:
                self.port = int(found.group(1) or found.group(2))
                return
        raise AssertionError("".join(self.lines))

    def post(self, path, body):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        c.request("POST", path, body)
        answer = c.getresponse()
        return answer.status, answer.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(10) == 0
        self.folder.cleanup()


def test_predictions_over_http_are_scikit_learns():
    X, y = load_iris(return_X_y=True)
    for model in (SVC(gamma="scale").fit(X, y), LogisticRegression(max_iter=500).fit(X, y), make_pipeline(StandardScaler(), SVC()).fit(X, y)):
        with Serve(model, compress=3) as server:
            status, body = server.post("/v1/models/iris:predict", json.dumps({"instances": X.tolist()}))
            assert status == 200, body
            assert json.loads(body) == {"predictions": model.predict(X).tolist()}


def test_an_estimator_that_is_not_covered_is_refused_by_name():
    X, _ = load_iris(return_X_y=True)
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(DBSCAN().fit(X), pathlib.Path(folder, "model.joblib"))
        done = subprocess.run([PROA, "serve", "--model_name=t", f"--model_dir={folder}", "--http_host=127.0.0.1", "--http_port=0"],
                              capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "DBSCAN" in done.stderr and "--list-formats" in done.stderr, done


def test_the_covered_formats_are_listed():
    done = subprocess.run([PROA, "serve", "--list-formats"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "RandomForestClassifier" in done.stdout and "lightgbm" in done.stdout, done
