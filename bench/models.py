"""The model server on every protocol, on wide batches, at its start, and over many requests."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

from measure import BODY, MODEL, ROOT, end, free_port, pinned, pss_mb, row, tree, wait_http, wrk, cpu_seconds

V2_BODY = json.dumps({"inputs": [{"name": "x", "shape": [2, 4], "datatype": "FP64", "data": [6.8, 2.8, 4.8, 1.4, 6.0, 3.4, 4.5, 1.6]}]})


def serve(proa, folder, name="iris", *more):
    port, grpc = free_port(), free_port()
    server = pinned(0, proa, "serve", f"--model_name={name}", f"--model_dir={folder}", "--host=127.0.0.1", f"--http_port={port}", f"--grpc_port={grpc}", *more)
    wait_http(port)
    return server, port, grpc


def grpc_message(name, values):
    """A ModelInfer call as it is on the wire: prefix and message."""
    from tritonclient.grpc import service_pb2

    request = service_pb2.ModelInferRequest(model_name=name)
    tensor = request.inputs.add(name="x", datatype="FP64", shape=list(values.shape))
    del tensor
    request.raw_input_contents.append(values.tobytes())
    message = request.SerializeToString()
    return b"\0" + len(message).to_bytes(4, "big") + message


def h2load(port, message, pids, path="/inference.GRPCInferenceService/ModelInfer", clients=8, streams=10, seconds=5, inside=()):
    """Returns calls/s, CPU µs of `pids` a call, what did not succeed."""
    with tempfile.NamedTemporaryFile() as body:
        body.write(message), body.flush()
        before = cpu_seconds(pids)
        out = subprocess.run([*inside, "taskset", "-c", "1", "h2load", "-t1", f"-c{clients}", f"-m{streams}", f"-D{seconds}", "-d", body.name,
                              "-H", "content-type: application/grpc", "-H", "te: trailers", f"http://127.0.0.1:{port}{path}"],
                             capture_output=True, text=True).stdout
        used = cpu_seconds(pids) - before
    done = re.search(r"(\d+) succeeded, (\d+) failed", out)
    if not done or not int(done.group(1)):
        return 0, 0, out[-200:]
    return int(done.group(1)) / seconds, used / int(done.group(1)) * 1e6, int(done.group(2))


def build_echo():
    tool = ROOT / ".cache/grpc_echo"
    tool.parent.mkdir(exist_ok=True)
    subprocess.run(["g++", "-O2", "-std=c++20", ROOT / "bench/grpc_echo.cpp", "-lnghttp2", "-o", tool], check=True)
    return tool


def kserve_server(port, grpc):
    """KServe's own Python server with the iris model, in a network of its own: it listens on every address."""
    code = f"""
import joblib, numpy, kserve
from kserve import InferRequest, InferResponse
from kserve.utils.utils import get_predict_input, get_predict_response
class Iris(kserve.Model):
    def load(self):
        self.model = joblib.load({str(MODEL / 'model.joblib')!r}); self.ready = True; return True
    def predict(self, payload, headers=None):
        return get_predict_response(payload, self.model.predict(get_predict_input(payload)), self.name)
m = Iris("iris"); m.load()
kserve.ModelServer(http_port={port}, grpc_port={grpc}, access_log_format=None).start([m])
"""
    return subprocess.Popen(["unshare", "-n", "sh", "-c", f"ip link set lo up; exec taskset -c 0 {sys.executable} -c \"$CODE\""],
                            env=dict(os.environ, CODE=code), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def bench_protocols(proa):
    import numpy as np

    message = grpc_message("iris", np.array([[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]))
    server, port, grpc = serve(proa, MODEL)
    echo_port = free_port()
    echo = pinned(0, build_echo(), echo_port)
    wait_http_socket(echo_port)
    ours = {}
    try:
        ours["V1"] = max(wrk(port, "/v1/models/iris:predict", tree(server.pid)) for _ in range(2))[0]
        two = max(wrk(port, "/v2/models/iris/infer", tree(server.pid), body=V2_BODY) for _ in range(3))
        ours["V2"] = two[0]
        row("V2 REST infer, iris: proa serve, requests/s", f"{two[0]:,.0f}", f"p50 / p99 {two[1]} / {two[2]} µs, CPU {two[3]:.1f} µs, {two[4]} errors")
        for streams in (10, 1):
            limit = max(h2load(echo_port, message, tree(echo.pid), streams=streams) for _ in range(2))
            got = max(h2load(grpc, message, tree(server.pid), streams=streams) for _ in range(3))
            if streams == 10:
                ours["gRPC"] = got[0]
            row(f"V2 gRPC ModelInfer, iris, 8 connections × {streams} streams: calls/s", f"{got[0]:,.0f}",
                f"{got[0] / limit[0]:.2f} × bare nghttp2 echo ({limit[0]:,.0f}); CPU {got[1]:.1f} µs against {limit[1]:.1f}; {got[2]} failed")
    finally:
        end(server), end(echo)
    port, grpc = free_port(), free_port()
    peer = kserve_server(port, grpc)
    inside = ("nsenter", "-t", str(peer.pid), "-n")
    try:
        for _ in range(600):
            if subprocess.run([*inside, "curl", "-sf", f"http://127.0.0.1:{port}/v1/models/iris"], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        for label, path, body in (("V1", "/v1/models/iris:predict", BODY), ("V2", "/v2/models/iris/infer", V2_BODY)):
            script = tempfile.NamedTemporaryFile("w", suffix=".lua")
            script.write(f"wrk.method='POST'\nwrk.body={json.dumps(body)}\nwrk.headers['Content-Type']='application/json'\n"), script.flush()
            out = subprocess.run([*inside, "taskset", "-c", "1", "wrk", "-t1", "-c64", "-d5s", "-s", script.name, f"http://127.0.0.1:{port}{path}"],
                                 capture_output=True, text=True).stdout
            rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
            wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
            row(f"KServe's Python server, {label}, requests/s", f"{rate:,.0f}", f"proa serve is {ours[label] / rate:.0f} ×{'; wrong answers: ' + wrong.group(1) if wrong else ''}")
        rate, cpu, failed = h2load(grpc, message, tree(peer.pid), inside=inside)
        row("KServe's Python server, gRPC, calls/s", f"{rate:,.0f}", f"proa serve is {ours['gRPC'] / rate:.0f} ×; CPU {cpu:.0f} µs; {failed} failed" if rate else str(failed))
    finally:
        end(peer)


def wait_http_socket(port, seconds=10):
    import socket

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


def bench_wide(proa):
    """1,000 rows × 30 features a request, as peers.md's figures: boosted trees and a forest, 100 × depth 6."""
    import lightgbm
    import numpy as np
    import xgboost
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    x = np.round(x, 4)
    many = np.ascontiguousarray(np.vstack([x, x])[:1000])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        xgboost.train({"objective": "binary:logistic", "max_depth": 6}, xgboost.DMatrix(x, y), 100).save_model(folder / "x.ubj")
        lightgbm.train({"objective": "binary", "max_depth": 6, "verbose": -1}, lightgbm.Dataset(x, y), 100).save_model(folder / "l.bst")
        for name, file in (("XGBoost", "x.ubj"), ("LightGBM", "l.bst")):
            server, port, grpc = serve(proa, folder / file, "m")
            try:
                v1 = json.dumps({"instances": many.tolist()})
                r = max(wrk(port, "/v1/models/m:predict", tree(server.pid), body=v1, connections=4) for _ in range(2))
                row(f"1,000 × 30 a request, {name}, V1 JSON: rows/s of one core", f"{1e9 / r[3]:,.0f}", f"{r[0]:,.0f} requests/s, {len(v1) // 1000} kB, {r[4]} errors; goal 2 million")
                r = max(h2load(grpc, grpc_message("m", many), tree(server.pid), clients=4, streams=1) for _ in range(2))
                row(f"1,000 × 30 a request, {name}, gRPC: rows/s of one core", f"{1e9 / r[1]:,.0f}", f"{r[0]:,.0f} calls/s; {r[2]} failed")
                head = json.dumps({"inputs": [{"name": "x", "shape": list(many.shape), "datatype": "FP64", "parameters": {"binary_data_size": many.nbytes}}],
                                   "parameters": {"binary_data_output": True}}).encode()
                r = binary(port, head + many.tobytes(), len(head), tree(server.pid))
                row(f"1,000 × 30 a request, {name}, V2 binary: rows/s of one core", f"{1e9 / r[1]:,.0f}", f"{r[0]:,.0f} requests/s from one connection")
            finally:
                end(server)


def binary(port, body, head, pids, seconds=3):
    import http.client

    c = http.client.HTTPConnection("127.0.0.1", port)
    before, began, n = cpu_seconds(pids), time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        c.request("POST", "/v2/models/m/infer", body, {"Inference-Header-Content-Length": str(head), "Content-Type": "application/octet-stream"})
        answer = c.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        n += 1
    return n / (time.perf_counter() - began), (cpu_seconds(pids) - before) / n * 1e6


def bench_start(proa):
    import http.client

    took = []
    for _ in range(40):
        port = free_port()
        began = time.perf_counter()
        server = subprocess.Popen([proa, "serve", "--model_name=iris", f"--model_dir={MODEL}", "--host=127.0.0.1", f"--http_port={port}", "--enable_grpc=false"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        while True:
            try:
                c = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
                c.request("POST", "/v1/models/iris:predict", BODY)
                assert c.getresponse().status == 200
                break
            except ConnectionRefusedError:
                time.sleep(0.0002)
        took.append((time.perf_counter() - began) * 1e3)
        idle = pss_mb(server.pid)
        end(server)
    row("start of `proa serve` to the first answer, iris, 40 times: p50 / max ms", f"{statistics.median(took):.1f} / {max(took):.1f}", "goal 15")
    row("  PSS", f"{idle:.1f} MB", "goal ≤ 8 MB")


def bench_soak(proa):
    """Ten million requests on V1 and V2: the memory before the last half and after it."""
    total = int(float(os.environ.get("PROA_BENCH_REQUESTS", "1e7")))
    server, port, grpc = serve(proa, MODEL)
    try:
        pid, done, errors, sizes = tree(server.pid)[-1], 0, 0, []
        while done < total:
            for path, body in (("/v1/models/iris:predict", BODY), ("/v2/models/iris/infer", V2_BODY)):
                r = wrk(port, path, [pid], body=body, seconds=10)
                done, errors = done + int(r[0] * 10), errors + r[4]
            sizes.append((done, pss_mb(pid)))
        half = next(size for n, size in sizes if n >= done / 2)
        row(f"{done:,} requests: PSS at half / at the end, errors", f"{half:.2f} / {sizes[-1][1]:.2f} MB", f"{errors} errors")
    finally:
        end(server)
