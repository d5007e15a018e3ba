"""TensorFlow Serving's REST and gRPC, answered by proa: for a SavedModel with several signatures, made here of its messages, and for ONNX."""
import base64
import pathlib
import tempfile

import grpc
import numpy as np
from onnx import TensorProto, helper

from saved_models import FLOAT, INT64, STRING, expected, saved_model, serving, shape_of, stubs, tf
from served import Served, folder_with

RNG = np.random.default_rng(5)
NUMPY = {1: ("float_val", np.float32), 2: ("double_val", np.float64), 3: ("int_val", np.int32), 4: ("int_val", np.uint8),
         5: ("int_val", np.int16), 6: ("int_val", np.int8), 9: ("int64_val", np.int64), 10: ("bool_val", np.bool_),
         17: ("int_val", np.uint16), 19: ("half_val", np.float16), 22: ("uint32_val", np.uint32), 23: ("uint64_val", np.uint64)}


def folder_of_versions(*versions):
    folder = tempfile.TemporaryDirectory()
    for v in versions:
        path = pathlib.Path(folder.name, v)
        path.mkdir()
        (path / "saved_model.pb").write_bytes(saved_model())
    return folder


def example(**features):
    e = tf.Example()
    for name, values in features.items():
        f = e.features.feature[name]
        if isinstance(values[0], bytes):
            f.bytes_list.value.extend(values)
        elif isinstance(values[0], int):
            f.int64_list.value.extend(values)
        else:
            f.float_list.value.extend(values)
    return e


def spec(name="m", version=None, **more):
    s = serving.ModelSpec(name=name, **more)
    if version is not None:
        s.version.value = version
    return s


def to_numpy(t):
    """Of what an answer holds, by its typed field."""
    shape = [d.size for d in t.tensor_shape.dim]
    if t.dtype == STRING:
        return np.array(list(t.string_val), object).reshape(shape)
    field, dtype = NUMPY[t.dtype]
    values = list(getattr(t, field))
    if dtype == np.float16:
        return np.array(values, np.uint16).view(np.float16).reshape(shape)
    return np.array(values, dtype).reshape(shape)


def refused(call, request):
    try:
        call(request, timeout=30)
    except grpc.RpcError as e:
        return e.code(), e.details()
    raise AssertionError("it was answered")


def test_rest_is_as_tensorflow_serving_has_it():
    rows = RNG.standard_normal((5, 4)).round(3).tolist()
    want = expected(rows)
    with folder_of_versions("1", "3") as folder, Served(folder, flags=["--version_policy=all", "--version_labels=stable=1"]) as served:
        status, answer = served.ask("/v1/models/m")
        ok = {"error_code": "OK", "error_message": ""}
        assert status == 200 and answer == {"model_version_status": [{"version": v, "state": "AVAILABLE", "status": ok} for v in "31"]}, answer
        for path in ("versions/1", "labels/stable"):
            assert [v["version"] for v in served.ask(f"/v1/models/m/{path}")[1]["model_version_status"]] == ["1"]
        status, answer = served.ask("/v1/models/m/versions/2")
        assert status == 404 and list(answer) == ["error"] and "Specific(m, 2)" in answer["error"], answer
        status, answer = served.ask("/v1/models/m/labels/other")
        assert status == 404 and "label: other" in answer["error"], answer
        status, answer = served.ask("/v1/models/m/metadata")
        assert status == 200 and answer["model_spec"] == {"name": "m", "signature_name": "", "version": "3"}
        signatures = answer["metadata"]["signature_def"]["signature_def"]
        assert sorted(signatures) == ["odd", "scored", "serving_default", "summed"]
        assert signatures["serving_default"] == {
            "inputs": {"features": {"dtype": "DT_FLOAT", "name": "x_in:0", "tensor_shape": {
                "dim": [{"size": "-1", "name": ""}, {"size": "4", "name": ""}], "unknown_rank": False}}},
            "outputs": {"label": {"dtype": "DT_INT64", "name": "best:0", "tensor_shape": {"dim": [{"size": "-1", "name": ""}],
                                                                                        "unknown_rank": False}},
                        "probabilities": {"dtype": "DT_FLOAT", "name": "soft:0", "tensor_shape": {
                            "dim": [{"size": "-1", "name": ""}, {"size": "3", "name": ""}], "unknown_rank": False}}},
            "method_name": "tensorflow/serving/predict"}
        for path in ("", "/versions/1", "/labels/stable"):
            status, answer = served.ask(f"/v1/models/m{path}:predict", {"instances": rows})
            assert status == 200 and [r["label"] for r in answer["predictions"]] == want.argmax(1).tolist(), answer
            assert np.abs(np.array([r["probabilities"] for r in answer["predictions"]]) - want).max() < 1e-5
        status, answer = served.ask("/v1/models/m:predict", {"inputs": {"features": rows}})
        assert status == 200 and answer["outputs"]["label"] == want.argmax(1).tolist(), answer
        status, answer = served.ask("/v1/models/m:predict", {"signature_name": "scored", "instances": rows})
        assert status == 200 and np.abs(np.array(answer["predictions"]) - want).max() < 1e-5, answer
        status, answer = served.ask("/v1/models/m:predict", {"instances": [{"a": [1], "b": [2]}, {"a": [3], "b": [4]}],
                                                             "signature_name": "summed"})
        assert status == 200 and answer["predictions"] == [[5.0], [11.0]], answer
        status, answer = served.ask("/v1/models/m:predict", {"signature_name": "none", "instances": rows})
        assert status == 400 and "none" in answer["error"] and "summed" in answer["error"], answer
        for _ in range(2):
            status, answer = served.ask("/v1/models/m:predict", {"signature_name": "odd", "instances": rows})
            assert status == 501 and "signature odd is not served" in answer["error"] and "NobodyKnowsThis" in answer["error"], answer
        status, answer = served.ask("/v1/models/m:classify", {"signature_name": "scored", "examples": [{"features": r} for r in rows]})
        assert status == 200 and np.abs(np.array([[s for _, s in r] for r in answer["result"]]) - want).max() < 1e-5, answer
        status, answer = served.ask("/v1/models/m/versions/1:regress", {"signature_name": "summed", "context": {"b": 10},
                                                                        "examples": [{"a": 1}, {"a": 2.5, "b": 0}]})
        assert status == 200 and answer == {"result": [21.0, 2.5]}, answer
        status, answer = served.ask("/v1/models/m:regress", {"signature_name": "summed", "examples": [{"a": 1}]})
        assert status == 400 and "'b'" in answer["error"], answer


def test_grpc_is_as_tensorflow_serving_has_it():
    rows = RNG.standard_normal((4, 4)).astype(np.float32)
    want = expected(rows)
    with folder_of_versions("7") as folder, Served(folder) as served, grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel:
        stub, models = stubs.PredictionServiceStub(channel), stubs.ModelServiceStub(channel)
        typed = tf.TensorProto(dtype=FLOAT, tensor_shape=shape_of([4, 4]), float_val=rows.ravel().tolist())
        content = tf.TensorProto(dtype=FLOAT, tensor_shape=shape_of([4, 4]), tensor_content=rows.tobytes())
        for tensor in (typed, content):
            answer = stub.Predict(serving.PredictRequest(model_spec=spec(version=7), inputs={"features": tensor}), timeout=30)
            assert answer.model_spec.name == "m" and answer.model_spec.version.value == 7
            assert answer.model_spec.signature_name == "serving_default"
            assert np.abs(to_numpy(answer.outputs["probabilities"]) - want).max() < 1e-5
            assert to_numpy(answer.outputs["label"]).tolist() == want.argmax(1).tolist()
        answer = stub.Predict(serving.PredictRequest(model_spec=spec(), inputs={"features": typed}, output_filter=["label"]), timeout=30)
        assert list(answer.outputs) == ["label"]
        same = tf.TensorProto(dtype=FLOAT, tensor_shape=shape_of([2, 1]), float_val=[3])
        answer = stub.Predict(serving.PredictRequest(model_spec=spec(signature_name="summed"), inputs={"a": same, "b": same}), timeout=30)
        assert to_numpy(answer.outputs["outputs"]).tolist() == [[9.0], [9.0]]
        code, text = refused(stub.Predict, serving.PredictRequest(model_spec=spec(), inputs={"features": same}))
        assert code == grpc.StatusCode.INVALID_ARGUMENT and "[2, 1]" in text
        code, text = refused(stub.Predict, serving.PredictRequest(model_spec=spec(version=8), inputs={"features": typed}))
        assert code == grpc.StatusCode.NOT_FOUND and "Specific(m, 8)" in text
        assert refused(stub.Predict, serving.PredictRequest(model_spec=spec("other")))[0] == grpc.StatusCode.NOT_FOUND

        examples = serving.Input(example_list=serving.ExampleList(examples=[example(features=r.tolist()) for r in rows]))
        answer = stub.Classify(serving.ClassificationRequest(model_spec=spec(signature_name="scored"), input=examples), timeout=30)
        assert np.abs(np.array([[c.score for c in r.classes] for r in answer.result.classifications]) - want).max() < 1e-5
        assert answer.model_spec.signature_name == "scored"
        with_context = serving.Input(example_list_with_context=serving.ExampleListWithContext(
            examples=[example(a=[1.0]), example(a=[2.0], b=[7.0])], context=example(b=[10.0])))
        answer = stub.Regress(serving.RegressionRequest(model_spec=spec(signature_name="summed"), input=with_context), timeout=30)
        assert [r.value for r in answer.result.regressions] == [21.0, 16.0]
        assert refused(stub.Regress, serving.RegressionRequest(model_spec=spec()))[0] == grpc.StatusCode.INVALID_ARGUMENT
        assert refused(stub.MultiInference, serving.MultiInferenceRequest())[0] == grpc.StatusCode.UNIMPLEMENTED

        answer = stub.GetModelMetadata(serving.GetModelMetadataRequest(model_spec=spec(), metadata_field=["signature_def"]), timeout=30)
        assert answer.model_spec.version.value == 7
        signatures = serving.SignatureDefMap()
        assert answer.metadata["signature_def"].Unpack(signatures)
        assert signatures.signature_def["serving_default"].inputs["features"].name == "x_in:0"
        assert signatures.signature_def["serving_default"].outputs["label"].dtype == INT64
        assert [d.size for d in signatures.signature_def["scored"].inputs["features"].tensor_shape.dim] == [-1, 4]
        answer = models.GetModelStatus(serving.GetModelStatusRequest(model_spec=spec()), timeout=30)
        assert [(s.version, s.state) for s in answer.model_version_status] == [(7, 30)]


def test_every_type_of_tensors_goes_through():
    """By an ONNX model that gives back what it gets: texts too, which OpenVINO does not serve."""
    pairs = [(1, TensorProto.FLOAT), (2, TensorProto.DOUBLE), (3, TensorProto.INT32), (4, TensorProto.UINT8), (5, TensorProto.INT16),
             (6, TensorProto.INT8), (7, TensorProto.STRING), (9, TensorProto.INT64), (10, TensorProto.BOOL), (17, TensorProto.UINT16),
             (19, TensorProto.FLOAT16), (22, TensorProto.UINT32), (23, TensorProto.UINT64)]
    graph = helper.make_graph([helper.make_node("Identity", [f"i{n}"], [f"o{n}"]) for n, _ in pairs], "g",
                              [helper.make_tensor_value_info(f"i{n}", t, [None, 2]) for n, t in pairs],
                              [helper.make_tensor_value_info(f"o{n}", t, [None, 2]) for n, t in pairs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    with folder_with(model__onnx=model) as folder, Served(folder) as served, grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        stub = stubs.PredictionServiceStub(channel)
        request, want = serving.PredictRequest(model_spec=spec()), {}
        for number, _ in pairs:
            t = request.inputs[f"i{number}"]
            t.dtype = number
            t.tensor_shape.CopyFrom(shape_of([3, 2]))
            if number == STRING:
                want[number] = np.array([b"a", b"", "ä".encode(), b"d", b"e", b"f"], object).reshape(3, 2)
                t.string_val.extend(want[number].ravel())
                continue
            field, dtype = NUMPY[number]
            low = -5 if np.dtype(dtype).kind in "if" else 0
            want[number] = np.arange(low, low + 6).astype(dtype).reshape(3, 2)
            values = want[number].ravel()
            getattr(t, field).extend((values.view(np.uint16) if dtype == np.float16 else values).tolist())
        answer = stub.Predict(request, timeout=30)
        for number, _ in pairs:
            assert answer.outputs[f"o{number}"].dtype == number
            assert to_numpy(answer.outputs[f"o{number}"]).tolist() == want[number].tolist(), number
        wrong = serving.PredictRequest()
        wrong.CopyFrom(request)
        wrong.inputs["i1"].dtype = 2
        assert refused(stub.Predict, wrong)[0] == grpc.StatusCode.INVALID_ARGUMENT
        signatures = served.ask("/v1/models/m/metadata")[1]["metadata"]["signature_def"]["signature_def"]
        assert signatures["serving_default"]["inputs"]["i7"]["dtype"] == "DT_STRING"
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.STRING, [None])],
                              [helper.make_tensor_value_info("y", TensorProto.STRING, [None])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    with folder_with(model__onnx=model) as folder, Served(folder) as served:
        texts = served.v1(instances=[{"b64": base64.b64encode(b"text").decode()}, "other"])
        assert texts == ["text", "other"]
        assert served.ask("/v1/models/m")[1] == {"name": "m", "ready": True}, "KServe's form where it is none of TensorFlow's"
