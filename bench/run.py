#!/usr/bin/env python3
"""Measures proa beside its peers and limits, in one run on one machine, and prints docs/BENCHMARKS.md's table.

    ./dev bench                 everything but the Python peers
    ./dev bench server gateway  some parts by name: server gateway ready zero protocols wide start soak
    ./dev bench proxies burst many overload defence ramp nothing-fails
                                the gateway and its scaling: beside nginx and Envoy, 100 services from zero at once, 10,000
                                services, ten times too much load, attacks, the ramp with its plot, a million requests
    ./dev bench stores          downloads beside curl
    ./dev bench engines         ONNX by proa serve beside ONNX Runtime's call alone and FastAPI (installs about 0.2 GB below .cache/)
    ./dev bench peers           KServe's Python server and MLServer too (installs about 1.3 GB below .cache/)

Servers are pinned to core 0, load tools to core 1. Nothing here asserts a time; it prints what it saw.
"""
import argparse
import http.client
import json
import os
import pathlib
import platform as machine
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import edge
import engines
import models
import scale
import stores
from measure import ANSWER, BODY, MODEL, ROOT, end, free_port, pinned, pss_mb, row, rows, start_nginx, tree, wait_http, wrk

RETURN = f"return 200 '{ANSWER}';"


def bench_server(proa):
    limit, limit_port = start_nginx(0, RETURN)
    port = free_port()
    server = pinned(0, proa, "serve", "--model_name=iris", f"--model_dir={MODEL}", "--http_host=127.0.0.1", f"--http_port={port}")
    wait_http(port)
    try:
        ours, theirs = [], []
        for _ in range(3):  # in turn, so that a change of the machine's pace meets both
            theirs.append(wrk(limit_port, "/", tree(limit.pid)))
            ours.append(wrk(port, "/v1/models/iris:predict", tree(server.pid)))
        a, b = max(ours), max(theirs)
        row("V1 predict, iris: proa serve, requests/s", f"{a[0]:,.0f}", f"{a[0] / b[0]:.2f} × nginx")
        row("  p50 / p99 µs, CPU µs/request, errors", f"{a[1]} / {a[2]}, {a[3]:.1f}, {a[4]}")
        row("nginx return 200, the same bytes, requests/s", f"{b[0]:,.0f}", "the limit")
        row("  p50 / p99 µs, CPU µs/request", f"{b[1]} / {b[2]}, {b[3]:.1f}")
        row("model server idle, PSS", f"{pss_mb(tree(server.pid)[-1]):.1f} MB", "goal ≤ 8 MB")
    finally:
        end(limit), end(server)


def bench_gateway(proa):
    from harness import Platform, isvc
    backend, backend_port = start_nginx(1, RETURN)
    proxy, proxy_port = start_nginx(0, "proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection '';",
                                    f"upstream up {{ server 127.0.0.1:{backend_port}; keepalive 128; }}")
    p = Platform()
    p.namespace("bench")
    p.apply(isvc("iris"), "bench")
    p.wait_ready("iris", "bench")
    host = "iris.bench.example.com"
    try:
        gateway = [p.process.pid]
        model = [x for x in tree(p.process.pid) if b"--model_name=iris" in pathlib.Path(f"/proc/{x}/cmdline").read_bytes()]
        for x in gateway:
            subprocess.run(["taskset", "-a", "-cp", "0", str(x)], capture_output=True)
        for x in model:
            subprocess.run(["taskset", "-a", "-cp", "1", str(x)], capture_output=True)
        ours, theirs = [], []
        for _ in range(3):
            theirs.append(wrk(proxy_port, "/", tree(proxy.pid)))
            ours.append(wrk(p.port, "/v1/models/iris:predict", gateway, host))
        a, b = max(ours), max(theirs)
        row("through the gateway to proa serve, requests/s", f"{a[0]:,.0f}", f"{a[0] / b[0]:.2f} × nginx proxy")
        row("  p50 / p99 µs, CPU µs/request of all of `proa up`, errors", f"{a[1]} / {a[2]}, {a[3]:.1f}, {a[4]}", f"{a[3] / b[3]:.2f} × nginx's CPU")
        row("nginx as proxy to nginx, requests/s", f"{b[0]:,.0f}")
        row("  p50 / p99 µs, CPU µs/request of the proxy", f"{b[1]} / {b[2]}, {b[3]:.1f}")
        seconds = int(os.environ.get("PROA_BENCH_SECONDS", "60"))
        for name, url, header in (("gateway", f"http://127.0.0.1:{p.port}/v1/models/iris:predict", host), ("nginx proxy", f"http://127.0.0.1:{proxy_port}/", "x")):
            with tempfile.NamedTemporaryFile("w", suffix=".txt") as targets, tempfile.NamedTemporaryFile("w") as body:
                body.write(BODY), body.flush()
                targets.write(f"POST {url}\nHost: {header}\nContent-Type: application/json\n@{body.name}\n"), targets.flush()
                out = subprocess.run([proa, "load", "--rate", "500", "--duration", f"{seconds}s", "--targets", targets.name, "--output", "json"],
                                     capture_output=True, text=True)
                r = json.loads(out.stdout)
            ms = lambda k: f"{r['latencies'][k] / 1e6:.3f}"
            row(f"500/s open loop, {seconds} s, {name}: mean/p50/p99/max ms", f"{ms('mean')}/{ms('50th')}/{ms('99th')}/{ms('max')}", f"success {r['success']:.4%}")
    finally:
        p.close(), end(backend), end(proxy)


class Api:
    """The API over one TLS connection, for measuring without kubectl's own start."""

    def __init__(self, p):
        self.context = ssl.create_default_context(cafile=p.data / "pki/ca.crt")
        self.context.load_cert_chain(p.data / "pki/admin.crt", p.data / "pki/admin.key")
        self.host = p.endpoints["api"].split("//")[1]
        self.connection = http.client.HTTPSConnection(self.host, context=self.context)

    def call(self, method, path, body=None, kind="application/json"):
        self.connection.request(method, path, body, {"Content-Type": kind})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text)

    def watch(self, path):
        c = http.client.HTTPSConnection(self.host, context=self.context)
        c.request("GET", path)
        answer = c.getresponse()
        for line in answer:
            yield json.loads(line)


def quantiles(ms):
    s = sorted(ms)
    pick = lambda q: s[min(len(s) - 1, int(q * len(s)))]
    return f"{pick(.5):.1f} / {pick(.99):.1f} / {s[-1]:.1f}"


def bench_ready(proa):
    from harness import Platform, isvc
    p = Platform()
    api = Api(p)
    api.call("POST", "/api/v1/namespaces", json.dumps({"metadata": {"name": "ready"}}))
    base = "/apis/serving.kserve.io/v1beta1/namespaces/ready/inferenceservices"
    took = []
    try:
        time.sleep(1)
        row("idle platform (no model), PSS of every process", f"{sum(pss_mb(x) for x in tree(p.process.pid)):.1f} MB", "goal ≤ 48 MB")
        for i in range(60):
            name = f"iris{i}"
            ready = threading.Event()

            def follow():
                for event in api.watch(f"{base}?watch=true&fieldSelector=metadata.name%3D{name}&timeoutSeconds=60"):
                    if any(c["type"] == "Ready" and c["status"] == "True" for c in event["object"].get("status", {}).get("conditions", [])):
                        ready.set()
                        return

            watcher = threading.Thread(target=follow, daemon=True)
            watcher.start()
            time.sleep(0.05)
            started = time.perf_counter()
            api.call("POST", base, isvc(name))
            if not ready.wait(60):
                raise SystemExit(f"{name} did not become ready")
            took.append((time.perf_counter() - started) * 1e3)
        row("apply of an InferenceService to Ready, p50/p99/max ms (60)", quantiles(took), "goal p50 ≤ 150")
        models = [x for x in tree(p.process.pid) if b"--model_name=iris" in pathlib.Path(f"/proc/{x}/cmdline").read_bytes()]
        sizes = [pss_mb(x) for x in models]
        row(f"model servers in pods ({len(sizes)}), PSS each, mean / max", f"{statistics.mean(sizes):.1f} / {max(sizes):.1f} MB", "goal ≤ 8 MB")
        row(f"platform with {len(sizes)} services, PSS without model servers",
            f"{sum(pss_mb(x) for x in tree(p.process.pid) if x not in models):.1f} MB")
    finally:
        p.close()


def bench_zero(proa):
    from harness import Platform, isvc, wait_for
    p = Platform()
    p.namespace("zero")
    p.kubectl("patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p", '{"data": {"scale-to-zero-grace-period": "1s"}}')
    api = Api(p)
    services, rounds = int(os.environ.get("PROA_BENCH_SERVICES", "40")), int(os.environ.get("PROA_BENCH_ROUNDS", "6"))
    fast = {"autoscaling.knative.dev/window": "6s", "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s"}
    took, wrong = [], 0
    try:
        for i in range(services):
            p.apply(isvc(f"z{i}", minReplicas=0, annotations=fast), "zero")
        for i in range(services):
            p.wait_ready(f"z{i}", "zero")
        for r in range(rounds):
            wait_for("no pod", lambda: not api.call("GET", "/api/v1/namespaces/zero/pods")["items"], 120, 0.2)
            for i in range(services):
                c = http.client.HTTPConnection("127.0.0.1", p.port)
                started = time.perf_counter()
                c.request("POST", f"/v1/models/z{i}:predict", BODY, {"Host": f"z{i}.zero.example.com"})
                answer = c.getresponse()
                text = answer.read().decode()
                took.append((time.perf_counter() - started) * 1e3)
                wrong += (answer.status, text) != (200, ANSWER)
        row(f"from zero, request to answer, {len(took)} cycles: p50/p99/max ms", quantiles(took), f"{wrong} failed; goal 10 / 50")
    finally:
        p.close()


def venv(name, *packages):
    folder = ROOT / ".cache" / name
    if not (folder / "ok").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", *packages], check=True)
        (folder / "ok").touch()
    return folder


def bench_peers(proa):
    scikit = "scikit-learn==1.5.2"
    kserve = venv("kserve", "kserve==0.15.2", scikit, "joblib", "setuptools<81")
    port = free_port()
    code = f"""
import joblib, kserve
class Iris(kserve.Model):
    def load(self):
        self.model = joblib.load({str(MODEL / 'model.joblib')!r}); self.ready = True; return True
    def predict(self, payload, headers=None):
        return {{"predictions": self.model.predict(payload["instances"]).tolist()}}
m = Iris("iris"); m.load()
kserve.ModelServer(http_port={port}, enable_grpc=False, access_log_format=None).start([m])
"""
    # KServe's server listens on every address; give it a network of its own.
    server = subprocess.Popen(["unshare", "-n", "sh", "-c", f"ip link set lo up; exec taskset -c 0 {kserve}/bin/python -c \"$CODE\""],
                              env=dict(os.environ, CODE=code), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    inside = lambda *c: subprocess.run(["nsenter", "-t", str(server.pid), "-n", *c], capture_output=True, text=True)
    try:
        for _ in range(600):
            if inside("curl", "-sf", f"http://127.0.0.1:{port}/v1/models/iris").returncode == 0:
                break
            time.sleep(0.1)
        script = ROOT / ".cache/post.lua"
        script.write_text(f"wrk.method='POST'\nwrk.body={json.dumps(BODY)}\nwrk.headers['Content-Type']='application/json'\n")
        out = inside("taskset", "-c", "1", "wrk", "-t1", "-c64", "-d5s", "--latency", "-s", str(script), f"http://127.0.0.1:{port}/v1/models/iris:predict").stdout
        rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
        row("KServe's Python server (kserve 0.15.2), requests/s", rate.group(1) if rate else "failed", re.search(r"99%\s+(\S+)", out).group(1) + " p99" if rate else out[:80])
        row("  PSS", f"{sum(pss_mb(x) for x in tree(server.pid)):.0f} MB")
    finally:
        end(server)

    mlserver = venv("mlserver", "mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop==0.21.0", scikit, "setuptools<81")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(MODEL / "model.joblib", folder)
        port, grpc, metrics = free_port(), free_port(), free_port()
        pathlib.Path(folder, "settings.json").write_text(json.dumps({"host": "127.0.0.1", "http_port": port, "grpc_port": grpc, "metrics_port": metrics, "debug": False}))
        pathlib.Path(folder, "model-settings.json").write_text(json.dumps({"name": "iris", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}))
        server = pinned(0, mlserver / "bin/mlserver", "start", folder)
        try:
            wait_http(port, "/v2/models/iris/ready")
            body = json.dumps({"inputs": [{"name": "x", "shape": [2, 4], "datatype": "FP64", "data": [6.8, 2.8, 4.8, 1.4, 6.0, 3.4, 4.5, 1.6]}]})
            r = wrk(port, "/v2/models/iris/infer", tree(server.pid), body=body)
            row("MLServer 1.7.1 (V2, it has no V1), requests/s", f"{r[0]:,.0f}", f"p99 {r[2]} µs, {r[3]:.0f} µs CPU, {r[4]} errors")
            import numpy as np
            message = models.grpc_message("iris", np.array([[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]))
            calls, used, failed = models.h2load(grpc, message, tree(server.pid), streams=1)
            row("MLServer 1.7.1, gRPC, calls/s", f"{calls:,.0f}", f"{used:.0f} µs CPU, {failed} failed")
            row("  PSS", f"{sum(pss_mb(x) for x in tree(server.pid)):.0f} MB")
        finally:
            end(server)


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--proa", required=True)
    args.add_argument("parts", nargs="*")
    a = args.parse_args()
    proa = str(pathlib.Path(a.proa).absolute())
    os.environ["PROA"] = proa
    parts = a.parts or ["server", "gateway", "ready", "zero", "protocols", "wide", "start"]
    print(f"{os.cpu_count()} cores, {machine.machine()}, Linux {machine.release().split('-')[0]}, {time.strftime('%Y-%m-%d')}\n")
    for part in parts:
        name = f"bench_{part.replace('-', '_')}"
        found = [getattr(m, name) for m in (sys.modules[__name__], models, edge, engines, scale, stores) if hasattr(m, name)]
        if not found:
            raise SystemExit(f"no part is called {part}")
        found[0](proa)
    print("\n| what | figure | beside |\n|---|---|---|")
    for what, value, beside in rows:
        print(f"| {what.strip()} | {value} | {beside} |")


if __name__ == "__main__":
    main()
