"""The tutorial, word for word, on one platform: apply, wait, get, curl, see the objects, load test, delete."""
import json
import re
import subprocess
import tempfile

from harness import KUBECTL, ROOT, Platform, wait_for

IRIS = ROOT / "examples/iris"
NS = "kserve-test"
p = Platform()


def close():
    p.close()


def test_apply_wait_and_get_show_what_the_tutorial_shows():
    p.kubectl("create", "namespace", NS)
    p.kubectl("apply", "-f", str(IRIS / "isvc.yaml"), "-n", NS)
    p.kubectl("wait", "--for=condition=Ready", "isvc/sklearn-iris", "-n", NS, "--timeout=60s", timeout=70)
    out = p.kubectl("get", "inferenceservices", "sklearn-iris", "-n", NS).splitlines()
    assert out[0].split() == ["NAME", "URL", "READY", "PREV", "LATEST", "PREVROLLEDOUTREVISION", "LATESTREADYREVISION", "AGE"], out
    assert out[1].split()[:-1] == ["sklearn-iris", "http://sklearn-iris.kserve-test.example.com", "True", "100",
                                   "sklearn-iris-predictor-00001"], out


def test_curl_with_the_host_header_predicts():
    url = p.kubectl("get", "inferenceservice", "sklearn-iris", "-n", NS, "-o", "jsonpath={.status.url}")
    host = url.split("/")[2]
    assert host == "sklearn-iris.kserve-test.example.com"
    status, body = p.curl("/v1/models/sklearn-iris:predict", host=host, data=f"@{IRIS / 'iris-input.json'}")
    assert (status, body) == (200, '{"predictions": [1, 1]}')


def test_curl_without_a_host_header_predicts():
    status, body = p.curl(f"http://sklearn-iris.kserve-test.localhost:{p.port}/v1/models/sklearn-iris:predict",
                          data=f"@{IRIS / 'iris-input.json'}")
    assert (status, body) == (200, '{"predictions": [1, 1]}')


def test_every_object_is_there_to_see():
    expect = {
        "ksvc": "sklearn-iris-predictor", "configuration": "sklearn-iris-predictor", "revision": "sklearn-iris-predictor-00001",
        "route": "sklearn-iris-predictor", "podautoscaler": "sklearn-iris-predictor-00001",
        "deployment": "sklearn-iris-predictor-00001-deployment", "service": "sklearn-iris-predictor-00001-private",
        "virtualservice": "sklearn-iris",
    }
    for kind, name in expect.items():
        assert p.get(kind, name, "-n", NS)["metadata"]["name"] == name
    p.get("gateway", "knative-ingress-gateway", "-n", "knative-serving")
    p.get("clusterservingruntime", "kserve-sklearnserver")
    assert p.get("nodes")["items"]
    for kind in ("replicasets", "pods", "endpointslices", "events"):
        assert p.get(kind, "-n", NS)["items"], kind
    pod = p.kubectl("get", "pods", "-n", NS).splitlines()[1].split()
    assert pod[0].startswith("sklearn-iris-predictor-00001-deployment-") and pod[1:4] == ["2/2", "Running", "0"], pod
    crds = p.kubectl("get", "crd")
    for name in ("inferenceservices.serving.kserve.io", "services.serving.knative.dev", "virtualservices.networking.istio.io"):
        assert name in crds
    assert re.search(r"inferenceservices\s+isvc\s+serving.kserve.io/v1beta1\s+true\s+InferenceService", p.kubectl("api-resources"))


def test_describe_yaml_and_explain_read_well():
    text = p.kubectl("describe", "isvc", "sklearn-iris", "-n", NS)
    assert "Storage Uri:" in text and "InferenceServiceReady" in text, text
    assert "kind: InferenceService" in p.kubectl("get", "isvc", "sklearn-iris", "-n", NS, "-o", "yaml")
    for kind in ("pod", "deployment", "revision", "ksvc"):
        p.kubectl("describe", kind, "-n", NS)
    assert "FIELDS" in p.kubectl("explain", "inferenceservice.spec.predictor")
    assert "containers" in p.kubectl("explain", "pod.spec")


def test_watch_streams_changes():
    watch = subprocess.Popen([KUBECTL, "--kubeconfig", p.kubeconfig, "get", "isvc", "-n", NS, "-w", "-o", "name"],
                             stdout=subprocess.PIPE, text=True)
    try:
        assert "sklearn-iris" in watch.stdout.readline()
        p.kubectl("label", "isvc", "sklearn-iris", "-n", NS, "seen=yes")
        assert "sklearn-iris" in watch.stdout.readline()
    finally:
        watch.kill()
        watch.wait()


def test_logs_of_the_server_and_of_queue_proxy():
    pod = p.pods(NS)[0]["metadata"]["name"]
    assert p.kubectl("logs", pod, "-c", "kserve-container", "-n", NS).strip()
    assert p.kubectl("logs", pod, "-c", "storage-initializer", "-n", NS).strip()
    follow = subprocess.Popen([KUBECTL, "--kubeconfig", p.kubeconfig, "logs", "-f", pod, "-c", "queue-proxy", "-n", NS],
                              stdout=subprocess.PIPE, text=True)
    try:
        p.curl("/v1/models/sklearn-iris:predict", host=f"sklearn-iris.{NS}.example.com", data=f"@{IRIS / 'iris-input.json'}")
        assert ":predict" in follow.stdout.readline()
    finally:
        follow.kill()
        follow.wait()


def test_requests_that_are_wrong_get_clear_errors():
    host = f"sklearn-iris.{NS}.example.com"
    path = "/v1/models/sklearn-iris:predict"
    status, body = p.curl(path, host=host, data="{not json")
    assert status == 400 and "error" in json.loads(body), body
    status, body = p.curl(path, host=host, data='{"instances": [[1, 2, 3]]}')
    assert status == 400 and "4" in json.loads(body)["error"], body
    status, body = p.curl("/v1/models/other:predict", host=host, data='{"instances": [[1, 2, 3, 4]]}')
    assert status == 404 and json.loads(body)["error"] == "Model with name other does not exist.", body
    big = b'{"instances": [[' + b"1," * (33 << 20) + b"1]]}"
    with tempfile.NamedTemporaryFile() as file:
        file.write(big), file.flush()
        status, body = p.curl(path, "-H", "Expect:", host=host, data=f"@{file.name}")
    assert status == 413 and "error" in json.loads(body), (status, body[:200])
    status, body = p.curl(path, host="nobody.example.com", data="{}")
    assert status == 404 and "nobody.example.com" in json.loads(body)["error"], body


def test_the_load_test_job_completes_with_a_report():
    manifest = (IRIS / "loadtest.yaml").read_text().replace("-duration=1m", "-duration=3s")
    p.kubectl("create", "-f", "-", stdin=manifest.replace("kind: Job\nmetadata:", "kind: Job\nmetadata:"))
    name = wait_for("load test's pod", lambda: [x["metadata"]["name"] for x in p.pods("default") if x["metadata"]["name"].startswith("load-test")])[0]
    wait_for("completion", lambda: p.kubectl("get", "pod", name).splitlines()[1].split()[1:3] == ["0/1", "Completed"], 60, 0.5)
    report = p.kubectl("logs", name)
    for line in ("Requests      [total, rate, throughput]", "Latencies     [min, mean, 50, 90, 95, 99, max]",
                 "Status Codes  [code:count]                      200:1500"):
        assert line in report, report
    assert re.search(r"Success +\[ratio\] +100\.00%", report), report


def test_deleting_the_inference_service_removes_all_of_it():
    p.kubectl("delete", "isvc", "sklearn-iris", "-n", NS)
    kinds = "ksvc,configuration,revision,route,podautoscaler,deployment,replicaset,pod,service,endpointslice,virtualservice"
    wait_for("empty namespace", lambda: not p.get(kinds, "-n", NS)["items"], 30)


def test_deleting_the_namespace_removes_what_is_in_it():
    p.kubectl("create", "namespace", "gone")
    p.kubectl("create", "configmap", "c", "-n", "gone", "--from-literal=a=b")
    p.kubectl("delete", "namespace", "gone", "--timeout=30s")
    assert "NotFound" in p.kubectl("get", "configmap", "c", "-n", "gone", ok=False).stderr
