"""Every format by `kubectl apply` and a prediction, through KServe's runtimes by their names; what is not served says so in one line."""
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import numpy as np

import formats
from harness import ROOT, Platform, Skip, wait_for

NS = "formats"
ROWS = formats.ROWS
store = pathlib.Path(tempfile.mkdtemp(prefix="proa-formats-"))
p = Platform(mirrors={"s3://formats": store, "gs://kfserving-examples": ROOT / "examples/iris"}, env={"PROA_ENGINES_DIR": formats.engines()})
p.namespace(NS)


def close():
    p.close()
    shutil.rmtree(store, ignore_errors=True)


def apply(name, format, folder, runtime=None, protocol=None, **more):
    model = {"modelFormat": {"name": format}, "storageUri": f"s3://formats/{folder}", **more}
    if runtime:
        model["runtime"] = runtime
    if protocol:
        model["protocolVersion"] = protocol
    p.apply(json.dumps({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": name},
                        "spec": {"predictor": {"model": model}}}), NS)


def ready(name, runtime):
    p.wait_ready(name, NS, 60)
    isvc = p.get("isvc", name, "-n", NS)
    assert isvc["status"]["clusterServingRuntimeName"] == runtime, isvc["status"]


def host_of(platform, name):
    return platform.get("isvc", name, "-n", NS)["status"]["url"].split("//")[1]


def ask(name, path, body):
    status, text = p.curl(path, "-H", "Content-Type: application/json", host=host_of(p, name), data=json.dumps(body))
    assert status == 200, text
    return json.loads(text)


def v1(name, rows, model=None):
    return ask(name, f"/v1/models/{model or name}:predict", {"instances": np.asarray(rows).tolist()})["predictions"]


def v2(name, tensor, rows, model=None, datatype="FP32"):
    rows = np.asarray(rows)
    body = {"inputs": [{"name": tensor, "shape": list(rows.shape), "datatype": datatype, "data": rows.ravel().tolist()}]}
    return {o["name"]: o["data"] for o in ask(name, f"/v2/models/{model or name}/infer", body)["outputs"]}


def gone(name):
    p.kubectl("delete", "isvc", name, "-n", NS, "--wait=false")


def test_kserves_runtimes_are_listed_with_their_columns():
    lines = p.kubectl("get", "clusterservingruntimes,servingruntimes", "-A").splitlines()
    assert lines[0].split()[-5:] == ["NAME", "DISABLED", "MODELTYPE", "CONTAINERS", "AGE"], lines[0]
    rows = {line.split()[0].split("/")[-1]: line.split() for line in lines[1:]}
    for name, format in (("sklearnserver", "sklearn"), ("xgbserver", "xgboost"), ("lgbserver", "lightgbm"), ("pmmlserver", "pmml"),
                         ("paddleserver", "paddle"), ("mlserver", "sklearn"), ("tensorflow-serving", "tensorflow"), ("tritonserver", "tensorrt"),
                         ("torchserve", "pytorch"), ("huggingfaceserver", "huggingface"), ("openvino", "openvino"), ("predictiveserver", "sklearn")):
        row = rows[f"kserve-{name}"]
        # the column DISABLED is empty
        assert row[1] == format and row[2] == "kserve-container", row


def test_onnx_by_tritons_runtime():
    formats.onnx(store / "onnx")
    apply("onnx", "onnx", "onnx")
    ready("onnx", "kserve-tritonserver")
    expected = formats.tree.predict(ROWS).tolist()
    assert v2("onnx", "X", ROWS)["label"] == expected
    assert [row["label"] for row in v1("onnx", ROWS)] == expected
    gone("onnx")


def test_a_repository_of_tritons_by_its_models_names():
    formats.triton(store / "triton")
    apply("triton", "triton", "triton")
    ready("triton", "kserve-tritonserver")
    for model in ("one", "two"):
        assert v2("triton", "X", ROWS, model)["label"] == formats.tree.predict(ROWS).tolist()
    gone("triton")


def test_openvino_by_its_runtime_and_by_name_for_onnx():
    formats.openvino(store / "ir")
    apply("ir", "openvino", "ir")
    ready("ir", "kserve-openvino")
    assert np.abs(np.array(v1("ir", ROWS)) - formats.linear(ROWS)).max() < 1e-4
    assert np.abs(np.array(v2("ir", "x", ROWS)["y"]).reshape(-1, 2) - formats.linear(ROWS)).max() < 1e-4
    gone("ir")


def test_pmml_by_its_runtime():
    formats.pmml(store / "pmml")
    apply("pmml", "pmml", "pmml")
    ready("pmml", "kserve-pmmlserver")
    body = {"instances": [dict(zip(formats.NAMES, row)) for row in ROWS.tolist()]}
    answer = ask("pmml", "/v1/models/pmml:predict", body)["predictions"]
    labels = [row.get("t", row.get("predicted_t")) if isinstance(row, dict) else row for row in answer]
    assert [int(label) for label in labels] == formats.tree.predict(ROWS).tolist(), answer
    gone("pmml")


def test_mlflow_by_mlservers_runtime():
    formats.mlflow(store / "mlflow")
    apply("mlflow", "mlflow", "mlflow", protocol="v2")
    ready("mlflow", "kserve-mlserver")
    outputs = v2("mlflow", "x", ROWS, datatype="FP64")
    assert list(outputs.values())[0] == formats.tree.predict(ROWS).tolist(), outputs
    gone("mlflow")


def test_torchscript_by_torchserves_runtime():
    formats.torchscript(store / "script")
    apply("script", "pytorch", "script")
    ready("script", "kserve-torchserve")
    assert np.abs(np.array(v1("script", ROWS)) - formats.linear(ROWS)).max() < 1e-4
    gone("script")


def test_a_model_archive_is_served_by_the_name_that_the_configuration_gives_it():
    formats.torchserve(store / "mar")
    apply("mar", "pytorch", "mar")
    ready("mar", "kserve-torchserve")
    assert np.abs(np.array(v1("mar", ROWS, "linear")) - formats.linear(ROWS)).max() < 1e-4
    rows = [{"data": row} for row in ROWS.tolist()]
    answer = ask("mar", "/v1/models/linear:predict", {"instances": rows})["predictions"]
    assert np.abs(np.array(answer) - formats.linear(ROWS)).max() < 1e-4
    gone("mar")


def test_paddle_by_its_runtime_answers_as_the_framework_does():
    made = ROOT / "tests/e2e/paddle"  # by make_model.py there
    (store / "paddle").mkdir()
    for name in ("model.pdmodel", "model.pdiparams"):
        shutil.copy(made / name, store / "paddle")
    expected = json.loads((made / "expected.json").read_text())
    apply("paddle", "paddle", "paddle")
    ready("paddle", "kserve-paddleserver")
    answers = np.array(expected["answers"])
    assert answers.std(0).min() > 1e-3, "answers that tell nothing"
    assert np.abs(np.array(v1("paddle", expected["rows"])) - answers).max() < 1e-5
    outputs = v2("paddle", "x", expected["rows"])
    assert np.abs(np.array(list(outputs.values())[0]).reshape(answers.shape) - answers).max() < 1e-5, outputs
    gone("paddle")


def refusal(name, format, folder, *words, runtime=None, protocol=None):
    apply(name, format, folder, runtime, protocol)
    p.described(name, NS, *words)
    gone(name)


def test_a_bad_model_of_each_engine_says_so_in_one_line():
    for engine, file, format, words, protocol in (
            ("onnx", "model.onnx", "onnx", ("no ONNX model that ONNX Runtime",), None),
            ("ir", "model.xml", "openvino", ("no OpenVINO IR model that OpenVINO",), None),
            ("pb", "saved_model.pb", "tensorflow", ("saved_model.pb",), None),
            ("pmml", "model.pmml", "pmml", ("model.pmml",), None),
            ("sk", "model.joblib", "sklearn", ("model.joblib",), None),
            ("xgb", "model.json", "xgboost", ("model.json",), None),
            ("flow", "MLmodel", "mlflow", ("MLmodel",), "v2"),
            ("weights", "model.pt", "pytorch", ("no TorchScript file",), None),
            ("archive", "net.mar", "pytorch", ("net.mar",), None)):
        (store / f"bad-{engine}").mkdir()
        (store / f"bad-{engine}" / file).write_bytes(b"\x08\x07nothing that any library reads {")
        refusal(f"bad-{engine}", format, f"bad-{engine}", *words, protocol=protocol)


def test_what_is_not_served_says_what_to_do_instead():
    (store / "hub").mkdir()
    (store / "hub/config.json").write_text("{}")
    refusal("hub", "huggingface", "hub", "optimum-cli export onnx", protocol="v2")


def test_a_library_that_aborts_takes_down_its_pod_only():
    folder = store / "aborting"
    (folder / "onnxruntime").mkdir(parents=True)
    source = folder / "abort.c"
    source.write_text("#include <stdlib.h>\nvoid *OrtGetApiBase(void) { abort(); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "onnxruntime/libonnxruntime.so.1", source], check=True)
    other = Platform(mirrors={"s3://formats": store, "gs://kfserving-examples": ROOT / "examples/iris"}, env={"PROA_ENGINES_DIR": str(folder)})
    try:
        other.namespace(NS)
        if not (store / "onnx").exists():
            formats.onnx(store / "onnx")
        iris = {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://kfserving-examples/models/sklearn/1.0/model"}
        for name, model in (("steady", iris), ("aborting", {"modelFormat": {"name": "onnx"}, "storageUri": "s3://formats/onnx"})):
            other.apply(json.dumps({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": name},
                                    "spec": {"predictor": {"minReplicas": 1, "model": model}}}), NS)
        other.wait_ready("steady", NS)

        def restarted():
            statuses = [s for pod in other.pods(NS, "serving.kserve.io/inferenceservice=aborting")
                        for s in pod.get("status", {}).get("containerStatuses", [])]
            return any(s.get("restartCount", 0) >= 1 for s in statuses)
        wait_for("restart of the pod whose library aborts", restarted)
        status, _ = other.curl("/v1/models/steady:predict", host=host_of(other, "steady"), data='{"instances": [[1, 2, 3, 4]]}')
        assert status == 200
        assert all(s["restartCount"] == 0 for pod in other.pods(NS, "serving.kserve.io/inferenceservice=steady")
                   for s in pod["status"]["containerStatuses"])
    finally:
        other.close()


MODEL = """
import os
from kserve import Model, ModelServer


class Doubler(Model):
    def __init__(self):
        super().__init__("doubler")
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        return {"predictions": [[2 * v for v in row] for row in payload["instances"]], "pod": os.environ["HOSTNAME"]}


if __name__ == "__main__":
    ModelServer(workers=1).start([Doubler()])
"""


def test_a_model_class_of_kserves_sdk_runs_in_the_users_interpreter():
    if not importlib.util.find_spec("kserve"):  # not imported: its messages have the names of tritonclient's
        raise Skip("KServe's SDK is not installed")
    p.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "doubler"}, "data": {"model.py": MODEL}}), NS)
    folders = sorted({sys.prefix, sys.base_prefix, sysconfig.get_paths()["purelib"]})
    folders = [f for f in folders if not f.startswith("/usr") and not any(f != g and f.startswith(g + "/") for g in folders)]
    volumes = [{"name": "model", "configMap": {"name": "doubler"}}]
    mounts = [{"name": "model", "mountPath": "/model"}]
    for i, folder in enumerate(folders):
        volumes.append({"name": f"python-{i}", "hostPath": {"path": folder}})
        mounts.append({"name": f"python-{i}", "mountPath": folder, "readOnly": True})
    container = {"name": "kserve-container", "image": "python:3", "command": [sys.executable, "/model/model.py"], "volumeMounts": mounts}
    isvc = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
            "metadata": {"name": "doubler", "annotations": {"serving.kserve.io/deploymentMode": "Standard"}},  # Knative has no hostPath
            "spec": {"predictor": {"minReplicas": 2, "containers": [container], "volumes": volumes}}}
    p.apply(json.dumps(isvc), NS)
    p.wait_ready("doubler", NS, 120)

    def both():
        return len([pod for pod in p.pods(NS, "serving.kserve.io/inferenceservice=doubler")
                    if all(s["ready"] for s in pod["status"].get("containerStatuses", [{"ready": False}]))]) == 2
    wait_for("two ready pods that each listen on port 8080", both, 60, 0.3)
    seen = set()

    def answered():
        answer = ask("doubler", "/v1/models/doubler:predict", {"instances": [[1, 2], [3, 4]]})
        assert answer["predictions"] == [[2, 4], [6, 8]], answer
        seen.add(answer["pod"])
        return len(seen) == 2
    wait_for("answers of both pods", answered, 20, 0.05)
    formats.onnx(store / "beside")
    apply("beside", "onnx", "beside")  # the ports of other pods stay free
    ready("beside", "kserve-tritonserver")
    gone("beside")
    gone("doubler")
