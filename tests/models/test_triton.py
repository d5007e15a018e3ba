"""A model repository as Triton has it: several models, versions, config.pbtxt."""
import pathlib
import tempfile

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
