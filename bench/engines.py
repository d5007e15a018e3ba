"""ONNX by `proa serve`, beside ONNX Runtime's call alone and beside FastAPI with ONNX Runtime, in one run."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from measure import ROOT, end, free_port, pinned, row, tree, wait_http, wrk
from models import h2load, serve

V2 = json.dumps({"inputs": [{"name": "X", "shape": [1, 4], "datatype": "FP32", "data": [6.8, 2.8, 4.8, 1.4]}]})
V1 = json.dumps({"instances": [[6.8, 2.8, 4.8, 1.4]]})
FASTAPI = """
import numpy as np, onnxruntime, sys
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options)
app = FastAPI()

class Rows(BaseModel):
    instances: list[list[float]]

@app.post("/predict")
def predict(body: Rows):
    return {"predictions": session.run(None, {"X": np.array(body.instances, np.float32)})[0].tolist()}

if __name__ == "__main__":
    import uvicorn
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
"""


def iris(path):
    import numpy as np
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    x, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(x, y)
    onnx = to_onnx(model, x[:1].astype(np.float32), options={"zipmap": False}, target_opset=17)
    path.write_bytes(onnx.SerializeToString())


def library_call(proa, model):
    """µs of a call, the processor's and the median that elapsed, by a program of its own on the core that the servers have."""
    tool = ROOT / ".cache/onnx_call"
    tool.parent.mkdir(exist_ok=True)
    libraries = sorted(str(p) for p in pathlib.Path(proa).parents[2].rglob("libproa_*.a"))
    subprocess.run(["g++", "-std=c++20", "-O2", f"-I{ROOT}/src", ROOT / "bench/onnx_call.cpp", "-o", tool, "-Wl,--start-group", *libraries,
                    "-Wl,--end-group", "-ldl", "-lpthread"], check=True)
    out = subprocess.run(["taskset", "-c", "0", tool, model, "1", "4", "3"], check=True, capture_output=True, text=True).stdout
    return [float(v) for v in out.split()]


def grpc_call():
    import numpy as np
    from tritonclient.grpc import service_pb2
    request = service_pb2.ModelInferRequest(model_name="iris")
    request.inputs.add(name="X", datatype="FP32", shape=[1, 4])
    request.raw_input_contents.append(np.array([6.8, 2.8, 4.8, 1.4], np.float32).tobytes())
    message = request.SerializeToString()
    return b"\0" + len(message).to_bytes(4, "big") + message


def bench_engines(proa):
    os.environ.setdefault("PROA_ENGINES_DIR", str(ROOT / ".tools/engines"))
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder, "model.onnx")
        iris(model)
        call, median = library_call(proa, model)
        row("ONNX Runtime's call alone, iris, one row: CPU µs, median µs", f"{call:.2f}, {median:.2f}")
        server, port, grpc = serve(proa, folder)
        try:
            pids = tree(server.pid)
            ours = {}
            for name, path, body in (("V1", "/v1/models/iris:predict", V1), ("V2", "/v2/models/iris/infer", V2)):
                r = ours[name] = max(wrk(port, path, pids, body=body) for _ in range(3))
                row(f"proa serve, ONNX iris, {name} REST, requests/s", f"{r[0]:,.0f}", f"p50 / p99 {r[1]} / {r[2]} µs, {r[4]} errors")
                row("  CPU µs a request, and above the call", f"{r[3]:.1f}, {r[3] - call:.1f}", "goal ≤ 15 above it")
                alone = wrk(port, path, pids, body=body, connections=1)
                row("  one connection: p50 / p99 µs", f"{alone[1]} / {alone[2]}", "with the load tool and the loopback")
            rate, cpu, failed = max(h2load(grpc, grpc_call(), pids) for _ in range(3))
            row("proa serve, ONNX iris, V2 gRPC, calls/s", f"{rate:,.0f}", f"{failed} failed")
            row("  CPU µs a call, and above the library's", f"{cpu:.1f}, {cpu - call:.1f}", "goal ≤ 15 above it")
        finally:
            end(server)
        fastapi(model, ours["V1"][0])
        row("Triton", "not measured", "it comes as a container only; a package of it needs CUDA's libraries")


def fastapi(model, rate):
    folder = ROOT / ".cache/fastapi-onnx"
    if not (folder / "ok").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", "fastapi==0.115.12", "uvicorn[standard]==0.34.2", "onnxruntime", "numpy"], check=True)
        (folder / "ok").touch()
    script, port = model.parent / "peer.py", free_port()
    script.write_text(FASTAPI)
    peer = pinned(0, folder / "bin/python", script, model, port)
    try:
        wait_http(port, "/docs")
        r = max(wrk(port, "/predict", tree(peer.pid), body=V1) for _ in range(3))
        row("FastAPI + ONNX Runtime, iris, requests/s", f"{r[0]:,.0f}", f"p99 {r[2]} µs, {r[3]:.0f} µs CPU, {r[4]} errors")
        row("  proa serve V1 beside it", f"{rate / r[0]:.1f} ×", "goal ≥ 10")
    finally:
        end(peer)
