"""Model folders that MLflow wrote, answered by proa: equal to the model that was saved."""
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from skl2onnx import to_onnx

from served import PROA, Served, refusal

os.environ["MLFLOW_TRACKING_URI"] = "file:///tmp/proa-no-mlflow"
X, Y = load_iris(return_X_y=True)
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]


def saved(save, model, **more):
    folder = tempfile.TemporaryDirectory()
    path = str(pathlib.Path(folder.name, "model"))
    save(model, path, **more)
    return folder, path


def test_flavours_agree_with_what_was_saved():
    try:
        import mlflow
        import mlflow.sklearn
        import mlflow.onnx
        import pandas as pd
    except ImportError:
        print("     MLflow is not installed: left out")
        return
    frame = pd.DataFrame(X, columns=NAMES)
    model = RandomForestClassifier(10, random_state=0).fit(frame, Y)
    signature = mlflow.models.infer_signature(frame, model.predict(frame))
    folder, path = saved(mlflow.sklearn.save_model, model, signature=signature, serialization_format="cloudpickle",
                         pip_requirements=["scikit-learn"])
    with folder, Served(path) as served:
        assert served.v1(instances=X.tolist()) == model.predict(frame).tolist()
        mixed = [dict(reversed(list(zip(NAMES, r)))) for r in X.tolist()]
        assert served.v1(instances=mixed) == model.predict(frame).tolist()
        metadata = served.metadata()
        assert metadata["platform"] == "mlflow"
        assert metadata["inputs"] == [{"name": n, "datatype": "FP64", "shape": [-1, 1]} for n in NAMES]
        status, answer = served.v2([{"name": n, "datatype": "FP64", "shape": [2, 1], "data": X[:2, i].tolist()} for i, n in enumerate(NAMES)])
        assert status == 200 and answer["outputs"][0]["data"] == model.predict(frame)[:2].tolist(), answer
    linear = LinearRegression().fit(X, X[:, 0] * 2)
    folder, path = saved(mlflow.onnx.save_model, to_onnx(linear, X[:1].astype(np.float32)), pip_requirements=["onnx"])
    with folder, Served(path) as served:
        assert np.abs(np.array(served.v1(instances=X.tolist())) - linear.predict(X)[:, None]).max() < 1e-4


def test_a_model_of_python_code_is_refused_with_the_way_out():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: my.code\n")
        pathlib.Path(folder, "python_model.pkl").write_bytes(b"x")
        assert "ONNX" in refusal(folder)


@contextlib.contextmanager
def tracking_server(mlflow_program, folder):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([mlflow_program, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri",
                               f"sqlite:///{folder}/db", "--artifacts-destination", f"{folder}/artifacts"], cwd=folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in range(1200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health").read()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(20)


def fetched(uri, folder, env, status=0):
    done = subprocess.run([PROA, "fetch", uri, folder], env={**os.environ, **env}, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    return done.stderr


def test_models_of_a_tracking_server_are_fetched_by_every_name():
    """With PROA_MLFLOW=/venv/bin/mlflow: the whole of MLflow, which has the server."""
    program = os.environ.get("PROA_MLFLOW")
    if not program:
        print("     PROA_MLFLOW names no MLflow with a server: left out")
        return
    import mlflow
    import mlflow.sklearn
    with tempfile.TemporaryDirectory() as folder, tracking_server(program, folder) as url:
        mlflow.set_tracking_uri(url)
        client = mlflow.MlflowClient(url)
        models = [RandomForestClassifier(5, random_state=n).fit(X[:100 + 25 * n], Y[:100 + 25 * n]) for n in range(2)]
        for model in models:
            with mlflow.start_run() as run:
                logged = mlflow.sklearn.log_model(model, name="model", registered_model_name="iris", serialization_format="cloudpickle",
                                                  pip_requirements=["scikit-learn"])
        client.set_registered_model_alias("iris", "champion", "1")
        client.transition_model_version_stage("iris", "2", "Production")
        env = {"MLFLOW_TRACKING_URI": url}
        for n, (uri, model) in enumerate([("models:/iris/1", models[0]), ("models:/iris/2", models[1]), ("models:/iris@champion", models[0]),
                                          ("models:/iris/Production", models[1]), ("models:/iris/latest", models[1]),
                                          (f"models:/{logged.model_id}", models[1]), (f"runs:/{run.info.run_id}/model", models[1])]):
            at = f"{folder}/fetched{n}"
            fetched(uri, at, env)
            with Served(at) as served:
                assert served.v1(instances=X.tolist()) == model.predict(X).tolist(), uri
        assert "models:/iris/7" in fetched("models:/iris/7", f"{folder}/none", env, status=1)
