"""Scaling: the study's ramp 1 → 5 → 0 with its plot, the HPA by cpu, to zero and back in Standard mode, what a cold start leaves behind."""
import json
import os
import pathlib
import threading
import time

from driver import Driver
from harness import Platform, isvc, wait_for
from serverless import FAST, INPUT, answers, ask, config, ksvc, prepare, ready
import plot

NS = "scaling"
STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}
OK = (200, '{"predictions": [1, 1]}')
p = Platform()
prepare(p, NS)
config(p, "config-autoscaler", scale_to_zero_grace_period="1s")


def close():
    p.close()


def replicas(deployment):
    return p.get("deployment", deployment, "-n", NS)["status"].get("readyReplicas", 0)


class Watch(threading.Thread):
    """Samples a deployment's replicas, ready and wanted, until stopped."""

    def __init__(self, deployment):
        super().__init__(daemon=True)
        self.deployment, self.stopped, self.samples = deployment, False, []
        self.start()

    def run(self):
        while not self.stopped:
            d = p.get("deployment", self.deployment, "-n", NS)
            self.samples.append({"t": time.time(), "ready": d["status"].get("readyReplicas", 0), "want": d["spec"]["replicas"]})
            time.sleep(0.4)

    def stop(self):
        self.stopped = True
        self.join()
        return self.samples


def test_the_ramp_from_one_to_five_replicas_and_to_zero():
    """Each request takes 100 ms in the program; one replica takes 2 at a time, so the demand of 1 … 5 replicas is 7 … 70 requests/s."""
    long = os.environ.get("PROA_RAMP", "")  # seconds a step, for the bench
    step, window = (float(long), "30s") if long else (5, "6s")
    annotations = {**FAST, "autoscaling.knative.dev/window": window, "autoscaling.knative.dev/target": "2",
                   "autoscaling.knative.dev/target-utilization-percentage": "70",
                   "autoscaling.knative.dev/max-scale": "5"}
    p.apply(ksvc("ramp", annotations=annotations, spec={"containerConcurrency": 2}), NS)
    ready(p, "ksvc/ramp", NS)
    host, deployment = f"ramp.{NS}.example.com", "ramp-00001-deployment"
    watch, loads, requests = Watch(deployment), [], 0
    wait_for("one replica", lambda: replicas(deployment) == 1)
    for rate in (7, 25, 45, 65):
        samples = p.data / f"load-{rate}"
        load = Driver(p.port, [{"host": host, "kind": "get", "path": "/slow?ms=100"}], rate, samples=samples, folder=p.data)
        if rate == 65:
            wait_for("five replicas", lambda: replicas(deployment) == 5, 60 if not long else 200, 0.3)
        time.sleep(step)
        report = load.stop()
        assert not report["failed"], report["failures"][:5]
        requests += report["requests"]
        loads += [json.loads(line) for line in samples.read_text().splitlines()]
    wait_for("no replica", lambda: p.get("deployment", deployment, "-n", NS)["spec"]["replicas"] == 0, 60 if not long else 200, 0.3)
    wait_for("no pod", lambda: not p.pods(NS, "serving.knative.dev/service=ramp"), 30, 0.2)
    samples = watch.stop()
    assert max(s["want"] for s in samples) == 5, "max-scale was passed"
    folder = pathlib.Path(os.environ.get("PROA_PLOTS", p.data))
    file = plot.ramp(folder / "ramp.svg", samples, loads)
    print(f"     {requests} requests, 0 failed; {len(samples)} samples; plot: {file}")
    assert answers(p, host, "1")


def test_requests_per_second_are_a_metric_too():
    annotations = {**FAST, "autoscaling.knative.dev/metric": "rps", "autoscaling.knative.dev/target": "20", "autoscaling.knative.dev/max-scale": "3",
                   "autoscaling.knative.dev/scale-down-delay": "0s"}
    p.apply(ksvc("rps", annotations=annotations), NS)
    ready(p, "ksvc/rps", NS)
    load = Driver(p.port, [{"host": f"rps.{NS}.example.com", "kind": "get", "path": "/echo"}], 60, folder=p.data)
    wait_for("three replicas", lambda: replicas("rps-00001-deployment") == 3, 40, 0.2)
    report = load.stop()
    assert not report["failed"], report["failures"][:5]
    p.kubectl("delete", "ksvc", "rps", "-n", NS)


def test_scale_annotations_hold():
    p.apply(ksvc("two", annotations={**FAST, "autoscaling.knative.dev/min-scale": "2", "autoscaling.knative.dev/initial-scale": "3"}), NS)
    wait_for("the initial three", lambda: "from 0 to 3" in p.kubectl("get", "events", "-n", NS), 30)
    wait_for("the least, two", lambda: p.get("deployment", "two-00001-deployment", "-n", NS)["spec"]["replicas"] == 2, 40, 0.2)
    p.kubectl("delete", "ksvc", "two", "-n", NS)
    p.apply(ksvc("wake", annotations={**FAST, "autoscaling.knative.dev/activation-scale": "3"}), NS)
    ready(p, "ksvc/wake", NS)
    wait_for("no pod", lambda: not p.pods(NS, "serving.knative.dev/service=wake"), 40, 0.2)
    assert answers(p, f"wake.{NS}.example.com", "1")
    wait_for("three at once from zero", lambda: p.get("deployment", "wake-00001-deployment", "-n", NS)["spec"]["replicas"] == 3, 20, 0.1)
    p.kubectl("delete", "ksvc", "wake", "-n", NS)


def test_zero_and_back_in_standard_mode_without_keda():
    p.apply(isvc("lazy", annotations={**STANDARD, **FAST}, minReplicas=0), NS)
    p.wait_ready("lazy", NS)
    host = f"lazy-{NS}.example.com"
    predict = lambda: p.curl("/v1/models/lazy:predict", host=host, data=INPUT)
    assert predict() == OK
    assert not [h for h in p.get("hpa", "-n", NS)["items"] if h["metadata"]["name"] == "lazy-predictor"]
    for _ in range(2):
        wait_for("no pod", lambda: not p.pods(NS, "serving.kserve.io/inferenceservice=lazy"), 40, 0.2)
        assert p.get("deployment", "lazy-predictor", "-n", NS)["spec"]["replicas"] == 0
        assert predict() == OK
    p.kubectl("delete", "isvc", "lazy", "-n", NS)


def test_a_cold_start_is_an_event_and_a_metric():
    p.apply(ksvc("cold", annotations=FAST), NS)
    ready(p, "ksvc/cold", NS)
    wait_for("no pod", lambda: not p.pods(NS, "serving.knative.dev/service=cold"), 40, 0.2)
    assert answers(p, f"cold.{NS}.example.com", "1")
    events = lambda: [e for e in p.get("events", "-n", NS)["items"] if "old" in e["reason"] and e["involvedObject"]["name"].startswith("cold")]
    event = wait_for("the cold start's event", events)[0]
    assert "ms" in event["message"] or " s" in event["message"], event
    p.kubectl("delete", "ksvc", "cold", "-n", NS)


def test_hpa_scales_by_cpu_up_and_down():
    """One pod of 100m burns far more than its request: two are wanted, and one again when it rests."""
    manifest = json.loads(ksvc("x"))["spec"]["template"]["spec"]
    container = {**manifest["containers"][0], "name": "main", "resources": {"requests": {"cpu": "100m"}}}
    labels = {"app": "hot"}
    p.apply(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "hot"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "containers": [container], "volumes": manifest["volumes"]}}}}), NS)
    p.apply(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hot"}, "spec": {
        "selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}}), NS)
    p.apply(json.dumps({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "hot"}, "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hot"}, "minReplicas": 1, "maxReplicas": 2,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5, "policies": [{"type": "Percent", "value": 100, "periodSeconds": 5}]}}}}), NS)
    host = f"hot.{NS}.svc.cluster.local"
    wait_for("the program", lambda: ask(p, host)[0] == 200)
    load = Driver(p.port, [{"host": host, "kind": "get", "path": "/burn?ms=30"}], 10, folder=p.data)
    wait_for("two replicas", lambda: replicas("hot") == 2, 60, 0.3)
    hpa = p.get("hpa", "hot", "-n", NS)["status"]
    assert hpa["desiredReplicas"] == 2 and hpa["currentMetrics"][0]["resource"]["current"]["averageUtilization"] > 50, hpa
    report = load.stop()
    assert not report["failed"], report["failures"][:5]
    wait_for("one replica", lambda: p.get("deployment", "hot", "-n", NS)["spec"]["replicas"] == 1, 60, 0.3)
