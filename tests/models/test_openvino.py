"""Models of OpenVINO's formats, made here by OpenVINO and TensorFlow, answered by proa: equal to the framework they are of."""
import os
import pathlib
import tempfile

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from served import Served, folder_with, refusal

RNG = np.random.default_rng(3)


def dense(kind=np.float32):
    """softmax(x · w + b) as an OpenVINO model, and the same in numpy."""
    w, b = RNG.standard_normal((4, 3)).astype(kind), RNG.standard_normal(3).astype(kind)
    x = ops.parameter([-1, 4], kind, name="x")
    x.output(0).tensor.names = {"x"}
    y = ops.softmax(ops.add(ops.matmul(x, ops.constant(w), False, False), ops.constant(b)), 1)
    y.output(0).tensor.names = {"y"}

    def expected(rows):
        z = np.array(rows, np.float64) @ w.astype(np.float64) + b
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)
    return ov.Model([y], [x], "dense"), expected


def test_intermediate_representations_agree_with_numpy():
    rows = RNG.standard_normal((7, 4)).round(3).tolist()
    for compress, tolerance in ((False, 1e-5), (True, 2e-3)):
        with tempfile.TemporaryDirectory() as folder:
            model, expected = dense()
            ov.save_model(model, pathlib.Path(folder, "model.xml"), compress_to_fp16=compress)
            with Served(folder) as served:
                assert served.metadata() == {"name": "m", "platform": "OpenVINO",
                                             "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
                                             "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}]}
                assert np.abs(np.array(served.v1(instances=rows)) - expected(rows)).max() < tolerance
                status, answer = served.v2([{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}])
                assert status == 400 and "[1, 3]" in answer["error"]
                assert served.v2([{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}])[0] == 400


def test_datatypes_and_several_outputs_go_through():
    kinds = [("BOOL", np.bool_), ("UINT8", np.uint8), ("INT8", np.int8), ("INT32", np.int32), ("INT64", np.int64), ("FP32", np.float32),
             ("FP64", np.float64)]
    inputs, outputs = [], []
    for name, kind in kinds:
        x = ops.parameter([2, -1], kind)
        x.output(0).tensor.names = {"i" + name}
        y = ops.reshape(x, ops.constant(np.array([-1], np.int64)), False)
        y.output(0).tensor.names = {"o" + name}
        inputs.append(x)
        outputs.append(y)
    with tempfile.TemporaryDirectory() as folder:
        ov.save_model(ov.Model(outputs, inputs, "types"), pathlib.Path(folder, "model.xml"), compress_to_fp16=False)
        with Served(folder) as served:
            status, answer = served.v2([{"name": "i" + name, "shape": [2, 2], "datatype": name,
                                         "data": [True, False, True, True] if name == "BOOL" else [1, 0, 3, 4]} for name, _ in kinds])
            assert status == 200, answer
            for output in answer["outputs"]:
                assert output["name"] == "o" + output["datatype"] and output["shape"] == [4], output
                assert output["data"] == ([True, False, True, True] if output["datatype"] == "BOOL" else [1, 0, 3, 4]), output


def test_models_of_tensorflow_agree_with_it():
    """SavedModel with versions and a signature, TensorFlow Lite, a frozen graph; where TensorFlow is installed."""
    try:
        os.environ["CUDA_VISIBLE_DEVICES"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "", "3"
        import tensorflow as tf
    except ImportError:
        print("     TensorFlow is not installed: left out")
        return
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(RNG.standard_normal((4, 3)).astype(np.float32))

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="features")])
        def serve(self, features):
            z = tf.matmul(features, self.w)
            return {"probabilities": tf.nn.softmax(z), "label": tf.argmax(z, 1)}
    rows = RNG.standard_normal((5, 4)).astype(np.float32)
    old, new = Module(), Module()
    want = new.serve(rows)
    with tempfile.TemporaryDirectory() as folder:
        for version, module in (("1", old), ("2", new)):
            tf.saved_model.save(module, str(pathlib.Path(folder, version)), signatures={"serving_default": module.serve})
        with Served(folder) as served:
            assert served.metadata()["inputs"] == [{"name": "features", "datatype": "FP32", "shape": [-1, 4]}]
            whole = served.v1(inputs={"features": rows.tolist()})
            assert whole["label"] == want["label"].numpy().tolist() and len(whole["probabilities"]) == len(rows)
            assert served.ask("/v1/models/m/versions/2:predict", {"instances": rows.tolist()})[0] == 200
            assert served.ask("/v1/models/m/versions/9:predict", {"instances": rows.tolist()})[0] == 404
            for body in ({"instances": rows.tolist()}, {"instances": [{"features": r} for r in rows.tolist()]},
                         {"signature_name": "serving_default", "instances": rows.tolist()}):
                answer = served.v1(**body)
                assert [r["label"] for r in answer] == want["label"].numpy().tolist()
                assert np.abs(np.array([r["probabilities"] for r in answer]) - want["probabilities"].numpy()).max() < 1e-5
        lite = tf.lite.TFLiteConverter.from_saved_model(str(pathlib.Path(folder, "2"))).convert()
    with folder_with(model__tflite=lite) as folder, Served(folder) as served:
        by_name = {o["datatype"]: o["name"] for o in served.metadata()["outputs"]}
        answer = served.v1(instances=rows.tolist())
        assert np.abs(np.array([r[by_name["FP32"]] for r in answer]) - want["probabilities"].numpy()).max() < 1e-5
    frozen = convert_variables_to_constants_v2(new.serve.get_concrete_function()).graph.as_graph_def().SerializeToString()
    with folder_with(model__pb=frozen) as folder, Served(folder) as served:
        answer = served.v1(instances=rows.tolist())
        name = next(o["name"] for o in served.metadata()["outputs"] if o["datatype"] == "FP32")
        assert np.abs(np.array([r[name] for r in answer]) - want["probabilities"].numpy()).max() < 1e-5


def test_what_is_no_model_is_refused_with_one_line():
    with folder_with(model__xml=b"<net/>") as folder:
        assert "no OpenVINO IR model" in refusal(folder)
    with folder_with(model__keras=b"PK") as folder:
        assert "SavedModel" in refusal(folder)
    with folder_with(model__tflite=b"\0" * 100) as folder:
        assert "TensorFlow Lite" in refusal(folder)
