"""The gateway with real clients: VirtualService, DestinationRule, Gateway with TLS, the Gateway API; curl, openssl, grpcurl, websockets."""
import asyncio
import collections
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from driver import Driver
from harness import Platform, isvc, wait_for
from serverless import ask, condition, headers_of, prepare, rolled_out, service, share, tls, web, splits_as

NS = "edge"
INGRESS = "knative-serving/knative-ingress-gateway"
GRPCURL = os.environ.get("GRPCURL", "grpcurl")
certs = tempfile.mkdtemp(prefix="proa-certs-")
p = Platform()
prepare(p, NS)
for v in ("v1", "v2"):
    web(p, NS, "web", v)
service(p, NS, "web", {"app": "web"})
rolled_out(p, NS, "web-v1", "web-v2")


def close():
    p.close()
    shutil.rmtree(certs, ignore_errors=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def to(version, **more):
    return {"destination": {"host": f"web-{version}" if version else "web", "port": {"number": 80}}, **more}


def virtual(name, *http, hosts=None, gateways=(INGRESS,), ok=True, **spec):
    """A VirtualService NAME for NAME.test; returns kubectl's outcome."""
    return p.kubectl("apply", "-n", NS, "-f", "-", ok=ok, stdin=json.dumps({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": name},
        "spec": {"hosts": hosts or [f"{name}.test"], "gateways": list(gateways), **({"http": list(http)} if http else {}), **spec}}))


def route(version, *match, **more):
    return {**({"match": list(match)} if match else {}), "route": [to(version)], **more}


def sees(host, path="/echo", *args, **more):
    status, seen = ask(p, host, path, *args, **more)
    return seen if status == 200 else status


def up(host, path="/echo", *args):
    """Waits until the host is routed, and returns what the program saw."""
    return wait_for(f"{host}{path}", lambda: isinstance(sees(host, path, *args), dict) and sees(host, path, *args))


def version(host, path="/echo", *args, **more):
    seen = sees(host, path, *args, **more)
    return seen["version"] if isinstance(seen, dict) else seen


def test_matches_by_uri_headers_method_query_and_authority():
    virtual("match", route("v2", {"uri": {"exact": "/exact"}}), route("v2", {"uri": {"prefix": "/prefix/"}}), route("v2", {"uri": {"regex": "/re/[0-9]+"}}),
            route("v2", {"headers": {"x-user": {"exact": "ann"}, "x-tier": {"regex": "gold|silver"}}}), route("v2", {"method": {"exact": "PUT"}}),
            route("v2", {"queryParams": {"beta": {"exact": "yes"}}}), route("v2", {"authority": {"prefix": "other"}}),
            route("v2", {"uri": {"exact": "/CASE"}, "ignoreUriCase": True}), route("v2", {"withoutHeaders": {"x-old": {}}, "uri": {"exact": "/without"}}),
            route("v1"), hosts=["match.test", "other.match.test"])
    up("match.test")
    cases = [("/echo", (), "v1"), ("/exact", (), "v2"), ("/exactly", (), "v1"), ("/prefix/a", (), "v2"), ("/re/17", (), "v2"), ("/re/a", (), "v1"),
             ("/echo", ("-H", "x-user: ann", "-H", "x-tier: gold"), "v2"), ("/echo", ("-H", "x-user: ann", "-H", "x-tier: tin"), "v1"),
             ("/echo", ("-H", "x-user: bob", "-H", "x-tier: gold"), "v1"), ("/echo", ("-X", "PUT"), "v2"), ("/echo?a=1&beta=yes", (), "v2"),
             ("/echo?beta=no", (), "v1"), ("/case", (), "v2"), ("/without", (), "v2"), ("/without", ("-H", "x-old: 1"), "v1")]
    wrong = [(path, args, expected, got) for path, args, expected in cases if (got := version("match.test", path, *args)) != expected]
    assert not wrong, wrong
    assert version("other.match.test") == "v2"


def test_rewrite_redirect_and_direct_response():
    virtual("rewrite", route("v1", {"uri": {"prefix": "/old/"}}, rewrite={"uri": "/new/", "authority": "inner.test"}),
            route("v1", {"uri": {"prefix": "/re/"}}, rewrite={"uriRegexRewrite": {"match": "^/re/([a-z]+)/([0-9]+)$", "rewrite": "/\\2/\\1"}}),
            {"match": [{"uri": {"prefix": "/moved"}}], "redirect": {"uri": "/there", "authority": "new.test", "redirectCode": 302}},
            {"match": [{"uri": {"prefix": "/teapot"}}], "directResponse": {"status": 418, "body": {"string": "short and stout"}}}, route("v1"))
    up("rewrite.test")
    seen = sees("rewrite.test", "/old/a?b=c")
    assert seen["target"] == "/new/a?b=c" and headers_of(seen)["host"] == "inner.test", seen
    assert sees("rewrite.test", "/re/abc/42")["target"] == "/42/abc"
    assert p.curl("/teapot", host="rewrite.test") == (418, "short and stout")
    out = subprocess.run(["curl", "-sS", "-i", "-H", "Host: rewrite.test", p.http + "/moved"], capture_output=True, text=True).stdout.lower()
    assert out.startswith("http/1.1 302") and "location: http://new.test/there" in out, out


def test_headers_are_set_added_and_removed_both_ways():
    changes = {"request": {"set": {"x-set": "1"}, "add": {"x-add": "2"}, "remove": ["x-gone"]},
               "response": {"set": {"x-answer": "3"}, "remove": ["x-version"]}}
    virtual("headers", {"route": [{**to("v1"), "headers": {"request": {"set": {"x-own": "4"}}}}], "headers": changes})
    up("headers.test")
    seen = headers_of(sees("headers.test", "/echo", "-H", "x-set: 0", "-H", "x-add: 0", "-H", "x-gone: 0"))
    assert (seen["x-set"], seen["x-add"], seen["x-own"]) == ("1", "0,2", "4") and "x-gone" not in seen, seen
    out = subprocess.run(["curl", "-sS", "-i", "-H", "Host: headers.test", p.http + "/echo"], capture_output=True, text=True).stdout.lower()
    assert "x-answer: 3" in out and "x-version" not in out, out


def test_weights_split_within_three_sigma():
    virtual("weights", {"route": [to("v1", weight=90), to("v2", weight=10)]})
    up("weights.test")
    seen = share(p, "weights.test", 4000)
    assert splits_as(seen["v2"], 4000, 10), seen


def test_timeouts_faults_and_retries():
    virtual("late", route("v1", {"uri": {"prefix": "/slow"}}, timeout="0.3s"),
            route("v1", {"uri": {"prefix": "/abort"}}, fault={"abort": {"httpStatus": 503, "percentage": {"value": 100}}}),
            route("v1", {"uri": {"prefix": "/half"}}, fault={"abort": {"httpStatus": 555, "percentage": {"value": 50}}}),
            route("v1", {"uri": {"prefix": "/delay"}}, fault={"delay": {"fixedDelay": "0.5s", "percentage": {"value": 100}}}),
            route("v1", {"uri": {"prefix": "/flaky"}}, retries={"attempts": 3, "perTryTimeout": "2s", "retryOn": "5xx"}),
            route("v1", retries={"attempts": 0}))
    up("late.test")
    assert p.curl("/slow?ms=20", host="late.test")[0] == 200
    assert p.curl("/slow?ms=3000", host="late.test")[0] == 504
    assert p.curl("/abort", host="late.test")[0] == 503
    codes = collections.Counter(p.curl("/half", host="late.test")[0] for _ in range(60))
    assert set(codes) == {200, 555} and 10 <= codes[555] <= 50, codes
    started = time.monotonic()
    assert p.curl("/delay", host="late.test")[0] == 200 and time.monotonic() - started >= 0.5
    assert p.curl("/flaky?fail=2&key=a", host="late.test")[0] == 200
    assert p.curl("/flaky?fail=9&key=b", host="late.test")[0] == 503
    assert p.curl("/status?code=503", host="late.test")[0] == 503


def test_a_mirror_gets_a_copy_and_its_answer_is_not_seen():
    web(p, NS, "shadow", "v9")
    rolled_out(p, NS, "shadow-v9")
    before = wait_for("the shadow", lambda: sees(f"shadow-v9.{NS}.svc.cluster.local"))["requests"]
    virtual("mirror", {"route": [to("v1")], "mirror": {"host": "shadow-v9", "port": {"number": 80}}, "mirrorPercentage": {"value": 100}})
    up("mirror.test")
    for _ in range(10):
        assert version("mirror.test", "/echo", data="a body") == "v1"
    count = lambda: sees(f"shadow-v9.{NS}.svc.cluster.local")["requests"]
    wait_for("the copies", lambda: count() >= before + 11, 10, 0.2)


def test_cors_answers_the_preflight():
    virtual("cors", route("v1", corsPolicy={"allowOrigins": [{"exact": "https://app.test"}, {"regex": "https://[a-z]+\\.ok\\.test"}],
                                            "allowMethods": ["POST"], "allowHeaders": ["x-token"], "exposeHeaders": ["x-version"], "maxAge": "60s",
                                            "allowCredentials": True}))
    up("cors.test")

    def preflight(origin):
        out = subprocess.run(["curl", "-sS", "-i", "-X", "OPTIONS", "-H", "Host: cors.test", "-H", f"Origin: {origin}", "-H",
                              "Access-Control-Request-Method: POST", p.http + "/echo"], capture_output=True, text=True).stdout.lower()
        return dict(line.split(": ", 1) for line in out.replace("\r", "").split("\n") if ": " in line)

    for origin in ("https://app.test", "https://me.ok.test"):
        got = preflight(origin)
        assert got["access-control-allow-origin"] == origin and got["access-control-allow-methods"] == "post" and got["access-control-max-age"] == "60", got
        assert got["access-control-allow-credentials"] == "true" and got["access-control-allow-headers"] == "x-token", got
    assert "access-control-allow-origin" not in preflight("https://evil.test")


def test_a_delegate_continues_the_route():
    p.kubectl("apply", "-n", NS, "-f", "-", stdin=json.dumps({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "leaf"},
        "spec": {"http": [route("v2", {"uri": {"prefix": "/team/a"}})]}}))
    virtual("root", {"match": [{"uri": {"prefix": "/team"}}], "delegate": {"name": "leaf", "namespace": NS}}, route("v1"))
    up("root.test")
    assert version("root.test", "/team/a/x") == "v2" and version("root.test", "/other") == "v1"


def test_an_unsupported_field_is_named():
    done = virtual("odd", {"route": [to("v1")], "noSuchField": {"a": 1}}, ok=False)
    text = done.stderr
    if not done.returncode:
        text += json.dumps(wait_for("a condition", lambda: p.get("virtualservice", "odd", "-n", NS).get("status", {}).get("conditions", [])))
    assert "noSuchField" in text, text


def rule(name, **spec):
    p.apply(json.dumps({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": name}, "spec": spec}), NS)


def test_subsets_choose_pods_by_label():
    rule("web", host="web", subsets=[{"name": "one", "labels": {"version": "v1"}}, {"name": "two", "labels": {"version": "v2"}}])
    subset = lambda s: {"route": [{"destination": {"host": "web", "subset": s}}]}
    virtual("subset", {"match": [{"uri": {"prefix": "/two"}}], **subset("two")}, subset("one"))
    up("subset.test")
    assert {version("subset.test") for _ in range(20)} == {"v1"} and {version("subset.test", "/two") for _ in range(20)} == {"v2"}


def test_a_consistent_hash_keeps_a_user_on_one_pod():
    web(p, NS, "many", "v1", replicas=3)
    rolled_out(p, NS, "many-v1")
    rule("many", host="many-v1", trafficPolicy={"loadBalancer": {"consistentHash": {"httpHeaderName": "x-user"}}})
    virtual("many", {"route": [{"destination": {"host": "many-v1"}}]})
    up("many.test")
    pod = lambda user: sees("many.test", "/echo", "-H", f"x-user: {user}")["pod"]
    wait_for("three pods in use", lambda: len({pod(f"u{i}") for i in range(40)}) == 3, 20)
    for user in ("ann", "bob", "cid"):
        assert len({pod(user) for _ in range(10)}) == 1, user


def test_outlier_detection_ejects_a_pod_that_fails():
    web(p, NS, "sick", "good")
    web(p, NS, "sick", "bad", env={"ALWAYS_STATUS": "500"}, probe="")
    rolled_out(p, NS, "sick-good", "sick-bad")
    service(p, NS, "sick", {"app": "sick"})
    rule("sick", host="sick", trafficPolicy={"outlierDetection": {"consecutive5xxErrors": 3, "interval": "1s", "baseEjectionTime": "60s",
                                                                  "maxEjectionPercent": 100}})
    virtual("sick", {"route": [{"destination": {"host": "sick"}}], "retries": {"attempts": 0}})
    wait_for("an answer", lambda: p.curl("/echo", host="sick.test")[0] in (200, 500))
    for _ in range(60):
        p.curl("/echo", host="sick.test")
    codes = collections.Counter(p.curl("/echo", host="sick.test")[0] for _ in range(30))
    assert codes == {200: 30}, codes


def gateway(name, *servers, namespace=NS):
    p.apply(json.dumps({"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": name},
                        "spec": {"selector": {"istio": "ingressgateway"}, "servers": list(servers)}}), namespace)


def secret(name, crt, key, ca=None):
    """In the namespace of the Gateway and in that of Istio's own gateway: either place is asked."""
    args = ["create", "secret", "generic", name, f"--from-file=tls.crt={crt}", f"--from-file=tls.key={key}", *([f"--from-file=ca.crt={ca}"] if ca else [])]
    p.namespace("istio-system")
    for ns in (NS, "istio-system"):
        p.kubectl(*args, "-n", ns)


def opens(port):
    with socket.socket() as s:
        s.settimeout(2)
        return s.connect_ex(("127.0.0.1", port)) == 0


def https(host, port, *args):
    done = subprocess.run(["curl", "-sS", "-m", "10", "--resolve", f"{host}:{port}:127.0.0.1", *args, f"https://{host}:{port}/echo"],
                          capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout.startswith("{") else done.stdout + done.stderr


def test_a_gateways_port_opens_serves_tls_and_closes_live():
    tls(certs, "ca")
    key, crt = tls(certs, "simple", "simple.tls.test", ca="ca")
    secret("simple", crt, key)
    port = free_port()
    assert not opens(port)
    gateway("simple", {"port": {"number": port, "name": "https", "protocol": "HTTPS"}, "hosts": ["simple.tls.test"],
                       "tls": {"mode": "SIMPLE", "credentialName": "simple"}})
    virtual("simple", route("v1"), hosts=["simple.tls.test"], gateways=[f"{NS}/simple"])
    wait_for("the port", lambda: opens(port))
    get = lambda *a: https("simple.tls.test", port, "--cacert", f"{certs}/ca.crt", *a)
    seen = wait_for("an answer over TLS", lambda: isinstance(get(), dict) and get())
    assert seen["version"] == "v1" and headers_of(seen)["x-forwarded-proto"] == "https", seen
    assert isinstance(get("--http2"), dict) and isinstance(get("--http1.1"), dict)
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "simple.tls.test", "-alpn", "h2", "-CAfile",
                            f"{certs}/ca.crt"], input="", capture_output=True, text=True, timeout=20).stdout
    assert "Verify return code: 0 (ok)" in shown and "ALPN protocol: h2" in shown, shown[-1500:]
    assert not isinstance(https("nobody.tls.test", port, "-k"), dict)
    p.kubectl("delete", "gateway.networking.istio.io", "simple", "-n", NS)
    wait_for("the port's end", lambda: not opens(port))


def test_mutual_tls_asks_for_the_clients_certificate():
    key, crt = tls(certs, "mutual", "mutual.tls.test", ca="ca")
    client_key, client_crt = tls(certs, "client", "client.test", ca="ca")
    tls(certs, "stranger-ca")
    stranger_key, stranger_crt = tls(certs, "stranger", "stranger.test", ca="stranger-ca")
    secret("mutual", crt, key, f"{certs}/ca.crt")
    port = free_port()
    gateway("mutual", {"port": {"number": port, "name": "https", "protocol": "HTTPS"}, "hosts": ["mutual.tls.test"],
                       "tls": {"mode": "MUTUAL", "credentialName": "mutual"}})
    virtual("mutual", route("v2"), hosts=["mutual.tls.test"], gateways=[f"{NS}/mutual"])
    get = lambda *a: https("mutual.tls.test", port, "--cacert", f"{certs}/ca.crt", *a)
    mine = ("--cert", client_crt, "--key", client_key)
    assert wait_for("an answer to the client", lambda: isinstance(get(*mine), dict) and get(*mine))["version"] == "v2"
    assert not isinstance(get(), dict), "answered without a certificate"
    assert not isinstance(get("--cert", stranger_crt, "--key", stranger_key), dict), "answered a stranger"


def test_passthrough_leaves_tls_to_the_backend():
    key, crt = tls(certs, "inner", "pass.tls.test", ca="ca")
    port, backend = free_port(), free_port()
    server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{backend}", "-cert", crt, "-key", key, "-www", "-quiet"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        p.apply(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "inner"}, "spec": {"ports": [{"name": "tls", "port": 443}]}}), NS)
        p.apply(json.dumps({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {
            "name": "inner-1", "labels": {"kubernetes.io/service-name": "inner"}}, "addressType": "IPv4", "endpoints": [
                {"addresses": ["127.0.0.1"], "conditions": {"ready": True}}], "ports": [{"name": "tls", "port": backend, "protocol": "TCP"}]}), NS)
        gateway("through", {"port": {"number": port, "name": "tls", "protocol": "TLS"}, "hosts": ["pass.tls.test"], "tls": {"mode": "PASSTHROUGH"}})
        virtual("through", hosts=["pass.tls.test"], gateways=[f"{NS}/through"], tls=[
            {"match": [{"port": port, "sniHosts": ["pass.tls.test"]}], "route": [{"destination": {"host": "inner", "port": {"number": 443}}}]}])

        def subject():
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "pass.tls.test", "-CAfile", f"{certs}/ca.crt"],
                                  input="", capture_output=True, text=True, timeout=20)
            return "CN = inner" in done.stdout and "Verify return code: 0 (ok)" in done.stdout

        wait_for("the backend's own certificate", subject)
    finally:
        server.kill()
        server.wait()


def api(kind, name, version="v1", ok=True, **spec):
    return p.kubectl("apply", "-n", NS, "-f", "-", ok=ok, stdin=json.dumps(
        {"apiVersion": f"gateway.networking.k8s.io/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}))


def class_of(controller="proa.dev/gateway-controller"):
    api("GatewayClass", "ours", controllerName=controller)
    return "ours"


def test_a_gateway_class_is_accepted_by_its_controller_alone():
    class_of()
    api("GatewayClass", "theirs", controllerName="somebody.test/else")
    wait_for("Accepted", lambda: condition(p.get("gatewayclass", "ours"), "Accepted")["status"] == "True")
    assert condition(p.get("gatewayclass", "theirs"), "Accepted")["status"] != "True"


def test_the_gateway_apis_routes_and_their_status():
    port = free_port()
    api("Gateway", "front", gatewayClassName=class_of(), listeners=[
        {"name": "web", "port": port, "protocol": "HTTP", "hostname": "*.api.test", "allowedRoutes": {"namespaces": {"from": "Same"}}}])
    status = lambda: p.get("gateways.gateway.networking.k8s.io", "front", "-n", NS)
    for type in ("Accepted", "Programmed"):
        wait_for(type, lambda: condition(status(), type)["status"] == "True")
    backend = lambda v, **more: {"name": f"web-{v}", "port": 80, **more}
    api("HTTPRoute", "shop", parentRefs=[{"name": "front"}], hostnames=["shop.api.test"], rules=[
        {"matches": [{"path": {"type": "PathPrefix", "value": "/v2"}}], "backendRefs": [backend("v2")],
         "filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}},
                     {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-set", "value": "1"}]}}]},
        {"matches": [{"path": {"type": "Exact", "value": "/go"}}],
         "filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "else.test", "statusCode": 301}}]},
        {"matches": [{"headers": [{"name": "x-user", "value": "ann"}]}], "backendRefs": [backend("v2")]},
        {"backendRefs": [backend("v1", weight=3), backend("v2", weight=1)]}])
    base = f"http://shop.api.test:{port}"

    def get(path, *args):
        done = subprocess.run(["curl", "-sS", "-m", "10", "--resolve", f"shop.api.test:{port}:127.0.0.1", "-w", "\n%{http_code}", *args, base + path],
                              capture_output=True, text=True)
        body, _, code = done.stdout.rpartition("\n")
        return (int(code or 0), json.loads(body) if body.startswith('{"version') else body)

    wait_for("the route", lambda: get("/echo")[0] == 200)
    code, seen = get("/v2/echo")
    assert code == 200 and seen["version"] == "v2" and seen["target"] == "/echo" and headers_of(seen)["x-set"] == "1", seen
    assert get("/go")[0] == 301
    assert {get("/echo", "-H", "x-user: ann")[1]["version"] for _ in range(5)} == {"v2"}
    counts = collections.Counter(get("/echo")[1]["version"] for _ in range(80))
    assert splits_as(counts["v2"], 80, 25), counts
    parent = p.get("httproute", "shop", "-n", NS)["status"]["parents"][0]
    assert parent["parentRef"]["name"] == "front" and {c["type"]: c["status"] for c in parent["conditions"]} | {"Accepted": "True", "ResolvedRefs": "True"} == \
        {c["type"]: c["status"] for c in parent["conditions"]}, parent
    api("HTTPRoute", "shop", parentRefs=[{"name": "front"}], hostnames=["shop.api.test"], rules=[{"backendRefs": [{"name": "absent", "port": 80}]}])

    def unresolved():
        conditions = p.get("httproute", "shop", "-n", NS)["status"]["parents"][0]["conditions"]
        return [c for c in conditions if c["type"] == "ResolvedRefs" and c["status"] == "False" and c["reason"] == "BackendNotFound" and "absent" in c["message"]]

    wait_for("the missing backend in the status", unresolved)
    assert get("/echo")[0] == 500
    p.kubectl("delete", "gateways.gateway.networking.k8s.io", "front", "-n", NS)
    wait_for("the port's end", lambda: not opens(port))


def test_a_route_to_another_namespace_needs_a_reference_grant():
    prepare(p, "elsewhere")
    web(p, "elsewhere", "far", "v5")
    rolled_out(p, "elsewhere", "far-v5")
    port = free_port()
    api("Gateway", "cross", gatewayClassName=class_of(), listeners=[{"name": "web", "port": port, "protocol": "HTTP"}])
    api("HTTPRoute", "cross", parentRefs=[{"name": "cross"}], hostnames=["cross.test"], rules=[
        {"backendRefs": [{"name": "far-v5", "namespace": "elsewhere", "port": 80}]}])
    conditions = lambda: [c for x in p.get("httproute", "cross", "-n", NS).get("status", {}).get("parents", []) for c in x["conditions"]]
    wait_for("RefNotPermitted", lambda: [c for c in conditions() if c["reason"] == "RefNotPermitted"])
    get = lambda: p.curl(f"http://127.0.0.1:{port}/echo", host="cross.test")[0]
    assert get() == 500
    p.apply(json.dumps({"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant", "metadata": {"name": "let"}, "spec": {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": NS}], "to": [{"group": "", "kind": "Service"}]}}), "elsewhere")
    wait_for("the answer", lambda: get() == 200)
    p.kubectl("delete", "httproute,gateways.gateway.networking.k8s.io", "cross", "-n", NS)


def test_grpc_by_a_grpc_route():
    manifest = json.loads(isvc("grpc"))
    manifest["spec"]["predictor"]["model"]["protocolVersion"] = "grpc-v2"
    manifest["spec"]["predictor"]["model"]["runtime"] = "kserve-sklearnserver"
    p.apply(json.dumps(manifest), NS)
    p.wait_ready("grpc", NS)
    port = free_port()
    api("Gateway", "grpc", gatewayClassName=class_of(), listeners=[{"name": "grpc", "port": port, "protocol": "HTTP"}])
    api("GRPCRoute", "grpc", parentRefs=[{"name": "grpc"}], hostnames=["grpc.test"], rules=[
        {"matches": [{"method": {"service": s}} for s in ("inference.GRPCInferenceService", "grpc.reflection.v1.ServerReflection",
                                                          "grpc.reflection.v1alpha.ServerReflection")], "backendRefs": [{"name": "grpc-predictor-00001", "port": 80}]}])

    def call(method):
        return subprocess.run([GRPCURL, "-plaintext", "-authority", "grpc.test", f"127.0.0.1:{port}", f"inference.GRPCInferenceService/{method}"],
                              capture_output=True, text=True, timeout=20)

    wait_for("ServerLive over gRPC", lambda: '"live": true' in call("ServerLive").stdout)


def test_websocket_messages_both_ways():
    import websockets

    virtual("ws", route("v1"))
    up("ws.test")

    async def talk():
        async with websockets.connect("ws://ws.test/chat", host="127.0.0.1", port=p.port, compression=None) as socket:
            for text in ("hello", "x" * 3000):
                await socket.send(text)
                assert await asyncio.wait_for(socket.recv(), 10) == text

    asyncio.run(talk())


def test_server_sent_events_arrive_as_they_are_sent():
    virtual("sse", route("v1"))
    up("sse.test")
    curl = subprocess.Popen(["curl", "-sSN", "-H", "Host: sse.test", p.http + "/events"], stdout=subprocess.PIPE, text=True)
    times = []
    for line in curl.stdout:
        if line.startswith("data:"):
            times.append(time.monotonic())
    assert curl.wait(10) == 0 and len(times) == 3
    assert times[2] - times[0] > 0.1, "the events were held back"


def test_http2_from_the_client_over_cleartext():
    virtual("h2", route("v2"))
    up("h2.test")
    done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "-H", "Host: h2.test", "-w", "\n%{http_version}", p.http + "/echo"],
                          capture_output=True, text=True)
    body, _, spoken = done.stdout.rpartition("\n")
    assert spoken == "2" and json.loads(body)["version"] == "v2", done


def test_deleting_a_virtual_service_ends_its_host_and_no_other():
    virtual("gone", route("v1"))
    virtual("stays", route("v1"))
    up("gone.test"), up("stays.test")
    load = Driver(p.port, [{"host": "stays.test", "kind": "get", "path": "/echo"}], 200, folder=p.data)
    p.kubectl("delete", "virtualservice", "gone", "-n", NS)
    wait_for("404", lambda: p.curl("/echo", host="gone.test")[0] == 404)
    report = load.stop()
    assert not report["failed"], report["failures"][:5]
