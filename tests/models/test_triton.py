"""A model repository as Triton has it: several models, versions, config.pbtxt."""
import concurrent.futures
import pathlib
import re
import tempfile
import urllib.request

import tritonclient.http as triton_http
import numpy as np
from onnx import TensorProto, helper

from served import Served


def adding(number):
    node = helper.make_node("Add", ["x", "c"], ["y"])
    constant = helper.make_tensor("c", TensorProto.FLOAT, [1], [number])
    made = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
                             [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])], [constant])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def write(folder, path, content):
    path = pathlib.Path(folder, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_models_versions_and_file_names_are_as_the_configuration_says():
    with tempfile.TemporaryDirectory() as folder:
        for version in (1, 2, 10):
            write(folder, f"plus/{version}/model.onnx", adding(version))
        write(folder, "plus/config.pbtxt", 'name: "plus"\nbackend: "onnxruntime"\nversion_policy { specific { versions: [1, 10] } }\n')
        write(folder, "other/1/net.onnx", adding(100))
        write(folder, "other/1/old.onnx", adding(200))
        write(folder, "other/config.pbtxt", 'name: "other" platform: "onnxruntime_onnx" max_batch_size: 8\n'
              'input [{ name: "x" data_type: TYPE_FP32 dims: [2] }]\ndefault_model_filename: "net.onnx"')
        write(folder, "script/1/model.py", b"")
        write(folder, "script/config.pbtxt", 'backend: "python"')
        with Served(folder) as served:
            client = triton_http.InferenceServerClient(f"127.0.0.1:{served.port}")
            x = triton_http.InferInput("x", [1, 2], "FP32")
            x.set_data_from_numpy(np.array([[1, 2]], np.float32))
            for model, version, number in (("plus", "", 10), ("plus", "1", 1), ("plus", "10", 10), ("other", "", 100)):
                assert client.infer(model, [x], model_version=version).as_numpy("y").tolist() == [[1 + number, 2 + number]]
            assert served.ask("/v2/models/plus/versions/2/infer", {"inputs": []})[0] in (400, 404, 422)
            index = {(m["name"], m.get("version", "")): m for m in client.get_model_repository_index()}
            assert index[("plus", "10")]["state"] == "READY"
            bad = next(m for (name, _), m in index.items() if name == "script")
            assert bad["state"] == "UNAVAILABLE" and "python" in bad["reason"], bad
            client.close()


def infer(client, model, rows, name="x", output="y"):
    x = triton_http.InferInput(name, [len(rows), 2], "FP32")
    x.set_data_from_numpy(np.array(rows, np.float32))
    return client.infer(model, [x]).as_numpy(output).tolist()


def metric(served, name, model):
    text = urllib.request.urlopen(f"http://127.0.0.1:{served.port}/metrics").read().decode()
    return float(re.search(rf'^{name}{{model_name="{model}"}} (\S+)', text, re.M).group(1))


ENSEMBLE = """
name: "both" platform: "ensemble" max_batch_size: 8
input [ { name: "RAW" data_type: TYPE_FP32 dims: [ 2 ] } ]
output [ { name: "SUM" data_type: TYPE_FP32 dims: [ 2 ] }, { name: "PART" data_type: TYPE_FP32 dims: [ 2 ] } ]
ensemble_scheduling { step [
  { model_name: "ten" model_version: -1 input_map { key: "x" value: "PART" } output_map { key: "y" value: "SUM" } },
  { model_name: "one" model_version: -1 input_map { key: "x" value: "RAW" } output_map { key: "y" value: "PART" } } ] }
"""


def test_an_ensemble_chains_models_by_their_tensors_and_follows_a_reload():
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "one/1/model.onnx", adding(1))
        write(folder, "ten/1/model.onnx", adding(10))
        write(folder, "both/config.pbtxt", ENSEMBLE)
        write(folder, "outer/config.pbtxt", 'platform: "ensemble" input { name: "in" data_type: TYPE_FP32 dims: [-1, 2] } '
              'output { name: "out" data_type: TYPE_FP32 dims: [-1, 2] } ensemble_scheduling { step [ { model_name: "both" '
              'input_map { key: "RAW" value: "in" } output_map { key: "SUM" value: "out" } } ] }')
        bad = {"circle": ENSEMBLE.replace("both", "circle").replace('value: "RAW"', 'value: "SUM"'),
               "unknown": ENSEMBLE.replace("both", "unknown").replace('"ten"', '"eleven"'),
               "itself": ENSEMBLE.replace("both", "itself").replace('"ten"', '"itself"'),
               "wrong": ENSEMBLE.replace("both", "wrong").replace('key: "y" value: "SUM"', 'key: "z" value: "SUM"')}
        for name, text in bad.items():
            write(folder, f"{name}/config.pbtxt", text)
        with Served(folder) as served:
            client = triton_http.InferenceServerClient(f"127.0.0.1:{served.port}")
            assert infer(client, "both", [[1, 2], [3, 4]], "RAW", "SUM") == [[12, 13], [14, 15]]
            assert infer(client, "both", [[1, 2]], "RAW", "PART") == [[2, 3]]
            assert infer(client, "outer", [[1, 2]], "in", "out") == [[12, 13]]
            metadata = client.get_model_metadata("both")
            assert metadata["platform"] == "ensemble" and metadata["inputs"] == [{"name": "RAW", "datatype": "FP32", "shape": [-1, 2]}]
            reasons = {m["name"]: m["reason"] for m in client.get_model_repository_index() if m["state"] != "READY"}
            for name, what in (("circle", "wait for each other"), ("unknown", "eleven is not loaded"), ("itself", "itself"),
                               ("wrong", "no output 'z'")):
                assert what in reasons[name], reasons
            write(folder, "one/1/model.onnx", adding(100))
            client.load_model("one")
            assert infer(client, "both", [[1, 2]], "RAW", "SUM") == [[111, 112]]
            assert infer(client, "outer", [[1, 2]], "in", "out") == [[111, 112]]
            client.close()


def test_dynamic_batching_joins_what_arrives_within_the_delay():
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "plus/1/model.onnx", adding(1))
        write(folder, "plus/config.pbtxt", 'platform: "onnxruntime_onnx" max_batch_size: 8 instance_group [ { count: 2 kind: KIND_CPU } ] '
              'dynamic_batching { preferred_batch_size: [ 8 ] max_queue_delay_microseconds: 60000000 }')
        with Served(folder) as served:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:  # 60 s would pass if they were not joined
                answers = list(pool.map(lambda i: served.ask("/v2/models/plus/infer", {"inputs": [
                    {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [i, i]}]}), range(8)))
            assert [a["outputs"][0]["data"] for _, a in answers] == [[i + 1, i + 1] for i in range(8)]
            assert metric(served, "request_batch_size_count", "plus") == 1 and metric(served, "request_batch_size_sum", "plus") == 8
            status, answer = served.ask("/v2/models/plus/infer", {"inputs": [{"name": "x", "shape": [9, 2], "datatype": "FP32",
                                                                             "data": list(range(18))}]})
            assert status == 400 and "batch-size must be <= 8" in answer["error"], answer


def test_a_model_of_rows_is_a_step_behind_a_network():
    """ONNX's scaler, then XGBoost's trees with Triton's fil, as scikit-learn and XGBoost answer one after the other."""
    import xgboost
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.preprocessing import StandardScaler
    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    scaler = StandardScaler().fit(x)
    scaled = scaler.transform(x).astype(np.float32)
    trees = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 3}, xgboost.DMatrix(scaled, y), 10)
    network = to_onnx(scaler, x[:1], target_opset=17)
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "scale/1/model.onnx", network.SerializeToString())
        write(folder, "trees/1/xgboost.json", bytes(trees.save_raw("json")))
        write(folder, "trees/config.pbtxt", 'backend: "fil" max_batch_size: 1000 default_model_filename: "xgboost.json" '
              'input { name: "input__0" data_type: TYPE_FP32 dims: [ 4 ] } output { name: "output__0" data_type: TYPE_FP32 dims: [ 3 ] } '
              'parameters [ { key: "model_type" value: { string_value: "xgboost_json" } } ]')
        name_in, name_out = network.graph.input[0].name, network.graph.output[0].name
        write(folder, "both/config.pbtxt", f'''platform: "ensemble" max_batch_size: 1000
            input {{ name: "x" data_type: TYPE_FP32 dims: [ 4 ] }} output {{ name: "p" data_type: TYPE_FP32 dims: [ 3 ] }}
            ensemble_scheduling {{ step [
              {{ model_name: "scale" input_map {{ key: "{name_in}" value: "x" }} output_map {{ key: "{name_out}" value: "scaled" }} }},
              {{ model_name: "trees" input_map {{ key: "input__0" value: "scaled" }} output_map {{ key: "output__0" value: "p" }} }} ] }}''')
        with Served(folder) as served:
            client = triton_http.InferenceServerClient(f"127.0.0.1:{served.port}")
            given = triton_http.InferInput("x", list(x.shape), "FP32")
            given.set_data_from_numpy(x)
            got = client.infer("both", [given]).as_numpy("p")
            assert got.dtype == np.float32 and np.abs(got - trees.predict(xgboost.DMatrix(scaled))).max() < 1e-5
            client.close()
