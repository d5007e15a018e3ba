"""MLServer's runtimes of a user's own, Python code beside a model-settings.json: by `kubectl apply` and by `proa serve` alone. MLServer is
heavy, so what needs it runs where PROA_PYTHON names an interpreter that has it: python3 -m venv V && V/bin/pip install mlserver."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import urllib.request

import numpy as np

import clients
from harness import PROA, ROOT, Platform, Skip, wait_for

NS = "runtimes"
RUNTIME = """
import os

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Doubler(MLModel):
    async def load(self) -> bool:
        with open(os.path.join(os.path.dirname(__file__), "factor.txt")) as file:
            self.factor = float(file.read())
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0])
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("doubled", self.factor * rows)])
"""
BODY = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4.5]}]}
ANSWER = [2, 4, 6, 9]
LINE = ("MLServer's implementation doubler_runtime.Doubler is Python code", "pip install mlserver")

store = pathlib.Path(tempfile.mkdtemp(prefix="proa-runtimes-"))
model = store / "doubler"
model.mkdir()
(model / "doubler_runtime.py").write_text(RUNTIME)
(model / "factor.txt").write_text("2")
(model / "model-settings.json").write_text(json.dumps({"name": "doubler", "implementation": "doubler_runtime.Doubler"}))
FILES = sorted(model.rglob("*"))
python = os.environ.get("PROA_PYTHON", "")
p = Platform(mirrors={"s3://runtimes": store, "gs://kfserving-examples": ROOT / "examples/iris"}, env={"PROA_PYTHON": python or "/usr/bin/python3"})
p.namespace(NS)


def close():
    p.close()
    shutil.rmtree(store, ignore_errors=True)


def need_mlserver():
    if not python or subprocess.run([python, "-c", "import mlserver"], capture_output=True).returncode:
        raise Skip("PROA_PYTHON names no interpreter with mlserver: python3 -m venv V && V/bin/pip install mlserver, PROA_PYTHON=V/bin/python")


def apply(name, env=(), annotations=None, **more):
    inner = {"modelFormat": {"name": "sklearn"}, "runtime": "kserve-mlserver", "protocolVersion": "v2", "storageUri": "s3://runtimes/doubler",
             "env": [{"name": key, "value": value} for key, value in env], **more}
    p.apply(json.dumps({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
                        "metadata": {"name": name, "annotations": annotations or {}},
                        "spec": {"predictor": {"minReplicas": 1, "model": inner}}}), NS)


def host_of(name):
    return p.get("isvc", name, "-n", NS)["status"]["url"].split("//")[1]


def infer(name, model, body):
    status, text = p.curl(f"/v2/models/{model}/infer", "-H", "Content-Type: application/json", host=host_of(name), data=json.dumps(body))
    assert status == 200, text
    return json.loads(text)["outputs"][0]["data"]


def gone(name):
    p.kubectl("delete", "isvc", name, "-n", NS, "--wait=false")


def test_a_runtime_of_ones_own_is_served_by_mlserver_in_a_pod():
    need_mlserver()
    apply("doubler")
    p.wait_ready("doubler", NS, 120)
    assert p.get("isvc", "doubler", "-n", NS)["status"]["clusterServingRuntimeName"] == "kserve-mlserver"
    assert infer("doubler", "doubler", BODY) == ANSWER
    pod = p.pods(NS, "serving.kserve.io/inferenceservice=doubler")[0]
    log = p.kubectl("logs", pod["metadata"]["name"], "-n", NS, "-c", "kserve-container")
    assert "Loaded model 'doubler' successfully" in log, log
    assert all(s["restartCount"] == 0 for s in pod["status"]["containerStatuses"]), pod["status"]
    gone("doubler")
    wait_for("end of the pod", lambda: not p.pods(NS, "serving.kserve.io/inferenceservice=doubler"), 60)


def test_it_is_served_over_grpc_and_in_standard_mode_and_by_another_runtime():
    need_mlserver()
    standard = {"serving.kserve.io/deploymentMode": "Standard"}
    apply("grpc", annotations=standard, protocolVersion="grpc-v2", ports=[{"name": "h2c", "containerPort": 9000, "protocol": "TCP"}])
    apply("standard", annotations=standard)
    apply("workers", [("MLSERVER_HTTP_PORT", "8080"), ("PREDICT_PROBA", "true")], runtime="kserve-sklearnserver")
    for name in ("grpc", "standard", "workers"):
        p.wait_ready(name, NS, 120)
    rows = np.array([[1, 2], [3, 4.5]])
    got = clients.triton_grpc(("127.0.0.1", p.port, host_of("grpc")), "doubler", rows)
    assert got == (2 * rows).tolist(), got
    for name in ("standard", "workers"):
        assert infer(name, "doubler", BODY) == ANSWER
    for name in ("grpc", "standard", "workers"):
        gone(name)


def test_a_model_that_needs_no_python_is_served_without_it():
    apply("native", storageUri="gs://kfserving-examples/models/sklearn/1.0/model")
    p.wait_ready("native", NS, 60)
    rows = {"inputs": [{"name": "x", "shape": [2, 4], "datatype": "FP32", "data": [6.8, 2.8, 4.8, 1.4, 6.0, 3.4, 4.5, 1.6]}]}
    assert infer("native", "native", rows) == [1, 1]
    gone("native")


def test_an_interpreter_without_mlserver_is_named_with_the_way_out():
    bare = store / "bare/bin/python"  # a virtual environment without any package, whatever the system's Python has
    bare.parent.mkdir(parents=True)
    bare.write_text("#!/bin/sh\nexit 3\n")
    bare.chmod(0o755)
    apply("bare", [("PROA_PYTHON", "/usr/bin/false")])
    p.described("bare", NS, *LINE, "PROA_PYTHON=/usr/bin/false cannot be run")
    gone("bare")
    done = serve_alone({"PROA_PYTHON": str(bare)})
    assert done.returncode == 1 and f"PROA_PYTHON={bare} has no package mlserver" in done.stderr, done.stderr
    assert all(word in done.stderr for word in LINE), done.stderr


def test_a_server_that_no_interpreter_was_named_to_says_which_variable_does():
    done = serve_alone({"PROA_PYTHON": ""})
    assert done.returncode == 1 and "PROA_PYTHON names no interpreter" in done.stderr, done.stderr
    assert all(word in done.stderr for word in LINE) and len(done.stderr.splitlines()) == 1, done.stderr


def serve_alone(env):
    return subprocess.run([PROA, "serve", f"--model_dir={model}"], env={**os.environ, **env}, capture_output=True, text=True, timeout=60)


def free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def test_proa_serve_alone_becomes_mlserver_and_leaves_the_folder_as_it_is():
    need_mlserver()
    http, grpc, metrics = free_ports(3)
    url = f"http://127.0.0.1:{http}/v2"
    flags = [f"--model_dir={model}", f"--http_port={http}", f"--grpc_port={grpc}", f"--metrics_port={metrics}"]
    log = tempfile.TemporaryFile("w+")
    server = subprocess.Popen([PROA, "serve", *flags], cwd="/", stdout=log, stderr=log)

    def ready():
        assert server.poll() is None, (log.seek(0), log.read())
        try:
            return urllib.request.urlopen(f"{url}/models/doubler/ready", timeout=5).status == 200
        except OSError:
            return False
    try:
        wait_for("ready MLServer", ready, 60, 0.1)
        request = urllib.request.Request(f"{url}/models/doubler/infer", json.dumps(BODY).encode(), {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=30))
        assert answer["outputs"][0]["data"] == ANSWER, answer
        socket.create_connection(("127.0.0.1", grpc), 5).close()
    finally:
        server.terminate()
        server.wait(30)
    log.seek(0)
    assert server.returncode == 0, (server.returncode, log.read())
    assert sorted(model.rglob("*")) == FILES
