"""HTTP/2 as its conformance tests see it: every case of h2spec against the gateway and against a model server."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from harness import PROA, ROOT, Platform, Skip, isvc, wait_for


def h2spec():
    """The program on the path, else built from its Go module beside the other tools."""
    given = os.environ.get("H2SPEC") or shutil.which("h2spec")
    if given:
        return given
    built = ROOT / ".tools/h2spec"
    if not built.exists():
        done = subprocess.run([ROOT / "tools/go/h2spec", built], capture_output=True, text=True)
        if done.returncode:
            raise Skip(f"h2spec cannot be built here: {done.stderr.strip().splitlines()[-1:]}")
    return str(built)


def check(port, path="/"):
    """All cases that there are pass; none is skipped. Returns how many."""
    done = subprocess.run([h2spec(), "--host", "127.0.0.1", "--port", str(port), "--path", path, "--timeout", "5"], capture_output=True, text=True, timeout=400)
    figures = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", done.stdout)
    failures = [line.strip() for line in done.stdout.splitlines() if "×" in line]
    assert figures, (failures, done.stdout[-1500:], done.stderr[-500:])
    tests, passed, skipped, failed = map(int, figures.groups())
    assert tests >= 145 and passed == tests and skipped == failed == 0, (figures.group(0), failures)
    print(f"  h2spec: {figures.group(0)}")
    return tests


def test_the_gateway_passes_every_case():
    with_model = Platform()
    try:
        with_model.namespace("spec")
        with_model.apply(isvc("iris", minReplicas=1), "spec")
        with_model.wait_ready("iris", "spec")
        # By the name that h2spec asks for; so each request goes all the way, and none is answered before its body is there.
        with_model.apply(json.dumps({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "spec"}, "spec": {
            "hosts": ["127.0.0.1"], "gateways": ["knative-serving/knative-ingress-gateway"],
            "http": [{"route": [{"destination": {"host": "iris-predictor"}}]}]}}), "spec")
        wait_for("the route", lambda: with_model.curl("/v1/models/iris", host="127.0.0.1")[0] == 200)
        check(with_model.port, "/v1/models/iris")
        assert with_model.process.poll() is None, "h2spec ended the platform"
        status, _ = with_model.curl("/v1/models/iris", host="iris.spec.example.com")
        assert status == 200, status
    finally:
        with_model.close()


def test_a_model_server_passes_every_case():
    log = tempfile.NamedTemporaryFile(mode="w+", suffix=".log")
    folder = ROOT / "examples/iris/models/sklearn/1.0/model"
    server = subprocess.Popen([PROA, "serve", "--model_dir", folder, "--model_name", "iris", "--http_port", "0", "--grpc_port", "0"], stdout=log, stderr=log)
    try:
        text = lambda: pathlib.Path(log.name).read_text()
        port = wait_for("the model server", lambda: server.poll() is None and re.search(r"http://\S+?:(\d+)", text())).group(1)
        check(port, "/v2/health/live")
        assert server.poll() is None, text()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
