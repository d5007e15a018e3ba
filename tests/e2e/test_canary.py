"""Canary as users do it: canaryTrafficPercent, promote, roll back, tags; in Standard mode by percent and by name. Splits by statistics."""
import json
import pathlib
import shutil
import tempfile

import joblib
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from driver import Driver
from harness import Platform, wait_for
from serverless import INPUT, condition, splits_as

NS = "canary"
COUNT = 10_000
store = pathlib.Path(tempfile.mkdtemp(prefix="proa-canary-"))
X, Y = load_iris(return_X_y=True)
for version in (1, 2):  # the second says 2 where the first says 1
    (store / f"v{version}").mkdir()
    joblib.dump(SVC(gamma="scale").fit(X, (Y + version - 1) % 3), store / f"v{version}/model.joblib")
(store / "broken").mkdir()
(store / "broken/model.joblib").write_bytes(b"\x80\x04 no pickle")
ANSWER = {f'{{"predictions": [{n}, {n}]}}': f"v{n}" for n in (1, 2)}
p = Platform(mirrors={"gs://models": store})
p.namespace(NS)


def close():
    p.close()
    shutil.rmtree(store, ignore_errors=True)


def isvc(name, uri, percent=None, annotations=None, canary=None, **predictor):
    manifest = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": name, "annotations": annotations or {}},
                "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": f"gs://models/{uri}"}, **predictor}}}
    if percent is not None:
        manifest["spec"]["predictor"]["canaryTrafficPercent"] = percent
    if canary is not None:
        manifest["spec"]["canary"] = canary
    p.apply(json.dumps(manifest), NS)


def predict(host, name):
    status, body = p.curl(f"/v1/models/{name}:predict", host=host, data=INPUT)
    return ANSWER.get(body) if status == 200 else (status, body)


def split(host, name, count=COUNT):
    """How often each model answered; no request may fail."""
    report = Driver(p.port, [{"host": host, "kind": "predict", "path": f"/v1/models/{name}:predict", "answers": list(ANSWER)}], 2500, most=count,
                    folder=p.data).wait()
    assert not report["failed"], report["failures"][:5]
    return {ANSWER[k.split(" ", 1)[1]]: n for k, n in report["versions"].items()}


def columns(name):
    lines = p.kubectl("get", "isvc", name, "-n", NS).splitlines()
    starts = {c: lines[0].index(c) for c in lines[0].split()}
    return {c: (lines[1][at:].split(" ")[0] if at < len(lines[1]) else "") for c, at in starts.items()}


IRIS = f"iris.{NS}.example.com"


def test_twenty_percent_go_to_the_canary():
    isvc("iris", "v1")
    p.wait_ready("iris", NS)
    assert predict(IRIS, "iris") == "v1"
    isvc("iris", "v2", 20)
    wait_for("PREV 80, LATEST 20", lambda: (columns("iris")["PREV"], columns("iris")["LATEST"]) == ("80", "20"))
    shown = columns("iris")
    assert shown["PREVROLLEDOUTREVISION"] == "iris-predictor-00001" and shown["LATESTREADYREVISION"] == "iris-predictor-00002", shown
    wait_for("the canary's first answer", lambda: predict(IRIS, "iris") == "v2", 30, 0)
    seen = split(IRIS, "iris")
    assert splits_as(seen["v2"], COUNT, 20) and sum(seen.values()) == COUNT, seen


def test_a_percent_changes_without_a_new_revision():
    isvc("iris", "v2", 50)
    wait_for("LATEST 50", lambda: columns("iris")["LATEST"] == "50")
    assert columns("iris")["LATESTREADYREVISION"] == "iris-predictor-00002"
    wait_for("about a half", lambda: split(IRIS, "iris", 200).get("v2", 0) > 60)
    seen = split(IRIS, "iris", 2000)
    assert splits_as(seen["v2"], 2000, 50), seen


def test_tags_reach_each_side_alone():
    isvc("iris", "v2", 10, {"serving.kserve.io/enable-tag-routing": "true"})
    traffic = wait_for("tags", lambda: [t for t in p.get("ksvc", "iris-predictor", "-n", NS)["status"].get("traffic", []) if t.get("tag") == "latest"])
    assert traffic[0]["url"] == f"http://latest-iris-predictor.{NS}.example.com", traffic
    for tag, expected in (("latest", "v2"), ("prev", "v1")):
        wait_for(f"tag {tag}", lambda: predict(f"{tag}-iris-predictor.{NS}.example.com", "iris") == expected)


def test_roll_back_sends_nothing_to_the_canary():
    isvc("iris", "v2", 0)
    wait_for("PREV 100", lambda: columns("iris")["PREV"] == "100")
    wait_for("v1 alone", lambda: set(split(IRIS, "iris", 50)) == {"v1"})
    assert set(split(IRIS, "iris", 1000)) == {"v1"}


def test_promote_sends_everything_to_the_canary():
    isvc("iris", "v2")
    wait_for("LATEST 100", lambda: columns("iris")["LATEST"] == "100" and columns("iris")["PREV"] in ("", "0"))
    wait_for("v2 alone", lambda: set(split(IRIS, "iris", 50)) == {"v2"})
    assert set(split(IRIS, "iris", 1000)) == {"v2"}
    assert condition(p.get("isvc", "iris", "-n", NS), "Ready")["status"] == "True"


def test_a_canary_with_a_bad_model_takes_no_request_and_is_named():
    isvc("iris", "broken", 20)

    def failed():
        status = p.get("isvc", "iris", "-n", NS)["status"]
        return status if "iris-predictor-00003" in json.dumps(status["conditions"]) + json.dumps(status.get("modelStatus", {})) else None

    status = wait_for("the failure in the status", failed)
    assert "model.joblib" in json.dumps(status), status
    assert set(split(IRIS, "iris", 1000)) == {"v2"}
    isvc("iris", "v1", 20)  # corrected: another revision
    wait_for("the canary's answer", lambda: predict(IRIS, "iris") == "v1", 40, 0)
    p.kubectl("delete", "isvc", "iris", "-n", NS)


STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}


def test_standard_mode_heeds_canary_traffic_percent():
    host = f"std-{NS}.example.com"
    isvc("std", "v1", None, STANDARD)
    p.wait_ready("std", NS)
    wait_for("v1", lambda: predict(host, "std") == "v1")
    isvc("std", "v2", 30, STANDARD)
    wait_for("the canary's first answer", lambda: predict(host, "std") == "v2", 30, 0.01)
    seen = split(host, "std")
    assert splits_as(seen["v2"], COUNT, 30), seen
    isvc("std", "v2", None, STANDARD)
    wait_for("v2 alone", lambda: set(split(host, "std", 50)) == {"v2"})
    p.kubectl("delete", "isvc", "std", "-n", NS)


def test_standard_modes_named_canaries():
    host = f"named-{NS}.example.com"
    isvc("named", "v1", None, STANDARD)
    p.wait_ready("named", NS)
    canary = [{"trafficPercent": 25, "predictor": {"name": "next", "model": {"modelFormat": {"name": "sklearn"}, "storageUri": "gs://models/v2"}}}]
    isvc("named", "v1", None, STANDARD, canary=canary)
    ready = lambda: [c for c in p.get("isvc", "named", "-n", NS)["status"].get("canaryStatuses", []) if c["name"] == "next" and c.get("ready")]
    assert wait_for("the canary's status", ready)[0]["trafficPercent"] == 25
    assert p.get("deployment", "named-next-predictor", "-n", NS)
    wait_for("the canary's first answer", lambda: predict(host, "named") == "v2", 30, 0.01)
    seen = split(host, "named")
    assert splits_as(seen["v2"], COUNT, 25), seen
    isvc("named", "v1", None, STANDARD, canary=[])
    wait_for("the canary's end", lambda: p.kubectl("get", "deployment", "named-next-predictor", "-n", NS, ok=False).returncode)
    assert set(split(host, "named", 500)) == {"v1"}
