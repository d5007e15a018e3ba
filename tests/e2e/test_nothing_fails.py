"""Nothing fails: rollouts, canary flips, zero and back, kill -9, unrelated churn, under an open-loop load; every request is answered
rightly, and no order is carried out twice. PROA_NOTHING=full (`bench/run.py nothing-fails`) does it a million times."""
import json
import os
import signal
import subprocess
import tempfile
import time

from driver import Driver, doubled
from harness import PROA, Platform, isvc, wait_for
from serverless import FAST, INPUT, answers, ask, config, ksvc, pids, prepare, ready

NS = "nothing"
FULL = os.environ.get("PROA_NOTHING") == "full"
SIZES = {"rollouts": 100, "flips": 200, "zeros": 100, "kills": 50, "restarts": 20, "rate": 700} if FULL else \
    {"rollouts": 6, "flips": 8, "zeros": 4, "kills": 8, "restarts": 4, "rate": 800}
SIZES.update(json.loads(os.environ.get("PROA_NOTHING_SIZES", "{}")))
ANSWER = '{"predictions": [1, 1]}'
total = {"requests": 0, "failed": 0, "doubled": 0}
p = Platform()
prepare(p, NS)
config(p, "config-autoscaler", scale_to_zero_grace_period="1s")
config(p, "config-features", **{"kubernetes.podspec-volumes-hostpath": "enabled"})
config(p, "config-gc", retain_since_create_time="disabled", retain_since_last_active_time="disabled", min_non_active_revisions="1",
       max_non_active_revisions="2")
orders = p.data / "orders"
orders.mkdir()
KEEP = {"autoscaling.knative.dev/min-scale": "2", "autoscaling.knative.dev/max-scale": "2"}


def close():
    p.close()
    if FULL:
        print(f"     in all: {total}")


def order(host, query=""):
    return {"host": host, "kind": "order", "path": "/order/", "query": query}


def predict(name):
    return {"host": f"{name}.{NS}.example.com", "kind": "predict", "path": f"/v1/models/{name}:predict", "answers": [ANSWER]}


def finish(load, allowed=0):
    """Nothing failed, nothing was done twice, nothing answered was not done."""
    report = load.stop()
    twice, missing = doubled(orders / "log", report)
    total["requests"] += report["requests"]
    total["failed"] += report["failed"]
    total["doubled"] += len(twice)
    print(f"     {report['requests']} requests, {report['failed']} failed, {len(twice)} doubled, ms {report['ms']}")
    assert not twice and not missing, (twice[:5], missing[:5])
    assert report["failed"] <= allowed, report["failures"][:8]
    return report


def start(*targets, rate=None):
    return Driver(p.port, list(targets), rate or SIZES["rate"], folder=p.data)


def shop(version, **more):
    p.apply(ksvc("shop", version, annotations=KEEP, orders=orders, **more), NS)


def churn(i):
    """Something else comes and goes."""
    p.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"other-{i}"}, "data": {"a": "b"}}), NS)
    p.apply(ksvc(f"other-{i}"), NS)
    if i:
        p.kubectl("delete", f"ksvc/other-{i - 1}", f"configmap/other-{i - 1}", "-n", NS, "--wait=false", "--ignore-not-found")


SHOP = f"shop.{NS}.example.com"
(orders / "log").touch()
(orders / "log").chmod(0o666)
shop("0")
p.apply(isvc("iris", minReplicas=2, maxReplicas=2), NS)
ready(p, "ksvc/shop", NS)
p.wait_ready("iris", NS)


def test_rolling_updates():
    load = start(order(SHOP), predict("iris"))
    for i in range(1, SIZES["rollouts"] + 1):
        shop(str(i))
        wait_for(f"version {i}", lambda: answers(p, SHOP, str(i)), 60)
        churn(i - 1)
    report = finish(load)
    assert len([k for k in report["versions"] if k.startswith(SHOP)]) >= SIZES["rollouts"], report["versions"]


def test_canary_flips():
    last = SIZES["rollouts"]
    wait_for("both revisions", lambda: len(p.get("revision", "-n", NS, "-l", "serving.knative.dev/service=shop")["items"]) >= 2)
    names = sorted(r["metadata"]["name"] for r in p.get("revision", "-n", NS, "-l", "serving.knative.dev/service=shop")["items"])
    old, new = names[-2:]
    load = start(order(SHOP), predict("iris"))
    for i in range(SIZES["flips"]):
        for percent in (0, 10, 50, 100):
            traffic = [{"revisionName": new, "percent": percent}, {"revisionName": old, "percent": 100 - percent}]
            p.kubectl("patch", "ksvc", "shop", "-n", NS, "--type=merge", "-p", json.dumps({"spec": {"traffic": traffic}}))
            if percent in (0, 100):
                version = str(last) if percent else str(last - 1)
                wait_for(f"version {version} alone", lambda: all(answers(p, SHOP, version) for _ in range(3)), 60)
    finish(load)
    p.kubectl("patch", "ksvc", "shop", "-n", NS, "--type=merge", "-p", json.dumps({"spec": {"traffic": [{"latestRevision": True, "percent": 100}]}}))
    ready(p, "ksvc/shop", NS)


def test_to_zero_and_back():
    several = 10 if FULL else 2  # at once; each goes through zero by itself
    for i in range(several):
        p.apply(ksvc(f"lazy-{i}", annotations=FAST, orders=orders), NS)
    for i in range(several):
        ready(p, f"ksvc/lazy-{i}", NS)
    load = start(predict("iris"))
    gone = lambda: not p.pods(NS, "app in (" + ",".join(f"lazy-{i}-00001" for i in range(several)) + ")")
    for _ in range(max(1, SIZES["zeros"] // several)):
        wait_for("no pod", gone, 60, 0.2)
        burst = Driver(p.port, [order(f"lazy-{i}.{NS}.example.com") for i in range(several)], 200, most=20 * several, folder=p.data)
        report = burst.wait()
        twice, missing = doubled(orders / "log", report)
        assert not report["failed"] and not twice and not missing, (report["failures"][:3], twice[:3], missing[:3])
        total["requests"] += report["requests"]
    finish(load)
    p.kubectl("delete", "ksvc", *[f"lazy-{i}" for i in range(several)], "-n", NS)


def victims(text):
    return [pid for pid in pids(p, text)]


def renew(text, selector):
    """What ended often is started again only after minutes, as on a cluster: another pod takes its place."""
    restarts = lambda x: max((s["restartCount"] for s in x["status"].get("containerStatuses", [])), default=0)
    tired = {x["metadata"]["name"] for x in p.pods(NS, selector) if restarts(x) >= 3}
    if not tired:
        return
    p.kubectl("delete", "pod", *tired, "-n", NS, "--wait=false")

    def rested():
        pods = p.pods(NS, selector)
        return len(pods) >= 2 and len(victims(text)) == len(pods) and not tired & {x["metadata"]["name"] for x in pods} and \
            all(s["ready"] for x in pods for s in x["status"].get("containerStatuses", [{"ready": False}]))

    wait_for("other pods", rested, 60, 0.1)


def kill_one(text, selector, container):
    renew(text, selector)
    before = sum(s["restartCount"] for x in p.pods(NS, selector) for s in x["status"]["containerStatuses"] if s["name"] == container)
    found = victims(text)
    assert found, f"no process has {text}"
    os.kill(found[0], signal.SIGKILL)

    def restarted():
        states = [s for x in p.pods(NS, selector) for s in x["status"]["containerStatuses"] if s["name"] == container]
        return sum(s["restartCount"] for s in states) > before and len(states) >= 2 and all(s["ready"] for s in states)

    wait_for("the restart", restarted, 120, 0.1)


def test_kill_9_of_one_of_two_replicas_fails_no_prediction():
    load = start(predict("iris"))
    for _ in range(SIZES["kills"] // 2):
        kill_one("--model_name=iris ", "serving.kserve.io/inferenceservice=iris", "kserve-container")
    finish(load)


def test_kill_9_never_doubles_an_order():
    """What the killed process had in hand may fail, once: nobody can know whether it was done. It is not asked a second time."""
    load = start(order(SHOP, "?ms=20"), rate=100)
    for _ in range(SIZES["kills"] - SIZES["kills"] // 2):
        kill_one("/program/program.py", "serving.knative.dev/service=shop", "user-container")
    report = finish(load, allowed=10 * SIZES["kills"])
    assert all("502" in f or "503" in f for f in report["failures"]), report["failures"][:5]


def test_a_deleted_pod_finishes_what_it_has_in_hand():
    load = start(order(SHOP, "?ms=50"), predict("iris"), rate=100)
    for selector in ("serving.knative.dev/service=shop", "serving.kserve.io/inferenceservice=iris") * 2:
        before = {x["metadata"]["name"] for x in p.pods(NS, selector)}
        p.kubectl("delete", "pod", min(before), "-n", NS, "--wait=false")
        wait_for("another pod", lambda: [x for x in p.pods(NS, selector) if x["metadata"]["name"] not in before and
                                         all(s["ready"] for s in x["status"].get("containerStatuses", [{"ready": False}]))], 60)
    finish(load)


def test_hot_restarts_of_the_gateway():
    """SIGUSR2: new workers behind the same listening sockets; the old ones finish what they have in hand, kept connections included."""
    load = start(order(SHOP), predict("iris"))
    held = start(order(SHOP, "?ms=300"), rate=30)  # each of these is in hand when a restart comes
    for _ in range(SIZES["restarts"]):
        p.process.send_signal(signal.SIGUSR2)
        time.sleep(0.5)
        wait_for("an answer", lambda: ask(p, SHOP)[0] == 200)
    assert p.process.poll() is None, "SIGUSR2 ended the platform"
    finish(load)
    finish(held)


def test_the_rest_of_a_million():
    """Only in the long form: predictions until the million is full, while services roll and pods go."""
    rest = 1_000_000 - total["requests"]
    if not FULL or rest <= 0:
        return
    with tempfile.NamedTemporaryFile("w") as body:
        body.write(INPUT), body.flush()
        load = subprocess.Popen([PROA, "load", "--rate", "2000", "--duration", f"{rest / 2000 + 1:.0f}s", "--url", f"{p.http}/v1/models/iris:predict",
                                 "--method", "POST", "--header", f"Host: iris.{NS}.example.com", "--body", body.name, "--output", "json"],
                                stdout=subprocess.PIPE)
        step = 0
        while load.poll() is None:
            step += 1
            churn(10_000 + step)
            p.apply(isvc("iris", minReplicas=2, maxReplicas=2, annotations={"step": str(step)}), NS)
            selector = "serving.kserve.io/inferenceservice=iris"
            p.kubectl("delete", "pod", p.pods(NS, selector)[0]["metadata"]["name"], "-n", NS, "--wait=false", "--ignore-not-found")
            time.sleep(2)
        report = json.loads(load.communicate()[0])
    total["requests"] += report["requests"]
    total["failed"] += report["requests"] - report["status_codes"].get("200", 0)
    assert report["success"] == 1, report


def test_the_whole_platform_still_answers():
    assert ask(p, SHOP)[0] == 200
    started = time.monotonic()
    assert p.get("nodes")["items"]
    assert time.monotonic() - started < 30
