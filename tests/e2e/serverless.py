"""What the serverless tests share: the program of program.py in pods, by Knative Services and by plain Deployments; waiting and asking."""
import collections
import json
import os
import pathlib
import re
import subprocess

from harness import wait_for

IMAGE = "python:3"
PROGRAM = (pathlib.Path(__file__).parent / "program.py").read_text()
INPUT = '{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}'
FAST = {"autoscaling.knative.dev/window": "6s", "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s"}


def prepare(p, ns):
    p.namespace(ns)
    p.apply(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "program"}, "data": {"program.py": PROGRAM}}), ns)


def config(p, name, **data):
    """Writes keys of a Knative ConfigMap, which is read live."""
    p.kubectl("patch", "configmap", name, "-n", "knative-serving", "--type=merge", "-p",
              json.dumps({"data": {k.replace("_", "-"): v for k, v in data.items()}}))


def pod_spec(version, env=None, orders=None, probe="/ready", **container):
    """`orders`: a folder of the host, where the program writes each order down."""
    env = {"VERSION": version, **(env or {}), **({"ORDERS": "/orders/log"} if orders else {})}
    mounts = [{"name": "program", "mountPath": "/program"}]
    volumes = [{"name": "program", "configMap": {"name": "program"}}]
    if orders:
        os.chmod(orders, 0o777)
        mounts.append({"name": "orders", "mountPath": "/orders"})
        volumes.append({"name": "orders", "hostPath": {"path": str(orders), "type": "Directory"}})
    main = {"name": "user-container", "image": IMAGE, "command": ["python3", "/program/program.py"], "env": [{"name": k, "value": v} for k, v in env.items()],
            "volumeMounts": mounts, **container}
    if probe:
        main["readinessProbe"] = {"httpGet": {"path": probe, "port": 8080}, "periodSeconds": 1}
    return {"containers": [main], "volumes": volumes}


def ksvc(name, version="1", annotations=None, traffic=None, meta=None, template=None, spec=None, **more):
    """A Knative Service as JSON text. `spec` goes to the revision's spec, `more` to pod_spec."""
    return json.dumps({
        "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": name, **(meta or {})},
        "spec": {"template": {"metadata": {"annotations": annotations or {}, **(template or {})},
                              "spec": {**pod_spec(version, **more), **(spec or {})}},
                 **({"traffic": traffic} if traffic else {})}})


def ready(p, what, ns, seconds=30):
    p.kubectl("wait", "--for=condition=Ready", what, "-n", ns, f"--timeout={seconds}s", timeout=seconds + 10)


def web(p, ns, name, version, replicas=1, **more):
    """A Deployment NAME-VERSION and a Service NAME-VERSION for it; pods are labelled app=NAME, version=VERSION."""
    spec = pod_spec(version, **more)
    spec["containers"][0].update(name="main", ports=[{"containerPort": 8080}])
    labels = {"app": name, "version": version}
    full = f"{name}-{version}"
    p.apply(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": full}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}}), ns)
    service(p, ns, full, labels)


def service(p, ns, name, selector, **port):
    p.apply(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {
        "selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": 8080, **port}]}}), ns)


def rolled_out(p, ns, *deployments, seconds=60):
    for d in deployments:
        p.kubectl("rollout", "status", f"deployment/{d}", "-n", ns, f"--timeout={seconds}s", timeout=seconds + 10)


def ask(p, host, path="/echo", *args, **more):
    """Asks the program; returns (status, what it saw, or the text if that is no JSON)."""
    status, body = p.curl(path, *args, host=host, **more)
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body


def answers(p, host, version, path="/echo"):
    status, seen = ask(p, host, path)
    return status == 200 and isinstance(seen, dict) and seen.get("version") == version


def headers_of(seen):
    """What the program saw, by lower-case name; values of one name joined."""
    found = collections.defaultdict(list)
    for k, v in seen["headers"]:
        found[k.lower()].append(v)
    return {k: ",".join(v) for k, v in found.items()}


def condition(object, type):
    found = [c for c in object.get("status", {}).get("conditions", []) if c["type"] == type]
    return found[0] if found else {"status": "", "reason": "", "message": ""}


def share(p, host, count, path="/echo"):
    """`count` requests over kept connections; how often each version answered. Fails on any other answer than 200."""
    from driver import Driver
    report = Driver(p.port, [{"host": host, "kind": "get", "path": path}], 2500, most=count, folder=p.data).wait()
    assert not report["failed"], report["failures"][:5]
    return {k.split(" ", 1)[1]: n for k, n in report["versions"].items()}


def splits_as(seen, count, percent):
    """Within four sigma: a fair split is further off once in 15,000 runs, and further than three once in 370."""
    p = percent / 100
    sigma = (count * p * (1 - p)) ** 0.5
    return abs(seen - count * p) <= 4 * sigma


def descendants(pid):
    parents = collections.defaultdict(list)
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int((entry / "stat").read_text().rpartition(")")[2].split()[1])].append(int(entry.name))
            except OSError:
                pass
    found, todo = [], [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def pids(p, text):
    """Processes below the platform whose command line or environment has the text."""
    found = []
    for pid in descendants(p.process.pid):
        try:
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ") + pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if re.search(text.encode(), line):
            found.append(pid)
    return found


def tls(folder, name, *hosts, ca=None):
    """Makes NAME.key and NAME.crt with openssl, signed by `ca` (a name made before) or by itself; returns their paths."""
    key, crt = f"{folder}/{name}.key", f"{folder}/{name}.crt"
    alt = "subjectAltName=" + ",".join(f"DNS:{h}" for h in hosts) if hosts else "basicConstraints=critical,CA:TRUE"
    run = lambda *a: subprocess.run(["openssl", *a], check=True, capture_output=True)
    if ca:
        pathlib.Path(f"{folder}/{name}.ext").write_text(alt + "\n")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", f"{folder}/{name}.csr", "-subj", f"/CN={name}")
        run("x509", "-req", "-in", f"{folder}/{name}.csr", "-CA", f"{folder}/{ca}.crt", "-CAkey", f"{folder}/{ca}.key", "-CAcreateserial", "-days", "2",
            "-extfile", f"{folder}/{name}.ext", "-out", crt)
    else:
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", crt, "-days", "2",
            "-subj", f"/CN={name}", "-addext", alt)
    return key, crt
