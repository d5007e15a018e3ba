"""What happens when there is much of it: many services, too much load, attacks, a million requests with everything in motion."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

from measure import ANSWER, BODY, ROOT, end, pss_mb, row, start_nginx, wrk

NONE = {"autoscaling.knative.dev/window": "6s", "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s"}


def pick(values, q):
    s = sorted(values)
    return s[min(len(s) - 1, int(q * len(s)))]


def api(p):
    """kubectl's own start takes longer than what is measured here."""
    from run import Api
    return Api(p)


def bench_burst(proa):
    """Every one of 100 services gets its first request at the same time."""
    from harness import Platform, isvc, wait_for
    services, rounds = int(os.environ.get("PROA_BENCH_SERVICES", "100")), int(os.environ.get("PROA_BENCH_ROUNDS", "3"))
    p = Platform()
    p.namespace("burst")
    p.kubectl("patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p", '{"data": {"scale-to-zero-grace-period": "1s"}}')
    calls = api(p)
    try:
        p.apply("\n".join(isvc(f"b{i}", minReplicas=0, annotations=NONE) for i in range(services)), "burst")
        for i in range(services):
            p.wait_ready(f"b{i}", "burst", 120)
        last, all_of_them, wrong = [], [], 0
        for _ in range(rounds):
            wait_for("no pod", lambda: not calls.call("GET", "/api/v1/namespaces/burst/pods")["items"], 180, 0.2)
            ready = threading.Barrier(services + 1)

            def ask(i):
                c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=60)
                c.connect()
                ready.wait()
                started = time.perf_counter()
                c.request("POST", f"/v1/models/b{i}:predict", BODY, {"Host": f"b{i}.burst.example.com"})
                answer = c.getresponse()
                ok = (answer.status, answer.read().decode()) == (200, ANSWER)
                return (time.perf_counter() - started) * 1e3, ok

            with concurrent.futures.ThreadPoolExecutor(services) as pool:
                asked = [pool.submit(ask, i) for i in range(services)]
                ready.wait()
                got = [f.result() for f in asked]
            all_of_them += [ms for ms, _ in got]
            last.append(max(ms for ms, _ in got))
            wrong += sum(not ok for _, ok in got)
        row(f"{services} services from zero at once, last answer, ms, {rounds} rounds", " / ".join(f"{x:.0f}" for x in last), f"{wrong} failed; goal ≤ 500")
        row("  p50 / p99 of all of them, ms", f"{pick(all_of_them, .5):.0f} / {pick(all_of_them, .99):.0f}")
    finally:
        p.close()


def bench_many(proa):
    """10,000 VirtualServices and Services; then each new one: from the API's write to the first request that is routed by it."""
    from harness import Platform, wait_for
    count, more = int(os.environ.get("PROA_BENCH_MANY", "10000")), 200
    backend, port = start_nginx(1, f"return 200 '{ANSWER}';")
    p = Platform()
    calls = api(p)
    calls.call("POST", "/api/v1/namespaces", json.dumps({"metadata": {"name": "many"}}))
    slices = "/apis/discovery.k8s.io/v1/namespaces/many/endpointslices"

    def make(i):
        name = f"s{i}"
        calls.call("POST", "/api/v1/namespaces/many/services", json.dumps({"metadata": {"name": name}, "spec": {"ports": [{"name": "http", "port": 80}]}}))
        calls.call("POST", slices, json.dumps({
            "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}], "ports": [{"name": "http", "port": port, "protocol": "TCP"}]}))
        calls.call("POST", "/apis/networking.istio.io/v1beta1/namespaces/many/virtualservices", json.dumps({"metadata": {"name": name}, "spec": {
            "hosts": [f"{name}.many.test"], "gateways": ["knative-serving/knative-ingress-gateway"],
            "http": [{"route": [{"destination": {"host": name, "port": {"number": 80}}}]}]}}))

    connection = http.client.HTTPConnection("127.0.0.1", p.port)

    def routed(i):
        connection.request("GET", "/", headers={"Host": f"s{i}.many.test"})
        answer = connection.getresponse()
        answer.read()
        return answer.status == 200

    try:
        started = time.perf_counter()
        for i in range(count):
            make(i)
        wait_for("the last one's route", lambda: routed(count - 1), 120, 0.05)
        row(f"{count:,} Services with their VirtualServices written and routed, s", f"{time.perf_counter() - started:.1f}", f"{pss_mb(p.process.pid):.0f} MB")
        quiet = wrk(p.port, "/", [p.process.pid], "s0.many.test")
        took, done = [], threading.Event()

        def write():
            for i in range(count, count + more):
                begun = time.perf_counter()
                make(i)
                while not routed(i):
                    pass
                took.append((time.perf_counter() - begun) * 1e3)
                time.sleep(0.02)
            done.set()

        write()
        row(f"with {count:,} services, a new one: write to first request routed, p50/p99/max ms", f"{pick(took, .5):.1f} / {pick(took, .99):.1f} / {max(took):.1f}",
            f"{more} of them, three writes each; goal p99 ≤ 50")
        count, before = count + more, len(took)
        writer = threading.Thread(target=write)
        writer.start()
        busy = wrk(p.port, "/", [p.process.pid], "s0.many.test")
        writer.join()
        row("  throughput while they are written, beside none written", f"{busy[0]:,.0f} / {quiet[0]:,.0f}", f"{busy[0] / quiet[0]:.2f} ×, {busy[4]} errors")
        row("  written under that load: p50 / p99 ms", f"{pick(took[before:], .5):.1f} / {pick(took[before:], .99):.1f}")
    finally:
        p.close(), end(backend)


def bench_overload(proa):
    """A service that can do 200 requests/s gets 2,000: what still succeeds, and does kubectl answer?"""
    from harness import Platform, wait_for
    from serverless import answers, ksvc, prepare, ready
    p = Platform()
    prepare(p, "over")
    one = {"autoscaling.knative.dev/min-scale": "1", "autoscaling.knative.dev/max-scale": "1"}
    p.apply(ksvc("over", annotations=one, spec={"containerConcurrency": 4}), "over")
    ready(p, "ksvc/over", "over")
    host = "over.over.example.com"
    wait_for("the service", lambda: answers(p, host, "1"))

    def load(rate, seconds):
        out = subprocess.run([proa, "load", "--rate", str(rate), "--duration", f"{seconds}s", "--url", f"{p.http}/slow?ms=20", "--header", f"Host: {host}",
                              "--output", "json", "--timeout", "5s"], capture_output=True, text=True)
        return json.loads(out.stdout)

    try:
        good = lambda r, s: r["status_codes"].get("200", 0) / s
        peak = max(good(load(rate, 5), 5) for rate in (160, 180, 200, 220))
        slowest, stop = [], threading.Event()

        def kubectl():
            while not stop.is_set():
                begun = time.perf_counter()
                p.kubectl("get", "pods", "-n", "over")
                slowest.append((time.perf_counter() - begun) * 1e3)

        watcher = threading.Thread(target=kubectl)
        watcher.start()
        r = load(int(peak * 10), 10)
        stop.set(), watcher.join()
        goodput = good(r, 10)
        row("overload at 10 × capacity: goodput beside peak, requests/s", f"{goodput:.0f} / {peak:.0f}", f"{goodput / peak:.2f} ×; goal ≥ 0.90; {r['status_codes']}")
        row("  kubectl get meanwhile: p50 / max ms", f"{pick(slowest, .5):.0f} / {max(slowest):.0f}", "goal ≤ 1,000")
    finally:
        p.close()


def bench_defence(proa):
    """A victim's p99 while an attack goes on, beside its p99 in peace."""
    import attack
    from driver import Driver
    from harness import Platform, wait_for
    from serverless import answers, ksvc, prepare, ready
    p = Platform()
    prepare(p, "siege")
    p.apply(ksvc("victim"), "siege")
    ready(p, "ksvc/victim", "siege")
    host = "victim.siege.example.com"
    raw = host.encode()
    wait_for("the victim", lambda: answers(p, host, "1"))
    os.sched_setaffinity(0, {1})  # the attacker and the victim on one core, the gateway on the other

    def victim(what, seconds=8):
        load = Driver(p.port, [{"host": host, "kind": "get", "path": "/echo"}], 200, folder=p.data)
        until, times = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            what()
            times += 1
        report = load.stop()
        return report["ms"], report["failed"], times

    try:
        subprocess.run(["taskset", "-a", "-cp", "0", str(p.process.pid)], capture_output=True)
        quiet, failed, _ = victim(lambda: time.sleep(0.1))
        row("a victim in peace, 200/s: p50 / p99 ms", f"{quiet['p50']} / {quiet['p99']}", f"{failed} failed")
        # The attacker is never idle. What that alone does to whoever shares its core is not the gateway's.
        beside, failed, _ = victim(lambda: sum(range(20_000)))
        row("  beside a program that only computes, on the attacker's core", f"{beside['p50']} / {beside['p99']}", f"{beside['p99'] / quiet['p99']:.2f} ×; {failed} failed")

        def slow():
            threads = [threading.Thread(target=attack.slow_head, args=(p.port, raw, 6)) for _ in range(200)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()

        attacks = {"slowloris (200 heads at once)": slow, "rapid reset": lambda: attack.rapid_reset(p.port, raw, each=100),
                   "CONTINUATION flood": lambda: attack.continuation(p.port, raw, each=20), "SETTINGS flood": lambda: attack.settings(p.port, each=100),
                   "PING flood": lambda: attack.pings(p.port, each=100), "empty DATA flood": lambda: attack.empty_data(p.port, raw, each=100)}
        for name, what in attacks.items():
            seen, failed, times = victim(what)
            row(f"  under {name}: p50 / p99 ms", f"{seen['p50']} / {seen['p99']}", f"{seen['p99'] / quiet['p99']:.2f} × peace, {seen['p99'] / beside['p99']:.2f} × the computing program, goal < 2; {failed} failed; {times} attacks")
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))
        p.close()


def run_test(proa, name, **env):
    """Runs an end-to-end test's long form and shows what it prints."""
    kubectl = os.environ.get("KUBECTL", "kubectl")
    command = [sys.executable, ROOT / "tests/run.py", "--proa", proa, "--build", pathlib.Path(proa).parents[2], "--only", "e2e", name,
               *(["--kubectl", kubectl] if "/" in kubectl else [])]
    started = time.monotonic()
    done = subprocess.Popen(command, env=dict(os.environ, **env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in done.stdout:
        print("   ", line.rstrip(), flush=True)
        lines.append(line.rstrip())
    done.wait()
    return done.returncode, lines, time.monotonic() - started


def bench_ramp(proa):
    folder = ROOT / ".cache"
    folder.mkdir(exist_ok=True)
    code, lines, seconds = run_test(proa, "test_autoscaling/test_the_ramp", PROA_RAMP=os.environ.get("PROA_RAMP", "30"), PROA_PLOTS=str(folder))
    row("the ramp 1 → 5 → 0", "done" if code == 0 else "failed", f"{seconds:.0f} s, plot: .cache/ramp.svg; " + "; ".join(x.strip() for x in lines if "requests" in x))


def bench_nothing_fails(proa):
    code, lines, seconds = run_test(proa, "e2e/test_nothing_fails", PROA_NOTHING="full")
    total = [re.search(r"in all: (.*)", x).group(1) for x in lines if "in all:" in x]
    row("nothing fails: a million requests with everything in motion", "0 failed" if code == 0 else "FAILED", f"{seconds:.0f} s; {total[0] if total else lines[-1:]}")
