"""`proa up --take-over`: another process goes on with the same data folder, the same sockets and the same pods, and no request fails."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

from driver import Driver, doubled
from harness import Platform, isvc, wait_for
from serverless import FAST, answers, ask, config, ksvc, pids, prepare, ready

NS = "hand"
orders = pathlib.Path(tempfile.mkdtemp(prefix="proa-orders-"))
(orders / "log").touch()
(orders / "log").chmod(0o666)
p = Platform()
prepare(p, NS)
config(p, "config-features", **{"kubernetes.podspec-volumes-hostpath": "enabled"})
ROUNDS = 20 if os.environ.get("PROA_NOTHING") == "full" else 3
KEEP = {"autoscaling.knative.dev/min-scale": "1"}
p.apply(ksvc("shop", "1", annotations=KEEP, orders=orders), NS)
p.apply(ksvc("lazy", "1", annotations=FAST), NS)
p.apply(isvc("iris", minReplicas=2, maxReplicas=2), NS)
ready(p, "ksvc/shop", NS)
ready(p, "ksvc/lazy", NS)
p.wait_ready("iris", NS)
SHOP, LAZY, IRIS = (f"{name}.{NS}.example.com" for name in ("shop", "lazy", "iris"))


def close():
    p.close()


def take_over():
    """Starts the next process and waits until it serves; returns the one before, which may still finish what it has."""
    old = p.process
    (p.data / "endpoints.json").rename(p.data / "endpoints.before")
    p.process = subprocess.Popen([*p.command(), "--take-over"], stdin=subprocess.DEVNULL, stdout=p.log, stderr=p.log, env=p.env)

    def serves():
        assert p.process.poll() is None, p.log_tail()
        return (p.data / "endpoints.json").exists()

    wait_for("the new process", serves, 30, 0.005)
    now = json.loads((p.data / "endpoints.json").read_text())
    before = json.loads((p.data / "endpoints.before").read_text())
    assert now["pid"] == p.process.pid and (now["http"], now["api"]) == (before["http"], before["api"]), (now, before)
    return old


def running():
    """Each container that runs: when it was started, how often, and as which process."""
    return {(x["metadata"]["name"], s["name"]): (s["containerID"], s["restartCount"], s["state"]["running"]["startedAt"])
            for x in p.pods(NS) if not x["metadata"]["name"].startswith("lazy") for s in x["status"]["containerStatuses"] if "running" in s["state"]}


def order(query="", rate_host=SHOP):
    return {"host": rate_host, "kind": "order", "path": "/order/", "query": query}


def test_no_request_fails_and_every_pod_runs_on():
    before = running()
    assert len(before) >= 5, before
    load = Driver(p.port, [order(), {"host": IRIS, "kind": "predict", "path": "/v1/models/iris:predict"}], 300, folder=p.data)
    held = Driver(p.port, [order("?ms=1500")], 20, folder=p.data)  # in hand when the process changes
    fresh = []  # each by a connection of its own
    for _ in range(ROUNDS):
        time.sleep(1)
        started = time.monotonic()
        old = take_over()
        took = time.monotonic() - started
        fresh += [ask(p, SHOP)[0] for _ in range(20)]
        assert wait_for("the end of the old process", lambda: old.poll() is not None, 60) and old.returncode == 0, (old.returncode, p.log_tail())
        print(f"  taken over in {took * 1e3:.0f} ms")
    time.sleep(1)
    reports = [load.stop(), held.stop()]
    for report in reports:
        assert not report["failed"], report["failures"]
        twice, missing = doubled(orders / "log", report)
        assert not twice and not missing, (twice[:5], missing[:5])
    print(f"  {sum(r['requests'] for r in reports)} requests, 0 failed; slowest {reports[0]['ms']['max']} ms")
    assert fresh == [200] * len(fresh), fresh
    assert running() == before


def test_the_new_process_governs_what_it_was_given():
    p.apply(ksvc("shop", "2", annotations=KEEP, orders=orders), NS)
    wait_for("version 2", lambda: answers(p, SHOP, "2"), 60)
    pod = min(x["metadata"]["name"] for x in p.pods(NS, "serving.kserve.io/inferenceservice=iris"))
    assert "GET" in p.kubectl("logs", pod, "-n", NS, "-c", "queue-proxy") or p.kubectl("logs", pod, "-n", NS, "-c", "kserve-container")
    was = next(s["restartCount"] for x in p.pods(NS) if x["metadata"]["name"] == pod for s in x["status"]["containerStatuses"] if s["name"] == "kserve-container")
    for x in p.pods(NS, "serving.kserve.io/inferenceservice=iris"):
        p.kubectl("delete", "pod", x["metadata"]["name"], "-n", NS, "--wait=false")
    wait_for("two new pods", lambda: len(p.pods(NS, "serving.kserve.io/inferenceservice=iris")) == 2 and
             pod not in {x["metadata"]["name"] for x in p.pods(NS, "serving.kserve.io/inferenceservice=iris")}, 60)
    p.wait_ready("iris", NS)
    assert was == 0


def test_a_request_for_a_service_at_zero_is_answered_after_the_change():
    wait_for("zero", lambda: not p.pods(NS, "serving.knative.dev/service=lazy"), 90, 0.2)
    take_over()
    assert ask(p, LAZY)[0] == 200


def test_a_container_that_dies_after_the_change_is_started_again():
    name = lambda: min(x["metadata"]["name"] for x in p.pods(NS, "serving.knative.dev/service=shop"))
    pod = name()
    take_over()
    log = p.log_tail(400)
    assert "pods taken over" in log, log
    found = [int(line.split()[0]) for line in subprocess.run(["pgrep", "-f", "/program/program.py"], capture_output=True, text=True).stdout.split("\n") if line]
    mine = [pid for pid in found if f"{p.data}" in pathlib.Path(f"/proc/{pid}/mountinfo").read_text(errors="replace")]
    assert mine, found
    os.kill(mine[0], signal.SIGKILL)
    wait_for("its restart", lambda: any(s["restartCount"] >= 1 and s["ready"] for x in p.pods(NS, "serving.knative.dev/service=shop") if x["metadata"]["name"] == pod
                                        for s in x["status"]["containerStatuses"] if s["name"] == "user-container"), 60)
    assert ask(p, SHOP)[0] == 200


def test_killing_the_new_process_ends_all_pods_and_a_start_heals():
    """What was adopted dies with its owner, as what it started itself does; the lock is free then."""
    p.process.kill()
    p.process.wait()
    p.start()
    wait_for("the shop", lambda: ask(p, SHOP)[0] == 200, 60)
    ready(p, "ksvc/shop", NS)


def test_without_a_running_instance_it_is_a_plain_start():
    assert p.stop() == 0
    p.options.append("--take-over")
    p.start()
    wait_for("the shop", lambda: ask(p, SHOP)[0] == 200, 60)


def test_a_second_instance_without_the_flag_is_told_of_it():
    done = subprocess.run([x for x in p.command() if x != "--take-over"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "--take-over" in done.stderr and re.search(r"pid \d+", done.stderr), done.stderr


def test_who_asks_and_dies_ends_the_platform_with_its_cause():
    """Nobody is left who could go on; the data folder is free, and a start heals."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(str(p.data / "gateway.sock"))
        s.send(b"proa handover 1")
    assert p.process.wait(20) == 1 and "the pods are ended" in p.log_tail(), p.log_tail()
    p.start()
    wait_for("the shop", lambda: ask(p, SHOP)[0] == 200, 60)


def test_who_asks_in_another_version_changes_nothing():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(str(p.data / "gateway.sock"))
        s.send(b"proa handover 99")
        assert s.recv(100) == b""
    assert p.process.poll() is None and ask(p, SHOP)[0] == 200
