"""Starts `proa up` for a test and drives it with the real kubectl and curl."""
import atexit
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROA = os.environ.get("PROA", str(ROOT / "build/src/app/proa"))
KUBECTL = os.environ.get("KUBECTL", "kubectl")


class Skip(Exception):
    pass


def wait_for(what, condition, seconds=30, every=0.05):
    """Polls `condition` until it is true; returns its value. Says what never came."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s: still no {what}")
        time.sleep(every)


class Platform:
    """One `proa up` on free ports and a folder of its own; stopped at exit."""

    def __init__(self, *options, mirrors=None, data=None, start=True, env=None):
        self.own = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="proa-e2e-"))
        self.options = list(options)
        self.mirrors = mirrors if mirrors is not None else {"gs://kfserving-examples": ROOT / "examples/iris"}
        self.env = dict(os.environ, **(env or {}))
        self.process = None
        self.log = open(self.data.parent / (self.data.name + ".log"), "ab")
        atexit.register(self.close)
        if start:
            self.start()

    def command(self):
        mirrors = [x for prefix, folder in self.mirrors.items() for x in ("--mirror", f"{prefix}={folder}")]
        return [PROA, "up", "--data-dir", str(self.data), "--api-port", "0", "--http-port", "0", *mirrors, *self.options]

    def start(self):
        (self.data / "endpoints.json").unlink(missing_ok=True)
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.env)
        started = time.monotonic()

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"proa up ended with {self.process.returncode}:\n{self.log_tail()}")
            return (self.data / "endpoints.json").exists()

        wait_for("endpoints.json", ready, 30, 0.005)
        self.start_seconds = time.monotonic() - started
        self.endpoints = json.loads((self.data / "endpoints.json").read_text())
        self.http = self.endpoints["http"]
        self.kubeconfig = self.endpoints["kubeconfig"]
        self.port = int(self.http.rsplit(":", 1)[1])

    def log_tail(self, lines=60):
        return "\n".join(pathlib.Path(self.log.name).read_text(errors="replace").split("\n")[-lines:])

    def stop(self, how=signal.SIGTERM, seconds=20):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(seconds)
        return self.process.returncode if self.process else None

    def close(self):
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
        if self.own and not os.environ.get("PROA_KEEP"):
            shutil.rmtree(self.data, ignore_errors=True)

    def kubectl(self, *args, stdin=None, ok=True, timeout=60):
        done = subprocess.run([KUBECTL, "--kubeconfig", self.kubeconfig, *args], input=stdin, capture_output=True,
                              text=True, timeout=timeout)
        if ok and done.returncode:
            raise AssertionError(f"kubectl {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.log_tail(20)}")
        return done.stdout if ok else done

    def get(self, *args):
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    def curl(self, path, *args, host=None, data=None, timeout=30):
        """Returns (status, body)."""
        command = ["curl", "-sS", "-m", str(timeout), "-w", "\n%{http_code}", *args]
        if host:
            command += ["-H", f"Host: {host}"]
        if data is not None:
            command += ["--data-binary", data]
        url = path if path.startswith("http") else self.http + path
        done = subprocess.run([*command, url], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{' '.join(command)} {url}: {done.stderr}")
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def apply(self, manifest, ns=None):
        return self.kubectl("apply", *(["-n", ns] if ns else []), "-f", "-", stdin=manifest)

    def namespace(self, name):
        if self.kubectl("get", "namespace", name, ok=False).returncode:
            self.kubectl("create", "namespace", name)

    def wait_ready(self, name, ns, seconds=30):
        self.kubectl("wait", "--for=condition=Ready", f"isvc/{name}", "-n", ns, f"--timeout={seconds}s", timeout=seconds + 10)

    def described(self, name, ns, *words):
        """Waits for the one line of `kubectl describe isvc` that has all the words: a cause and what to do, not a page."""
        def told():
            text = self.kubectl("describe", "isvc", name, "-n", ns)
            return [line for line in text.splitlines() if all(word in line for word in words)]
        try:
            lines = wait_for(f"line with {words} in kubectl describe isvc {name}", told, 30, 0.3)
        except AssertionError:
            print(self.kubectl("describe", "isvc", name, "-n", ns))
            raise
        assert len(lines[0]) < 1200, lines[0]

    def pods(self, ns, selector=None):
        items = self.get("pods", "-n", ns, *(["-l", selector] if selector else []))["items"]
        return [p for p in items if "deletionTimestamp" not in p["metadata"]]


def isvc(name, uri="gs://kfserving-examples/models/sklearn/1.0/model", format="sklearn", annotations=None, **predictor):
    """An InferenceService as JSON text (kubectl takes it as YAML)."""
    return json.dumps({
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {"predictor": {"model": {"modelFormat": {"name": format}, "storageUri": uri}, **predictor}},
    })
