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
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

HERE = pathlib.Path(__file__).resolve().parent
PROA = os.environ["PROA"]


def test_every_configuration_agrees_with_scikit_learn():
    """Kernels, solvers, classes, pipelines, every compression and pickle protocol; the seed is printed."""
    driver = next(pathlib.Path(os.environ["PROA_BUILD"]).glob("src/models/**/predict_file"))
    done = subprocess.run([sys.executable, HERE / "compare_with_sklearn.py", driver], capture_output=True, text=True)
    print("     " + (done.stdout.strip().splitlines() or ["no output"])[-1])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


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


def test_another_estimator_is_refused_by_name():
    X, y = load_iris(return_X_y=True)
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(DecisionTreeClassifier().fit(X, y), pathlib.Path(folder, "model.joblib"))
        done = subprocess.run([PROA, "serve", "--model_name=t", f"--model_dir={folder}", "--http_host=127.0.0.1", "--http_port=0"],
                              capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "DecisionTreeClassifier" in done.stderr, done
