"""Models of XGBoost, LightGBM and CatBoost, trained here, answered by proa as their own libraries answer them."""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import xgboost as xgb

from served import Served

HERE = pathlib.Path(__file__).resolve().parent


def driver(name):
    return next(pathlib.Path(os.environ["PROA_BUILD"]).glob("src/models/**/" + name))


def run(*command, **env):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, env=dict(os.environ, **env))
    print("     " + "\n     ".join(done.stdout.strip().splitlines()[-3:]))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def made_and_checked(script):
    with tempfile.TemporaryDirectory() as folder:
        run(HERE / script, "make", folder)
        run(HERE / script, "check", driver("predict_file"), folder)


def test_xgboost_agrees_with_xgboost():
    made_and_checked("compare_xgboost.py")


def test_catboost_agrees_with_catboost():
    made_and_checked("compare_catboost.py")


def test_lightgbm_agrees_with_lightgbm():
    run(HERE / "compare_lightgbm.py", PREDICT_FILE=str(driver("predict_file")))


def boosters():
    """XGBClassifier of every kind of class, and a Booster that no classifier saved."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(200, 4))
    y = x[:, 0] + x[:, 1] * x[:, 2]
    several = np.column_stack([y > 0, x[:, 3] > 0.3, x[:, 0] > 1]).astype(int)

    def made(targets, **options):
        return xgb.XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1, **options).fit(x, targets)

    yield "several labels", made(several)
    yield "several labels, vector leaves", made(several, multi_strategy="multi_output_tree", tree_method="hist")
    yield "two classes", made((y > 0).astype(int))
    yield "two classes by margins", made((y > 0).astype(int), objective="binary:logitraw")
    yield "two classes by hinge", made((y > 0).astype(int), objective="binary:hinge")
    yield "four classes", made(np.digitize(y, [-1, 0, 1]))
    yield "four classes, numbers", made(np.digitize(y, [-1, 0, 1]), objective="multi:softmax")
    yield "no classifier", xgb.XGBRegressor(n_estimators=4, max_depth=3, n_jobs=1).fit(x, y)


def test_mlservers_form_has_the_classes_of_xgb_classifier():
    """MLServer's xgboost runtime calls predict of XGBClassifier if such saved the file: types, shapes and values."""
    rows = np.random.default_rng(6).normal(size=(9, 4)).astype(np.float32)
    types = {"int64": "INT64", "int32": "INT32", "float64": "FP64", "float32": "FP32"}
    inputs = [{"name": "x", "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel().tolist()}]
    for name, model in boosters():
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder, "model.json"))
            model.save_model(path)
            loaded = type(model)()
            loaded.load_model(path)
            want = loaded.predict(rows)
            with Served(folder, env={"MLSERVER_SERVER_NAME": "boosted"}) as server:
                status, body = server.v2(inputs)
        assert status == 200, (name, body)
        got = body["outputs"][0]
        assert got["name"] == "predict" and got["datatype"] == types[want.dtype.name], (name, want.dtype, got)
        assert got["shape"] == [len(rows), want.size // len(rows)], (name, want.shape, got)
        assert np.allclose(np.ravel(got["data"]), want.ravel(), rtol=2e-6, atol=0), (name, want, got)
