"""Model folders that MLflow wrote, answered by proa: equal to the model that was saved."""
import os
import pathlib
import tempfile

import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from skl2onnx import to_onnx

from served import Served, refusal

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
