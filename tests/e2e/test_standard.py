"""Standard mode: a Deployment, a Service, an autoscaler and a route; stop and resume; paths; visibility; the strategy of a rollout."""
import json

from driver import Driver
from harness import Platform, isvc, wait_for
from serverless import INPUT, condition

NS = "standard"
STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
OK = (200, '{"predictions": [1, 1]}')
p = Platform()
p.namespace(NS)


def close():
    p.close()


def apply(name, annotations=None, labels=None, mode=STANDARD, **predictor):
    manifest = json.loads(isvc(name, annotations={**mode, **(annotations or {})}, **predictor))
    manifest["metadata"]["labels"] = labels or {}
    p.apply(json.dumps(manifest), NS)


def predict(host, name, prefix=""):
    return p.curl(f"{prefix}/v1/models/{name}:predict", host=host, data=INPUT)


def names(kind):
    return [x["metadata"]["name"] for x in p.get(kind, "-n", NS)["items"]]


def test_the_objects_are_kserves():
    apply("iris")
    p.wait_ready("iris", NS)
    service = p.get("isvc", "iris", "-n", NS)
    assert service["status"]["url"] == f"http://iris-{NS}.example.com" and service["status"]["deploymentMode"] == "Standard", service["status"]
    assert predict(f"iris-{NS}.example.com", "iris") == OK
    assert predict(f"iris-predictor.{NS}.svc.cluster.local", "iris") == OK
    for kind in ("deployment", "service", "hpa", "ingress"):
        owner = p.get(kind, "iris" if kind == "ingress" else "iris-predictor", "-n", NS)["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["name"]) == ("InferenceService", "iris"), kind
    hpa = p.get("hpa", "iris-predictor", "-n", NS)["spec"]
    assert hpa["scaleTargetRef"]["name"] == "iris-predictor" and hpa["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
    assert not names("ksvc") and not names("revision")


def test_a_route_of_the_gateway_api_instead_of_an_ingress():
    before = p.get("configmap", "inferenceservice-config", "-n", "kserve")["data"]["ingress"]
    setting(enableGatewayApi=True)
    try:
        apply("routed")
        p.wait_ready("routed", NS)
        route = p.get("httproute", "routed", "-n", NS)
        assert f"routed-{NS}.example.com" in route["spec"]["hostnames"], route["spec"]
        accepted = [c for parent in route["status"]["parents"] for c in parent["conditions"] if c["type"] == "Accepted"]
        assert accepted and all(c["status"] == "True" for c in accepted), route["status"]
        wait_for("the prediction", lambda: predict(f"routed-{NS}.example.com", "routed") == OK)
        assert "routed" not in names("ingress")
    finally:
        p.kubectl("delete", "isvc", "routed", "-n", NS, "--ignore-not-found")
        p.kubectl("patch", "configmap", "inferenceservice-config", "-n", "kserve", "--type=merge", "-p", json.dumps({"data": {"ingress": before}}))


def setting(**changed):
    """Changes keys of the `ingress` part of KServe's ConfigMap."""
    text = json.loads(p.get("configmap", "inferenceservice-config", "-n", "kserve")["data"]["ingress"])
    text.update(changed)
    p.kubectl("patch", "configmap", "inferenceservice-config", "-n", "kserve", "--type=merge", "-p", json.dumps({"data": {"ingress": json.dumps(text)}}))


def stop_and_resume(name, host, mode, workload):
    apply(name, mode=mode)
    p.wait_ready(name, NS)
    wait_for("the prediction", lambda: predict(host, name) == OK)
    p.kubectl("annotate", "isvc", name, "-n", NS, "serving.kserve.io/stop=true")
    wait_for("the end of the workload", lambda: not [x for x in names(workload) if x.startswith(name)])
    wait_for("no pod", lambda: not p.get("pods", "-n", NS, "-l", f"serving.kserve.io/inferenceservice={name}")["items"])
    status = wait_for("Stopped", lambda: [s for s in [p.get("isvc", name, "-n", NS)] if condition(s, "Stopped")["status"] == "True"])[0]
    assert condition(status, "Ready")["status"] == "False", status["status"]
    assert condition(status, "Ready")["reason"] == "Stopped", status["status"]
    assert predict(host, name)[0] in (404, 503)
    p.kubectl("annotate", "isvc", name, "-n", NS, "serving.kserve.io/stop-")
    p.wait_ready(name, NS)
    wait_for("the prediction again", lambda: predict(host, name) == OK)
    p.kubectl("delete", "isvc", name, "-n", NS)


def test_stop_and_resume_in_standard_mode():
    stop_and_resume("pause", f"pause-{NS}.example.com", STANDARD, "deployment")


def test_stop_and_resume_in_knative_mode():
    stop_and_resume("kpause", f"kpause.{NS}.example.com", {}, "ksvc")


def test_paths_instead_of_hosts_in_both_modes():
    before = p.get("configmap", "inferenceservice-config", "-n", "kserve")["data"]["ingress"]
    setting(pathTemplate="/serving/{{ .Namespace }}/{{ .Name }}")
    try:
        for name, mode in (("bypath", {}), ("stdpath", STANDARD)):
            apply(name, mode=mode)
            p.wait_ready(name, NS)
            wait_for(f"the prediction of {name} by its path", lambda: predict("example.com", name, f"/serving/{NS}/{name}") == OK)
            assert predict("example.com", name, "/serving/elsewhere/x")[0] == 404
            assert p.get("isvc", name, "-n", NS)["status"]["url"].endswith(f"example.com/serving/{NS}/{name}"), name
    finally:
        p.kubectl("delete", "isvc", "bypath", "stdpath", "-n", NS, "--ignore-not-found")
        p.kubectl("patch", "configmap", "inferenceservice-config", "-n", "kserve", "--type=merge", "-p", json.dumps({"data": {"ingress": before}}))


def test_cluster_local_is_not_reached_from_outside():
    apply("inside", labels={"networking.kserve.io/visibility": "cluster-local"})
    apply("kinside", labels={"networking.kserve.io/visibility": "cluster-local"}, mode={})
    for name, external, internal in (("inside", f"inside-{NS}.example.com", f"inside-predictor.{NS}.svc.cluster.local"),
                                     ("kinside", f"kinside.{NS}.example.com", f"kinside.{NS}.svc.cluster.local")):
        p.wait_ready(name, NS)
        wait_for(f"the prediction of {name} inside", lambda: predict(internal, name) == OK)
        assert predict(external, name)[0] == 404, name
        assert p.get("isvc", name, "-n", NS)["status"]["url"].split("/")[2].endswith("svc.cluster.local"), name
        p.kubectl("delete", "isvc", name, "-n", NS)


def test_the_deployments_strategy_is_the_users_and_an_update_fails_no_request():
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    apply("rolling", deploymentStrategy=strategy, minReplicas=2, maxReplicas=2)
    p.wait_ready("rolling", NS)
    assert p.get("deployment", "rolling-predictor", "-n", NS)["spec"]["strategy"] == strategy
    host = f"rolling-{NS}.example.com"
    wait_for("the prediction", lambda: predict(host, "rolling") == OK)
    load = Driver(p.port, [{"host": host, "kind": "predict", "path": "/v1/models/rolling:predict", "answers": [OK[1]]}], 100, folder=p.data)
    for step in ("a", "b"):
        apply("rolling", deploymentStrategy=strategy, minReplicas=2, maxReplicas=2, labels={"step": step}, annotations={"step": step})
        generation = p.get("deployment", "rolling-predictor", "-n", NS)["metadata"]["generation"]
        p.kubectl("patch", "isvc", "rolling", "-n", NS, "--type=merge", "-p", json.dumps({"spec": {"predictor": {"model": {
            "env": [{"name": "STEP", "value": step}]}}}}))
        wait_for("a new template", lambda: p.get("deployment", "rolling-predictor", "-n", NS)["metadata"]["generation"] > generation)
        p.kubectl("rollout", "status", "deployment/rolling-predictor", "-n", NS, "--timeout=60s", timeout=70)
    report = load.stop()
    assert report["requests"] > 50 and not report["failed"], (report["requests"], report["failures"][:5])


def test_autoscaler_classes():
    apply("none", annotations={"serving.kserve.io/autoscalerClass": "none"})
    apply("external", annotations={"serving.kserve.io/autoscalerClass": "external"})
    for name in ("none", "external"):
        p.wait_ready(name, NS)
        assert f"{name}-predictor" not in names("hpa"), name


def test_deleting_leaves_nothing():
    p.kubectl("delete", "isvc", "--all", "-n", NS)
    kinds = "deployment,replicaset,pod,service,endpointslice,hpa,ingress,virtualservice,podautoscaler,httproute"
    wait_for("an empty namespace", lambda: not p.get(kinds, "-n", NS)["items"], 30)
