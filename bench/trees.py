#!/usr/bin/env python3
"""Tree models: proa beside the frameworks and the compilers of trees, one thread each, in one run.

    bench/trees.py BUILD [100x6 1000x8]    BUILD: a build folder (RelWithDebInfo) of proa

Needs xgboost, lightgbm, scikit-learn; onnxruntime with onnxmltools and skl2onnx, treelite with tl2cgen, and lleaves
(with llvmlite 0.43) are measured where they are installed. Every time is the best of many passes over the rows. A batch of 1 is
measured through the narrowest interface that the peer has: LightGBM's single-row C API, XGBoost's
in-place prediction; what Python adds is what their users pay.
"""
import ctypes
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.update(OMP_NUM_THREADS="1", TREELITE_BIND_THREADS="0")
import numpy as np  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = 30


def turns(x, batch, made=lambda part: part):
    """Other rows at each call, as requests bring them: a branch predictor learns a row that comes again and again."""
    parts = [made(x[i:i + batch]) for i in range(0, min(len(x), 2000 * batch) - batch + 1, batch)]
    return itertools.cycle(parts).__next__


def best(call, batch, seconds=1.0):
    calls = max(1, 500 // batch)
    least, end = 1e9, time.perf_counter() + seconds
    call()
    while time.perf_counter() < end:
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        least = min(least, (time.perf_counter() - begin) / calls)
    return least * 1e6


def build(folder, out):
    libraries = [str(p) for p in pathlib.Path(folder).rglob("libproa_*.a")]
    flags = subprocess.run(["pkg-config", "--libs", "yaml-0.1", "zlib", "liblzma", "liblz4"], stdout=subprocess.PIPE,
                           universal_newlines=True).stdout.split()
    command = ["g++", "-std=c++20", "-O2", f"-I{ROOT}/src", str(ROOT / "bench/trees.cpp"), "-o", str(out), "-Wl,--start-group",
               *libraries, "-Wl,--end-group", *flags, "-lbz2", "-lpthread"]
    subprocess.run(command, check=True)


def proa(tool, model, rows, batch):
    out = subprocess.run([tool, model, rows, str(COLUMNS), str(batch), "1"], stdout=subprocess.PIPE, check=True,
                         universal_newlines=True).stdout.split()
    return float(out[0]), [float(v) for v in out[1:]]


def xgboost_peers(work, x, y, trees, depth):
    import xgboost as xgb
    booster = xgb.train({"max_depth": depth, "nthread": 1, "objective": "reg:squarederror"}, xgb.DMatrix(x, y), trees)
    path = str(work / "xgb.json")
    booster.save_model(path)
    booster.set_param({"nthread": 1})
    x32 = x.astype(np.float32)
    calls = {"xgboost DMatrix": lambda b: (lambda rows=turns(x32, b): booster.predict(xgb.DMatrix(rows(), nthread=1))),
             "xgboost in place": lambda b: (lambda rows=turns(x32, b): booster.inplace_predict(rows()))}

    def onnx():
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType
        return convert_xgboost(booster, initial_types=[("x", FloatTensorType([None, COLUMNS]))]).SerializeToString()

    calls.update(onnx_peer(onnx, x32))
    calls.update(treelite_peer(lambda t: t.frontend.load_xgboost_model(path, format_choice="use_suffix"), work / "xgb.so", x32))
    return path, calls, booster.predict(xgb.DMatrix(x[:5]))


def lightgbm_peers(work, x, y, trees, depth):
    import lightgbm as lgb
    booster = lgb.train({"num_leaves": 2 ** depth, "max_depth": depth, "num_threads": 1, "verbose": -1, "min_data_in_leaf": 2}, lgb.Dataset(x, y), trees)
    path = str(work / "lgb.txt")
    booster.save_model(path)
    calls = {"lightgbm": lambda b: (lambda rows=turns(x, b): booster.predict(rows(), num_threads=1)),
             "lightgbm C API": lambda b: lightgbm_c(lgb, booster, x, b)}

    def onnx():
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType
        return convert_lightgbm(booster, initial_types=[("x", FloatTensorType([None, COLUMNS]))]).SerializeToString()

    calls.update(onnx_peer(onnx, x.astype(np.float32)))
    calls.update(treelite_peer(lambda t: t.frontend.load_lightgbm_model(path), work / "lgb.so", x))
    try:
        import lleaves
        model = lleaves.Model(model_file=path)
        model.compile(str(work / f"lleaves-{trees}x{depth}.bin"))
        calls["lleaves"] = lambda b: (lambda rows=turns(x, b): model.predict(rows(), n_jobs=1))
    except Exception as e:
        print("lleaves:", type(e).__name__, e)
    return path, calls, booster.predict(x[:5])


def lightgbm_c(lgb, booster, x, n):
    """LGBM_BoosterPredictForMatSingleRowFast, or for more rows LGBM_BoosterPredictForMat."""
    lib = lgb.basic._LIB
    handle = getattr(booster, "_handle", None) or booster.handle
    out, count = np.zeros(n), ctypes.c_int64(0)
    result = out.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    rows = turns(x, n, lambda part: part.ctypes.data_as(ctypes.c_void_p))
    if n == 1:
        fast = ctypes.c_void_p()
        if lib.LGBM_BoosterPredictForMatSingleRowFastInit(handle, 0, 0, -1, 1, COLUMNS, b"num_threads=1", ctypes.byref(fast)) != 0:
            raise RuntimeError("LightGBM's single row")
        return lambda: lib.LGBM_BoosterPredictForMatSingleRowFast(fast, rows(), ctypes.byref(count), result)
    return lambda: lib.LGBM_BoosterPredictForMat(handle, rows(), 1, n, COLUMNS, 1, 0, 0, -1, b"num_threads=1",
                                                 ctypes.byref(count), result)


def sklearn_peers(work, x, y, trees, depth):
    import joblib
    from sklearn.ensemble import RandomForestClassifier
    model = RandomForestClassifier(trees, max_depth=depth, n_jobs=1, random_state=1).fit(x, y > np.median(y))
    path = str(work / "forest.joblib")
    joblib.dump(model, path)
    calls = {"scikit-learn": lambda b: (lambda rows=turns(x, b): model.predict(rows()))}

    def onnx():
        from skl2onnx import to_onnx
        return to_onnx(model, x[:1].astype(np.float32), options={"zipmap": False}).SerializeToString()

    calls.update(onnx_peer(onnx, x.astype(np.float32)))
    return path, calls, model.predict(x[:5])


def onnx_peer(convert, x32):
    try:
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = ort.InferenceSession(convert(), options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return {"onnxruntime": lambda b: (lambda rows=turns(x32, b): session.run(None, {name: rows()}))}
    except Exception as e:
        print("onnxruntime:", type(e).__name__, str(e)[:100])
        return {}


def treelite_peer(load, path, x):
    try:
        import tl2cgen
        import treelite
        tl2cgen.export_lib(load(treelite), toolchain="gcc", libpath=str(path), params={"parallel_comp": 16})
        predictor = tl2cgen.Predictor(str(path), nthread=1)
        return {"treelite": lambda b: (lambda rows=turns(x, b, tl2cgen.DMatrix): predictor.predict(rows()))}
    except Exception as e:
        print("treelite:", type(e).__name__, str(e)[:100])
        return {}


def main():
    shapes = [tuple(map(int, s.split("x"))) for s in sys.argv[2:]] or [(100, 6), (1000, 8)]
    rng = np.random.default_rng(3)
    x = rng.normal(size=(10000, COLUMNS))
    y = x[:, 0] * x[:, 1] + np.sin(x[:, 2:8]).sum(axis=1) + rng.normal(size=len(x)) * 0.1
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        tool = str(work / "trees")
        build(sys.argv[1], tool)
        rows = str(work / "rows")
        np.concatenate([x, x]).tofile(rows)
        for trees, depth in shapes:
            for kind, make in [("XGBoost", xgboost_peers), ("LightGBM", lightgbm_peers), ("RandomForest", sklearn_peers)]:
                path, calls, want = make(work, x, y, trees, depth)
                for batch in (1, 10, 100, 1000, 10000):
                    ours, got = proa(tool, path, rows, batch)
                    assert np.allclose(got[:min(batch, 5)], want[:min(batch, 5)], rtol=1e-5), (got, want)
                    peers = {k: best(f(batch), batch) for k, f in calls.items()}
                    k = min(peers, key=peers.get)
                    print(f"{kind:13} {trees}x{depth} batch {batch:5}: proa {ours:11.2f} us; best peer {k} {peers[k]:11.2f} us,"
                          f" {peers[k] / ours:7.2f} x | " + ", ".join(f"{n} {v:.1f}" for n, v in peers.items()), flush=True)


if __name__ == "__main__":
    main()
