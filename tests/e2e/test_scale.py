"""To zero and back, with nothing lost or doubled."""
import json
import os
import subprocess
import tempfile
import threading
import time

from harness import PROA, Platform, isvc, wait_for

NS = "scale"
CYCLES = int(os.environ.get("PROA_CYCLES", "100"))
INPUT = '{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}'
FAST = {"autoscaling.knative.dev/window": "6s", "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s"}
p = Platform()
p.namespace(NS)


def close():
    p.close()


def predict(name):
    return p.curl(f"/v1/models/{name}:predict", host=f"{name}.{NS}.example.com", data=INPUT)


def no_pods(name):
    return not p.get("pods", "-n", NS, "-l", f"serving.kserve.io/inferenceservice={name}")["items"]


def test_no_pod_is_left_after_the_window_and_a_request_brings_one_back():
    p.apply(isvc("idle", minReplicas=0, annotations=FAST), NS)
    p.wait_ready("idle", NS)
    p.kubectl("patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge",
              "-p", '{"data": {"scale-to-zero-grace-period": "1s"}}')
    assert predict("idle") == (200, '{"predictions": [1, 1]}')
    wait_for("no pod", lambda: no_pods("idle"), 40, 0.2)
    assert p.get("isvc", "idle", "-n", NS)["status"]["conditions"]
    started = time.monotonic()
    assert predict("idle") == (200, '{"predictions": [1, 1]}')
    print(f"     from zero: {(time.monotonic() - started) * 1000:.1f} ms with curl's own start")


def test_cycles_to_zero_and_back_under_load_lose_nothing():
    """Deleting the pod and asking at once is a cycle without the wait for the window."""
    p.apply(isvc("cycle", annotations=FAST), NS)
    p.wait_ready("cycle", NS)
    stop, answers = threading.Event(), []

    def load():
        while not stop.is_set():
            answers.append(predict("cycle"))

    workers = [threading.Thread(target=load) for _ in range(3)]
    for w in workers:
        w.start()
    for _ in range(CYCLES):
        seen = len(answers)
        p.kubectl("delete", "pod", "-n", NS, "-l", "serving.kserve.io/inferenceservice=cycle", "--wait=false")
        wait_for("an answer", lambda: len(answers) > seen + 3, 30, 0.01)
    stop.set()
    for w in workers:
        w.join()
    wrong = [a for a in answers if a != (200, '{"predictions": [1, 1]}')]
    assert not wrong, wrong[:3]


def test_load_scales_out_and_max_replicas_holds():
    """200 requests/s at a target of 50 want 6 replicas; 3 are allowed."""
    p.apply(isvc("burst", minReplicas=1, maxReplicas=3, scaleTarget=50, scaleMetric="rps", containerConcurrency=1, annotations=FAST), NS)
    p.wait_ready("burst", NS)
    with tempfile.NamedTemporaryFile("w") as body:
        body.write(INPUT), body.flush()
        load = subprocess.Popen([PROA, "load", "--rate", "200", "--duration", "20s", "--url", f"{p.http}/v1/models/burst:predict", "--method", "POST",
                                 "--header", f"Host: burst.{NS}.example.com", "--body", body.name, "--output", "json"], stdout=subprocess.PIPE)
        replicas = lambda: p.get("deployment", "burst-predictor-00001-deployment", "-n", NS)["spec"]["replicas"]
        wait_for("three replicas", lambda: replicas() == 3, 30, 0.2)
        report = json.loads(load.communicate(timeout=60)[0])
    assert replicas() <= 3
    assert report["success"] == 1 and report["requests"] == 4000, report
