"""scikit-learn, XGBoost, LightGBM and CatBoost through V1, V2 and gRPC, on the platform and alone, by the clients that users have:
curl, the KServe SDK's, tritonclient, grpcurl. What the frameworks themselves predict is the measure."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import catboost
import joblib
import lightgbm
import numpy as np
import tritonclient.utils
import xgboost
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

import clients
from harness import PROA, Platform, Skip, wait_for

NS = "protocols"
X, Y = load_iris(return_X_y=True)
ROWS = np.ascontiguousarray(X[::15])
store = pathlib.Path(tempfile.mkdtemp(prefix="proa-models-"))
forest = RandomForestClassifier(20, random_state=1).fit(X, Y)
xgb = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 3}, xgboost.DMatrix(X, Y), 10)
lgb = lightgbm.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, lightgbm.Dataset(X, Y), 10)
cat = catboost.CatBoostRegressor(iterations=10, depth=3, verbose=False, allow_writing_files=False).fit(X, Y)
xgb_classifier = xgboost.XGBClassifier(n_estimators=10, max_depth=3).fit(X, Y)
for name in ("sklearn", "xgboost", "lightgbm", "catboost", "classifier"):
    (store / name).mkdir()
joblib.dump(forest, store / "sklearn/model.joblib")
xgb.save_model(store / "xgboost/model.ubj")
xgb_classifier.save_model(store / "classifier/model.json")
lgb.save_model(store / "lightgbm/model.bst")
cat.save_model(str(store / "catboost/model.cbm"))
EXPECTED = {
    "sklearn": forest.predict(ROWS),
    "xgboost": xgb.predict(xgboost.DMatrix(ROWS)),
    "lightgbm": lgb.predict(ROWS),
    "catboost": cat.predict(ROWS),
}
p = Platform(mirrors={"gs://models": store})
p.namespace(NS)


def close():
    p.close()
    shutil.rmtree(store, ignore_errors=True)


def check(client, where, model, framework):
    """Float32 tensors may go to the other side of a threshold; these rows do not."""
    got = np.asarray(client(where, model, ROWS)).reshape(EXPECTED[framework].shape)
    np.testing.assert_allclose(got, EXPECTED[framework], rtol=2e-6, atol=2e-7, err_msg=f"{client.__name__} {framework}")


def isvc(name, framework, protocol=None, runtime=None, storageUri=None, **predictor):
    model = {"modelFormat": {"name": framework}, "storageUri": storageUri or f"gs://models/{framework}"}
    if protocol:
        model["protocolVersion"] = protocol
    if runtime:
        model["runtime"] = runtime
    p.apply(json.dumps({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": name},
                        "spec": {"predictor": {"model": model, **predictor}}}), NS)
    p.wait_ready(name, NS)
    return "127.0.0.1", p.port, f"{name}.{NS}.example.com"


def test_v1_by_the_gateway():
    for framework in ("sklearn", "xgboost", "lightgbm"):
        where = isvc(f"{framework}-v1", framework)
        for client in clients.V1:
            check(client, where, f"{framework}-v1", framework)


def test_v2_by_the_gateway_is_mlservers_runtime():
    for framework in ("sklearn", "xgboost", "lightgbm", "catboost"):
        name = f"{framework}-v2"
        where = isvc(name, framework, "v2")
        assert p.get("isvc", name, "-n", NS)["status"]["clusterServingRuntimeName"] == "kserve-mlserver"
        for client in clients.V2:
            check(client, where, name, framework)


def test_a_classifier_of_xgboost_answers_labels_as_mlserver_does():
    where = isvc("classifier-v2", "xgboost", "v2", storageUri="gs://models/classifier")
    for client in clients.V2:
        got = np.asarray(client(where, "classifier-v2", ROWS)).ravel()
        np.testing.assert_array_equal(got, xgb_classifier.predict(ROWS))


def test_grpc_by_the_gateway():
    for framework, runtime in (("sklearn", "kserve-sklearnserver"), ("xgboost", "kserve-xgbserver"), ("lightgbm", "kserve-lgbserver"),
                               ("sklearn", "kserve-mlserver")):
        name = f"{runtime[7:]}-grpc"
        where = isvc(name, framework, "grpc-v2", runtime)
        for client in clients.GRPC:
            check(client, where, name, framework)
        for client in clients.V2:  # the same port speaks REST over HTTP/2
            check(client, where, name, framework)


def test_grpc_from_zero_waits_for_the_pod():
    p.kubectl("patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p",
              '{"data": {"scale-to-zero-grace-period": "1s"}}')
    predictor = {"minReplicas": 0}
    manifest = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
                "metadata": {"name": "idle", "annotations": {"autoscaling.knative.dev/window": "6s",
                                                              "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s"}},
                "spec": {"predictor": {**predictor, "model": {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://models/sklearn",
                                                              "protocolVersion": "grpc-v2", "runtime": "kserve-sklearnserver"}}}}
    p.apply(json.dumps(manifest), NS)
    p.wait_ready("idle", NS)
    wait_for("no pod", lambda: not p.pods(NS, "serving.kserve.io/inferenceservice=idle"), 60, 0.2)
    check(clients.triton_grpc, ("127.0.0.1", p.port, f"idle.{NS}.example.com"), "idle", "sklearn")


def test_a_batcher_joins_requests_and_the_agent_is_there_to_see():
    where = isvc("batched", "sklearn", batcher={"maxBatchSize": 8, "maxLatency": 50})
    pod = p.pods(NS, "serving.kserve.io/inferenceservice=batched")[0]
    assert "agent" in [c["name"] for c in pod["spec"]["containers"]]
    for client in clients.V1 + clients.V2:
        check(client, where, "batched", "sklearn")
    ip = pod["status"]["podIP"]
    status, metrics = p.curl(f"http://{ip}:8080/metrics")
    assert status == 200 and "batch" in metrics


def test_errors_have_the_form_of_the_protocol():
    host, grpc_host = f"sklearn-v1.{NS}.example.com", f"sklearnserver-grpc.{NS}.example.com"
    status, body = p.curl("/v2/models/sklearn-v1/infer", host=host, data='{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}]}')
    assert status == 400 and "4 features" in json.loads(body)["error"], body
    status, body = p.curl("/v2/models/other/infer", host=host, data="{}")
    assert status == 404 and json.loads(body)["error"] == "Model with name other does not exist.", body
    for authority, model, rows, expected in (("nobody.example.com", "x", ROWS, "no route for host"), (grpc_host, "x", ROWS, "does not exist"),
                                             (grpc_host, "sklearnserver-grpc", ROWS[:, :3], "4 features")):
        try:
            clients.triton_grpc(("127.0.0.1", p.port, authority), model, rows)
            raise AssertionError(f"{authority} {model} was answered")
        except tritonclient.utils.InferenceServerException as e:
            assert expected in e.message() and e.status() != "StatusCode.UNKNOWN", (e.status(), e.message())


class Alone:
    """`proa serve` with no platform around it."""

    def __init__(self, *options, env=None):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([PROA, "serve", "--http_port=0", "--grpc_port=0", *options], stdout=self.log, stderr=self.log,
                                        env=dict(os.environ, **(env or {})))
        self.ports = wait_for("ready line", self.ready, 20, 0.01)

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def ready(self):
        assert self.process.poll() is None, self.text()
        import re
        return re.findall(r"127\.0\.0\.1:(\d+)", self.text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.text()


def test_alone_on_every_protocol():
    for framework in EXPECTED:
        with Alone(f"--model_dir={store / framework}", "--model_name=m") as server:
            rest, grpc = server.ports[0], server.ports[-1]
            for client in clients.V1 + clients.V2 + clients.GRPC:
                check(client, ("127.0.0.1", rest, "localhost"), "m", framework)
            for client in clients.GRPC:
                check(client, ("127.0.0.1", grpc, "localhost"), "m", framework)


def test_probabilities_and_methods_by_request():
    with Alone(f"--model_dir={store / 'sklearn'}", "--model_name=m", env={"PREDICT_PROBA": "true"}) as server:
        got = clients.curl_v1(("127.0.0.1", server.ports[0], "localhost"), "m", ROWS)
        np.testing.assert_allclose(got, forest.predict_proba(ROWS), rtol=1e-9)


def test_a_repository_of_models_loads_and_unloads():
    with Alone(f"--model_dir={store}") as server:
        base = f"http://127.0.0.1:{server.ports[0]}"
        status, body = p.curl(base + "/v2/repository/index", data="{}")
        assert status == 200 and {m["name"] for m in json.loads(body)} == {*EXPECTED, "classifier"}, body
        status, body = p.curl(base + "/v2/repository/models/xgboost/unload", data="")
        assert status == 200, body
        assert p.curl(base + "/v2/models/xgboost/ready")[0] in (404, 503)
        assert p.curl(base + "/v2/repository/models/xgboost/load", data="")[0] == 200
        check(clients.curl_v2, ("127.0.0.1", server.ports[0], "localhost"), "xgboost", "xgboost")


def test_formats_are_listed():
    text = subprocess.run([PROA, "serve", "--list-formats"], capture_output=True, text=True, check=True).stdout
    for name in ("RandomForestClassifier", "HistGradientBoostingRegressor", "ColumnTransformer", "TfidfVectorizer", "multi:softprob", "lambdarank"):
        assert name in text, name
