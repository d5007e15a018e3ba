"""ONNX models, made here by skl2onnx and by ONNX's helpers, answered by proa: equal to the framework they are of."""
import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from onnx import TensorProto, helper, numpy_helper
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from served import Served, folder_with, refusal

X, Y = load_iris(return_X_y=True)
X = X.astype(np.float32)
NAMES = np.array(load_iris().target_names)


def graph(nodes, inputs, outputs, constants=()):
    made = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, constants), opset_imports=[helper.make_opsetid("", 17)],
                             ir_version=9)
    return folder_with(model__onnx=made.SerializeToString())


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def test_estimators_of_scikit_learn_agree_through_ai_onnx_ml():
    """Labels of numbers and of texts, maps of probabilities made into a matrix, numbers of regressors."""
    for estimator, labels in ((LogisticRegression(max_iter=500), Y), (LogisticRegression(max_iter=500), NAMES[Y]),
                              (RandomForestClassifier(20, random_state=0), Y), (GradientBoostingClassifier(random_state=0), Y),
                              (make_pipeline(StandardScaler(), SVC(probability=True, random_state=0)), Y),
                              (MLPClassifier((8,), max_iter=300, random_state=0), Y)):
        model = estimator.fit(X, labels)
        with folder_with(model__onnx=to_onnx(model, X[:1]).SerializeToString()) as folder, Served(folder) as served:
            rows = served.v1(instances=X.tolist())
            assert [r["output_label"] for r in rows] == model.predict(X).tolist()
            assert np.abs(np.array([r["output_probability"] for r in rows]) - model.predict_proba(X)).max() < 2e-5
    for estimator in (LinearRegression(), RandomForestRegressor(20, random_state=0)):
        model = estimator.fit(X, X[:, 0] * 2 + Y)
        with folder_with(model__onnx=to_onnx(model, X[:1]).SerializeToString()) as folder, Served(folder) as served:
            assert np.abs(np.array(served.v1(instances=X.tolist())) - model.predict(X)[:, None]).max() < 1e-4
    model = KMeans(3, random_state=0, n_init=3).fit(X)
    with folder_with(model__onnx=to_onnx(model, X[:1]).SerializeToString()) as folder, Served(folder) as served:
        assert [r["label"] for r in served.v1(instances=X.tolist())] == model.predict(X).tolist()


def test_named_inputs_and_texts_are_rows_of_objects():
    import pandas as pd
    frame = pd.DataFrame({"size": X[:, 0], "colour": np.array(["red", "green", "blue"])[Y]})
    model = make_pipeline(ColumnTransformer([("n", StandardScaler(), ["size"]), ("c", OneHotEncoder(), ["colour"])]),
                          LogisticRegression()).fit(frame, Y)
    made = to_onnx(model, initial_types=[("size", FloatTensorType([None, 1])), ("colour", StringTensorType([None, 1]))])
    with folder_with(model__onnx=made.SerializeToString()) as folder, Served(folder) as served:
        rows = served.v1(instances=[{"size": float(s), "colour": c} for s, c in frame.itertuples(index=False)])
        assert [r["output_label"] for r in rows] == model.predict(frame).tolist()
        rows = served.v1(inputs={"size": [[float(s)] for s in frame["size"]], "colour": [[c] for c in frame["colour"]]})
        assert np.abs(np.array([r["output_probability"] for r in rows]) - model.predict_proba(frame)).max() < 2e-5
        status, answer = served.ask("/v1/models/m:predict", {"instances": [{"size": 1.0}]})
        assert status == 400 and "'colour'" in answer["error"], answer
        assert served.metadata()["inputs"] == [{"name": "size", "datatype": "FP32", "shape": [-1, 1]},
                                               {"name": "colour", "datatype": "BYTES", "shape": [-1, 1]}]


TYPES = [("BOOL", TensorProto.BOOL, np.bool_), ("UINT8", TensorProto.UINT8, np.uint8), ("UINT16", TensorProto.UINT16, np.uint16),
         ("UINT32", TensorProto.UINT32, np.uint32), ("UINT64", TensorProto.UINT64, np.uint64), ("INT8", TensorProto.INT8, np.int8),
         ("INT16", TensorProto.INT16, np.int16), ("INT32", TensorProto.INT32, np.int32), ("INT64", TensorProto.INT64, np.int64),
         ("FP16", TensorProto.FLOAT16, np.float16), ("FP32", TensorProto.FLOAT, np.float32), ("FP64", TensorProto.DOUBLE, np.float64),
         ("BYTES", TensorProto.STRING, np.object_)]


def test_every_datatype_goes_through_every_protocol():
    """There and back: JSON, binary tensors over REST, gRPC with raw contents."""
    nodes, inputs, outputs = [], [], []
    for name, kind, _ in TYPES:
        nodes.append(helper.make_node("Identity", ["i" + name], ["o" + name]))
        inputs.append(value("i" + name, kind, [None, 3]))
        outputs.append(value("o" + name, kind, [None, 3]))
    data = {}
    for name, _, kind in TYPES:
        plain = np.array([[0, 1, 1], [1, 0, 1]])
        if name == "BYTES":
            data[name] = np.array([[b"", "größe".encode(), b"x" * 300], [b"a", b"b", b"c"]], dtype=object)
        elif np.issubdtype(kind, np.integer):
            data[name] = np.array([[np.iinfo(kind).min, 1, 2], [3, 4, np.iinfo(kind).max]], dtype=kind)
        else:
            data[name] = plain.astype(kind)
    with graph(nodes, inputs, outputs) as folder, Served(folder) as served:
        for module, port in ((triton_http, served.port), (triton_grpc, served.grpc_port)):
            client = module.InferenceServerClient(f"127.0.0.1:{port}")
            asked = []
            for name, _, _ in TYPES:
                tensor = module.InferInput("i" + name, [2, 3], name)
                tensor.set_data_from_numpy(data[name])
                asked.append(tensor)
            answer = client.infer("m", asked, outputs=[module.InferRequestedOutput("o" + name) for name, _, _ in TYPES])
            for name, _, _ in TYPES:
                assert (answer.as_numpy("o" + name) == data[name]).all(), (module.__name__, name)
            client.close()
    kept = [t for t in TYPES if t[0] not in ("FP16", "UINT64", "INT64")]
    with graph([n for n in nodes if any(n.input[0] == "i" + t[0] for t in kept)], [i for i in inputs if i.name[1:] in [t[0] for t in kept]],
               [o for o in outputs if o.name[1:] in [t[0] for t in kept]]) as folder, Served(folder) as served:
        def plain(name):
            return [v.decode() if name == "BYTES" else v.item() for v in data[name].flatten()] if name == "BYTES" else data[name].flatten().tolist()
        status, answer = served.v2([{"name": "i" + name, "shape": [2, 3], "datatype": name, "data": plain(name)} for name, _, _ in kept])
        assert status == 200, answer
        for output in answer["outputs"]:
            assert output["data"] == plain(output["name"][1:]), output


def test_networks_of_many_dimensions_agree_with_numpy():
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((2, 3, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["image", "w"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["r"]),
             helper.make_node("GlobalAveragePool", ["r"], ["pooled"])]
    image = rng.standard_normal((2, 3, 5, 4)).astype(np.float32)
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    expected = np.maximum(np.einsum("nchwij,ocij->nohw", windows, weights), 0)
    with graph(nodes, [value("image", TensorProto.FLOAT, ["n", 3, "h", "w"])],
               [value("r", TensorProto.FLOAT, None), value("pooled", TensorProto.FLOAT, ["n", 2, 1, 1])],
               [numpy_helper.from_array(weights, "w")]) as folder, Served(folder) as served:
        rows = served.v1(instances=image.tolist())
        assert np.abs(np.array([r["r"] for r in rows]) - expected).max() < 1e-4
        status, answer = served.v2([{"name": "image", "shape": [2, 3, 5, 4], "datatype": "FP32", "data": image.flatten().tolist()}],
                                   outputs=[{"name": "pooled"}])
        assert status == 200 and [o["name"] for o in answer["outputs"]] == ["pooled"], answer
        assert answer["outputs"][0]["shape"] == [2, 2, 1, 1]
        assert np.abs(np.array(answer["outputs"][0]["data"]) - expected.mean((2, 3)).flatten()).max() < 1e-4


def test_bad_tensors_are_refused_and_the_server_goes_on():
    def of(shape, data, name="x", kind="FP32", **more):
        return {"name": name, "shape": shape, "datatype": kind, "data": data, **more}
    good = of([1, 2], [1, 2])
    big = 1 << 40
    cases = [[of([1, 3], [1, 2, 3])], [of([2], [1, 2])], [of([1, 2], [1])], [of([1, 2], [1, 2, 3])], [of([-1, 2], [1, 2])],
             [of([big, big], [1])], [of([1 << 62, 2, 2, 2], [1])], [of([1, 2], [1, 2], kind="FP64")], [of([1, 2], [1, 2], kind="INT32")],
             [of([1, 2], ["a", "b"])], [of([1, 2], ["a", "b"], kind="BYTES")], [of([1, 2], [1, 2], kind="FP16")], [of([1, 2], [1, 2], name="y")],
             [good, good], [good, of([1, 2], [1, 2], name="z")], [of([1, 2], [[1], [2, "3"]])], [of([], [])], [of([1] * 20, [1])]]
    with graph([helper.make_node("Neg", ["x"], ["y"])], [value("x", TensorProto.FLOAT, ["n", 2])],
               [value("y", TensorProto.FLOAT, ["n", 2])]) as folder, Served(folder) as served:
        for case in cases:
            status, answer = served.v2(case)
            assert status in (400, 413, 422), (case, status, answer)
            assert answer["error"], case
        assert served.v2([good], outputs=[{"name": "q"}])[0] == 400
        for body in ({"instances": [[1, 2], [3]]}, {"instances": [[1, "a"]]}, {"instances": [[[1, 2]]]}, {"instances": [[1, {}]]}, {},
                     {"instances": 7}, {"instances": [{"b64": "AA=="}]}, {"inputs": {"q": [1]}}, {"instances": [[1, 2], [[3], 4]]}):
            status, answer = served.ask("/v1/models/m:predict", body)
            assert status == 400, (body, status, answer)
        assert served.v1(instances=[[1, 2]]) == [[-1.0, -2.0]]
        assert served.v1(instances=[[1, None]]) == [[-1.0, None]]


def test_a_model_that_is_none_and_an_engine_that_is_not_there_say_so():
    with folder_with(model__onnx=b"no model") as folder:
        assert "no ONNX model" in refusal(folder)
        assert "model.onnx" in refusal(folder)
