"""TensorFlow Serving's interfaces, Triton's ensembles and MLflow's names by `kubectl apply`."""
import http.server
import json
import pathlib
import shutil
import tempfile
import threading
import urllib.parse

import grpc
import numpy as np

import formats
from harness import ROOT, Platform
from saved_models import FLOAT, expected, saved_model, serving, shape_of, stubs, tf

NS = "apis"
store = pathlib.Path(tempfile.mkdtemp(prefix="proa-apis-"))
p = Platform(mirrors={"s3://apis": store}, env={"PROA_ENGINES_DIR": formats.engines()})
p.namespace(NS)
ROWS = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)


def close():
    p.close()
    shutil.rmtree(store, ignore_errors=True)


def apply(name, model):
    p.apply(json.dumps({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": name},
                        "spec": {"predictor": {"model": model}}}), NS)
    p.wait_ready(name, NS, 60)


def ask(name, path, body=None):
    more = {} if body is None else {"data": json.dumps(body)}
    status, text = p.curl(path, "-H", "Content-Type: application/json", host=f"{name}.{NS}.example.com", **more)
    assert status == 200, text
    return json.loads(text)


def test_tensorflow_by_its_runtime_over_rest_and_grpc():
    (store / "saved/3").mkdir(parents=True)
    (store / "saved/3/saved_model.pb").write_bytes(saved_model())
    want = expected(ROWS)
    apply("rest", {"modelFormat": {"name": "tensorflow"}, "storageUri": "s3://apis/saved"})
    assert p.get("isvc", "rest", "-n", NS)["status"]["clusterServingRuntimeName"] == "kserve-tensorflow-serving"
    assert ask("rest", "/v1/models/rest")["model_version_status"][0] == {
        "version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    answer = ask("rest", "/v1/models/rest:predict", {"instances": ROWS.tolist()})
    assert np.abs(np.array([row["probabilities"] for row in answer["predictions"]]) - want).max() < 1e-5
    assert "scored" in ask("rest", "/v1/models/rest/metadata")["metadata"]["signature_def"]["signature_def"]
    answer = ask("rest", "/v1/models/rest/versions/3:classify", {"signature_name": "scored", "examples": [{"features": r} for r in ROWS.tolist()]})
    assert np.abs(np.array([[score for _, score in row] for row in answer["result"]]) - want).max() < 1e-5
    p.kubectl("delete", "isvc", "rest", "-n", NS, "--wait=false")

    apply("grpc", {"modelFormat": {"name": "tensorflow"}, "storageUri": "s3://apis/saved", "protocolVersion": "grpc-v1"})
    with grpc.insecure_channel(f"127.0.0.1:{p.port}", options=[("grpc.default_authority", f"grpc.{NS}.example.com")]) as channel:
        request = serving.PredictRequest(model_spec=serving.ModelSpec(name="grpc"), inputs={"features": tf.TensorProto(
            dtype=FLOAT, tensor_shape=shape_of(ROWS.shape), float_val=ROWS.ravel().tolist())})
        answer = stubs.PredictionServiceStub(channel).Predict(request, timeout=30)
        assert np.abs(np.array(answer.outputs["probabilities"].float_val).reshape(-1, 3) - want).max() < 1e-5
        assert answer.model_spec.version.value == 3
    p.kubectl("delete", "isvc", "grpc", "-n", NS, "--wait=false")


def test_an_ensemble_of_tritons_runtime():
    formats.onnx(store / "triton/tree/1")
    config = store / "triton/both/config.pbtxt"
    config.parent.mkdir()
    config.write_text("""platform: "ensemble"
        input { name: "rows" data_type: TYPE_FP32 dims: [ -1, 4 ] } output { name: "class" data_type: TYPE_INT64 dims: [ -1 ] }
        ensemble_scheduling { step { model_name: "tree" input_map { key: "X" value: "rows" } output_map { key: "label" value: "class" } } }""")
    apply("triton", {"modelFormat": {"name": "triton"}, "storageUri": "s3://apis/triton", "protocolVersion": "v2"})
    rows = np.asarray(formats.ROWS, np.float32)
    answer = ask("triton", "/v2/models/both/infer", {"inputs": [{"name": "rows", "shape": list(rows.shape), "datatype": "FP32",
                                                                "data": rows.ravel().tolist()}]})
    assert answer["outputs"][0]["data"] == formats.tree.predict(formats.ROWS).tolist(), answer
    p.kubectl("delete", "isvc", "triton", "-n", NS, "--wait=false")


class Tracking(http.server.BaseHTTPRequestHandler):
    """MLflow's server, as far as it is asked here, with the iris model as models:/iris@champion."""
    FILE = ROOT / "examples/iris/models/sklearn/1.0/model/model.joblib"
    ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        answers = {"/api/2.0/mlflow/registered-models/alias": {"model_version": {"name": "iris", "version": "4"}},
                   "/api/2.0/mlflow/model-versions/get-download-uri": {"artifact_uri": "mlflow-artifacts:/1/abc/artifacts/model"},
                   self.ARTIFACTS: {"files": [{"path": "model.joblib", "is_dir": False, "file_size": self.FILE.stat().st_size}]}}
        right = self.headers["Authorization"] == "Bearer secret"
        body = self.FILE.read_bytes() if url.path == self.ARTIFACTS + "/1/abc/artifacts/model/model.joblib" else json.dumps(answers.get(url.path)).encode()
        known = url.path in answers or url.path.startswith(self.ARTIFACTS)
        right_name = query.get("name", "iris") == "iris" and query.get("alias", "champion") == "champion"
        self.send_response(401 if not right else 200 if known and right_name else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_registered_model_of_mlflow():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tracking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    p.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mlflow"}, "stringData": {"token": "secret"}}), NS)
    apply("mlflow", {"modelFormat": {"name": "sklearn"}, "storageUri": "models:/iris@champion", "env": [
        {"name": "MLFLOW_TRACKING_URI", "value": f"http://127.0.0.1:{server.server_port}"},
        {"name": "MLFLOW_TRACKING_TOKEN", "valueFrom": {"secretKeyRef": {"name": "mlflow", "key": "token"}}}]})
    assert ask("mlflow", "/v1/models/mlflow:predict", {"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}) == {"predictions": [1, 1]}
    server.shutdown()
