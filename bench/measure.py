"""What the benchmarks share: servers pinned to cores, load tools, figures in rows."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
BODY = (ROOT / "examples/iris/iris-input.json").read_text()
MODEL = ROOT / "examples/iris/models/sklearn/1.0/model"
ANSWER = '{"predictions": [1, 1]}'
rows = []


def row(what, value, beside=""):
    rows.append((what, value, beside))
    print(f"{what:58} {value:>28}  {beside}", flush=True)


def pinned(core, *command, **more):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True, **more)


def end(process):
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(5)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGKILL)


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_http(port, path="/", seconds=60, host="127.0.0.1"):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            c = http.client.HTTPConnection(host, port, timeout=2)
            c.request("GET", path)
            c.getresponse().read()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing answers on port {port}")


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def tree(pid):
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(int((entry / "stat").read_text().rpartition(")")[2].split()[1]), []).append(int(entry.name))
            except OSError:
                pass
    found, todo = [pid], [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def pss_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def wrk(port, path, pids, host=None, seconds=5, connections=64, body=BODY):
    """Returns requests/s, p50 µs, p99 µs, CPU µs of `pids` per request, errors."""
    script = tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False)
    script.write(f"wrk.method='POST'\nwrk.body={json.dumps(body)}\nwrk.headers['Content-Type']='application/json'\n")
    if host:
        script.write(f"wrk.headers['Host']='{host}'\n")
    script.write("done=function(s,l,r) io.write(string.format('@ %d %d %d %d %d\\n', s.requests, s.duration, l:percentile(50), "
                 "l:percentile(99), s.errors.status+s.errors.connect+s.errors.read+s.errors.write+s.errors.timeout)) end\n")
    script.close()
    before = cpu_seconds(pids)
    out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name,
                          f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True).stdout
    used = cpu_seconds(pids) - before
    os.unlink(script.name)
    n, duration, p50, p99, errors = map(int, re.search(r"@ (\d+) (\d+) (\d+) (\d+) (\d+)", out).groups())
    return n / duration * 1e6, p50, p99, used / n * 1e6, errors


def nginx(port, location, extra=""):
    folder = tempfile.mkdtemp(prefix="proa-nginx-")
    conf = pathlib.Path(folder, "nginx.conf")
    conf.write_text(f"""worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; default_type application/json; {extra}
server {{ listen 127.0.0.1:{port} reuseport; location / {{ {location} }} }} }}""")
    return conf


def start_nginx(core, location, extra=""):
    port = free_port()
    process = pinned(core, "nginx", "-c", nginx(port, location, extra))
    wait_http(port)
    return process, port
