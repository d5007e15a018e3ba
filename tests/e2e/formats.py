"""The model files that test_formats.py applies, each made by its own framework, and what the framework says of ROWS."""
import json
import os
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from harness import PROA, ROOT, Skip

sys.path.insert(0, str(ROOT / "tests/models"))
X, Y = load_iris(return_X_y=True)
ROWS = X[::15]
tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y)
NAMES = ["a", "b", "c", "d"]
DENSE = np.array([[1, 2, 3, 4], [-1, .5, 0, .25]]), np.array([.5, -.5])  # as make_torchscript has it


def engines(*needed):
    """The folder with the engines' libraries, ONNX Runtime and OpenVINO installed at need."""
    folder = os.environ.get("PROA_ENGINES_DIR") or str(ROOT / ".tools/engines")
    missing = [n for n in ("onnxruntime", "openvino") if not pathlib.Path(folder, n).is_dir()]
    if missing:
        subprocess.run([ROOT / "tools/engines/install", "--to", folder, *missing], check=True)
    return folder


def onnx(folder):
    from skl2onnx import to_onnx
    folder.mkdir(parents=True)
    model = to_onnx(tree, X[:1].astype(np.float32), options={"zipmap": False})
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def triton(folder):
    for name in ("one", "two"):
        onnx(folder / name / "1")
        (folder / name / "config.pbtxt").write_text(f'name: "{name}" backend: "onnxruntime"')


def openvino(folder):
    import openvino as ov
    from openvino import opset13 as ops
    folder.mkdir(parents=True)
    x = ops.parameter([-1, 4], np.float32, name="x")
    x.output(0).tensor.names = {"x"}
    y = ops.add(ops.matmul(x, ops.constant(DENSE[0].astype(np.float32)), False, True), ops.constant(DENSE[1].astype(np.float32)))
    y.output(0).tensor.names = {"y"}
    ov.save_model(ov.Model([y], [x], "dense"), folder / "model.xml", compress_to_fp16=False)


def pmml(folder):
    import pmml_writer
    folder.mkdir(parents=True)
    labels = ["0", "1", "2"]
    text = pmml_writer.tree(tree, NAMES, labels)
    (folder / "model.pmml").write_bytes(pmml_writer.document(text, NAMES, labels=labels))


def mlflow(folder):
    os.environ["MLFLOW_TRACKING_URI"] = "file:///tmp/proa-no-mlflow"
    import mlflow.sklearn
    mlflow.sklearn.save_model(tree, str(folder), pip_requirements=["scikit-learn"], serialization_format="cloudpickle")


def torchscript(folder):
    """dense.pt, by libtorch's own writer, where ./dev engines torch has been run."""
    made = pathlib.Path(PROA).parent.parent / "models/engines/torch/plugin/make_torchscript"
    installed = pathlib.Path(engines(), "torch/libproa-torch.so")
    if not made.exists() or not installed.exists():
        raise Skip("libtorch is not installed: ./dev engines torch")
    folder.mkdir(parents=True)
    subprocess.run([made, folder], check=True)
    for other in folder.iterdir():
        if other.name != "dense.pt":
            other.unlink()


def torchserve(folder):
    torchscript(folder / "model-store")
    manifest = {"runtime": "python", "model": {"modelName": "dense", "serializedFile": "dense.pt", "handler": "base_handler", "modelVersion": "1.0"}}
    with zipfile.ZipFile(folder / "model-store/dense.mar", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "model-store/dense.pt", "dense.pt")
        archive.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
    (folder / "model-store/dense.pt").unlink()
    (folder / "config").mkdir()
    snapshot = {"name": "startup.cfg", "modelCount": 1, "models": {"linear": {"1.0": {"defaultVersion": True, "marName": "dense.mar"}}}}
    (folder / "config/config.properties").write_text(
        f"inference_address=http://0.0.0.0:8085\nmodel_store=/mnt/models/model-store\nmodel_snapshot={json.dumps(snapshot)}\n")


def linear(rows):
    return np.asarray(rows) @ DENSE[0].T + DENSE[1]
