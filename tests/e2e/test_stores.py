"""`proa fetch` against real servers of each protocol: moto (S3, STS), azurite (Azure blobs), fake-gcs-server,
distribution's registry, git's own http-backend; and servers written here for what has none: a registry that
asks for tokens, the hubs, WebHDFS, and ones that fail, stall, cut off, redirect and lie.

A server that is not installed is a test skipped with its name: MOTO needs `pip install moto[server]`, azurite
`npm install azurite` ($AZURITE names azurite-blob), the others Go (`tools/go/storage-servers FOLDER`, which
$STORAGE_SERVERS names).
"""
import atexit
import base64
import gzip
import hashlib
import http.server
import importlib.util
import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.parse

from harness import PROA, Skip, wait_for

BASE = pathlib.Path(tempfile.mkdtemp(prefix="proa-stores-"))
SERVERS = pathlib.Path(os.environ.get("STORAGE_SERVERS", "/nonexistent"))
FILES = {"model.joblib": b"the model", "sub/weights.bin": bytes(range(256)) * 4096 * 20, "empty": b"", "a b+ü.txt": b"odd name"}
started = []


def clean():
    for p in started:
        p.kill()
        p.wait()
    shutil.rmtree(BASE, ignore_errors=True)


atexit.register(clean)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(argv, port, **kw):
    log = open(BASE / f"server-{port}.log", "wb")
    p = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **kw)
    started.append(p)

    def up():
        assert p.poll() is None, (BASE / f"server-{port}.log").read_text(errors="replace")[-2000:]
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    wait_for(f"{argv[0]} on port {port}", up, 60)
    return p


def fetch(*pairs, code=0, options=(), **env):
    """Runs proa fetch in an environment of nothing but `env`; returns its output."""
    log = BASE / "termination-log"
    log.write_text("")
    variables = {"PATH": os.environ["PATH"], "HOME": str(BASE), "PROA_TERMINATION_LOG": str(log), **env}
    done = subprocess.run([PROA, "fetch", *options, *map(str, pairs)], capture_output=True, text=True, env=variables, timeout=120)
    text = done.stdout + done.stderr
    assert done.returncode == code, f"{done.returncode}: {text}"
    for name, value in env.items():
        if any(word in name for word in ("SECRET", "PASSWORD", "TOKEN", "ACCESS_KEY")) and len(value) > 6 and not value.startswith("/"):
            assert value not in text and value not in log.read_text(), f"{name} is told: {text}"
    return text


def folder(name):
    path = BASE / name
    shutil.rmtree(path, ignore_errors=True)
    return path


def tree(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}


def same(path, files=None):
    got, want = tree(path), files or FILES
    assert got.keys() == want.keys(), sorted(got)
    assert all(got[k] == want[k] for k in want)


def digest(files):
    lines = "".join(f"{hashlib.sha256(v).hexdigest()}  {k}\n" for k, v in sorted(files.items(), key=lambda i: i[0].encode()))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, status, body=b"", headers=(), cut=None):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True

    def content(self, body, headers=()):
        """With Range."""
        asked = self.headers.get("Range")
        if not asked:
            return self.answer(200, body, [("Accept-Ranges", "bytes"), *headers])
        a, b = asked.removeprefix("bytes=").split("-")
        part = body[int(a):int(b) + 1]
        self.answer(206, part, [("Content-Range", f"bytes {a}-{int(a) + len(part) - 1}/{len(body)}"), *headers])

    def do_HEAD(self):
        self.do_GET()


def serve(get, post=None):
    """A server whose GET is `get(handler, path, query)`; returns its URL."""
    def do_get(self):
        u = urllib.parse.urlsplit(self.path)
        get(self, urllib.parse.unquote(u.path), dict(urllib.parse.parse_qsl(u.query, keep_blank_values=True)))

    def do_post(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        post(self, urllib.parse.unquote(self.path), body)
    kind = type("H", (Handler,), {"do_GET": do_get, "do_POST": do_post})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


# S3, by moto.

KEY = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secretsecretsecret"}
s3_url = None


def moto():
    global s3_url
    if s3_url:
        return s3_url
    if not importlib.util.find_spec("moto") or not importlib.util.find_spec("flask"):
        raise Skip("moto[server] is not installed")
    import boto3
    port = free_port()
    start([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port], port)
    s3_url = f"http://127.0.0.1:{port}"
    client = boto3.client("s3", endpoint_url=s3_url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    client.create_bucket(Bucket="models")
    for name, body in FILES.items():
        client.put_object(Bucket="models", Key=f"m/v1/{name}", Body=body, ACL="public-read")
    client.put_object(Bucket="models", Key="m/v1-other/x", Body=b"not this one")
    client.put_object(Bucket="models", Key="m/v1/folder/", Body=b"")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as t:
        info = tarfile.TarInfo("inside/model.joblib")
        info.size = 6
        t.addfile(info, io.BytesIO(b"packed"))
    client.put_object(Bucket="models", Key="m.tgz", Body=packed.getvalue())
    up = client.create_multipart_upload(Bucket="models", Key="multi/big.bin")
    parts = []
    for n in (1, 2):
        r = client.upload_part(Bucket="models", Key="multi/big.bin", PartNumber=n, UploadId=up["UploadId"], Body=bytes([n]) * (20 << 20))
        parts.append({"ETag": r["ETag"], "PartNumber": n})
    client.complete_multipart_upload(Bucket="models", Key="multi/big.bin", UploadId=up["UploadId"], MultipartUpload={"Parts": parts})
    return s3_url


def test_s3_takes_a_prefix_and_a_single_object():
    url = moto()
    dst = folder("s3")
    out = fetch("s3://models/m/v1", dst, AWS_ENDPOINT_URL=url, **KEY)
    same(dst)
    assert digest(FILES) in out, out
    assert (BASE / "termination-log").read_text() == f"{digest(FILES)} {dst}"
    dst = folder("s3-one")
    fetch("s3://models/m/v1/model.joblib", dst, S3_ENDPOINT=url.removeprefix("http://"), S3_USE_HTTPS="0", **KEY)
    same(dst, {"model.joblib": b"the model"})


def test_s3_unpacks_a_single_archive_and_joins_ranges():
    url = moto()
    dst = folder("s3-tgz")
    fetch("s3://models/m.tgz", dst, AWS_ENDPOINT_URL=url, **KEY)
    same(dst, {"inside/model.joblib": b"packed"})
    dst = folder("s3-multi")
    fetch("s3://models/multi", dst, AWS_ENDPOINT_URL=url, **KEY)
    same(dst, {"big.bin": b"\1" * (20 << 20) + b"\2" * (20 << 20)})


def test_s3_anonymous_patterns_and_several_sources():
    url = moto()
    a, b = folder("s3-a"), folder("s3-b")
    fetch("s3://models/m/v1", a, "s3://models/m/v1/sub", b, AWS_ENDPOINT_URL=url, awsAnonymousCredential="true",
          STORAGE_ALLOW_PATTERNS='["*.joblib", "weights*"]', STORAGE_IGNORE_PATTERNS="sub/*")
    same(a, {"model.joblib": b"the model"})
    same(b, {"weights.bin": FILES["sub/weights.bin"]})


def test_s3_by_storage_config():
    config = {"type": "s3", "access_key_id": "AKIAEXAMPLE", "secret_access_key": "confidential-value", "endpoint_url": moto(),
              "region": "us-east-1", "bucket": "models"}
    dst = folder("s3-config")
    out = fetch("s3://models/m/v1/model.joblib", dst, STORAGE_CONFIG=json.dumps(config), STORAGE_OVERRIDE_CONFIG='{"region": "us-east-1"}')
    assert "confidential-value" not in out
    same(dst, {"model.joblib": b"the model"})
    assert "STORAGE_CONFIG is no JSON object" in fetch("s3://models/x", dst, STORAGE_CONFIG="{confidential", code=1)


def test_s3_by_the_web_identity_of_a_service_account():
    url = moto()
    (BASE / "identity").write_text("a-token")
    fetch("s3://models/m/v1/model.joblib", folder("s3-irsa"), AWS_ENDPOINT_URL=url, AWS_ENDPOINT_URL_STS=url,
          AWS_ROLE_ARN="arn:aws:iam::123456789012:role/reader", AWS_WEB_IDENTITY_TOKEN_FILE=str(BASE / "identity"))
    same(BASE / "s3-irsa", {"model.joblib": b"the model"})


def test_s3_says_what_is_wrong():
    url = moto()
    dst = folder("s3-bad")
    assert "S3 bucket nobucket not found" in fetch("s3://nobucket/m", dst, code=1, AWS_ENDPOINT_URL=url, **KEY)
    assert "Failed to fetch model. No model found in s3://models/none." in fetch("s3://models/none", dst, code=1, AWS_ENDPOINT_URL=url, **KEY)
    denied = serve(lambda h, path, q: h.answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"))
    assert "S3 authentication failed for s3://m/x: no credentials were given; set AWS_ACCESS_KEY_ID" in fetch("s3://m/x", dst, code=1, AWS_ENDPOINT_URL=denied)
    assert "the given key may not read it (AccessDenied: no)" in fetch("s3://m/x", dst, code=1, AWS_ENDPOINT_URL=denied, **KEY)
    assert "Failed to find ca bundle file(/none.crt)." in fetch("s3://m/x", dst, code=1, AWS_CA_BUNDLE="/none.crt", **KEY)
    assert not dst.exists() or not tree(dst)


def test_s3_goes_to_the_region_that_the_server_names():
    def get(h, path, q):
        if "/eu-west-1/" not in h.headers.get("Authorization", ""):
            return h.answer(400, b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>")
        if "list-type" in q:
            body = b"" if q["prefix"] != "m/" else b"<Contents><Key>m/f</Key><Size>2</Size><ETag>&quot;x&quot;</ETag></Contents>"
            return h.answer(200, b"<ListBucketResult>" + body + b"</ListBucketResult>")
        h.content(b"ok", [("ETag", '"x"')])
    dst = folder("s3-region")
    fetch("s3://bucket/m", dst, AWS_ENDPOINT_URL=serve(get), **KEY)
    same(dst, {"f": b"ok"})


def test_oss_with_its_crc64():
    wrong = []

    def get(h, path, q):
        assert h.headers["Authorization"].startswith("OSS4-HMAC-SHA256 Credential=ak-id/"), h.headers
        assert "/cn-beijing/oss/aliyun_v4_request," in h.headers["Authorization"]
        if "list-type" in q:
            return h.answer(200, b"<ListBucketResult><Contents><Key>m/f</Key><Size>9</Size><ETag>\"E\"</ETag></Contents></ListBucketResult>")
        assert path == "/models/m/f", path
        h.content(b"123456788" if wrong else b"123456789", [("x-oss-hash-crc64ecma", "11051210869376104954")])
    env = {"OSS_ENDPOINT": serve(get), "OSS_REGION": "cn-beijing", "OSS_ACCESS_KEY_ID": "ak-id", "OSS_ACCESS_KEY_SECRET": "ak-secret-value"}
    dst = folder("oss")
    fetch("oss://models/m", dst, **env)
    same(dst, {"f": b"123456789"})
    wrong.append(1)
    assert "was damaged on the way: it has crc64" in fetch("oss://models/m", folder("oss2"), code=1, **env)


# Azure, by azurite.

def azurite():
    program = os.environ.get("AZURITE") or shutil.which("azurite-blob")
    if not program:
        raise Skip("azurite is not installed (npm install azurite; AZURITE names azurite-blob)")
    port = free_port()
    data = folder("azurite")
    start([program, "--blobHost", "127.0.0.1", "--blobPort", port, "--location", data, "--skipApiVersionCheck"], port)
    return f"http://127.0.0.1:{port}/devstoreaccount1"


AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # azurite's, published


def azure_put(url, headers=(), body=b""):
    """One signed request of the test's own making."""
    import hmac
    from email.utils import formatdate
    import urllib.request
    u = urllib.parse.urlsplit(url)
    ms = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02", **dict(headers)}
    canonical = "".join(f"{k}:{v}\n" for k, v in sorted(ms.items()))
    resource = "/devstoreaccount1" + u.path + "".join(f"\n{k}:{v}" for k, v in sorted(urllib.parse.parse_qsl(u.query)))
    kind = "application/octet-stream"
    text = "\n".join(["PUT", "", "", str(len(body)) if body else "", "", kind, "", "", "", "", "", ""]) + "\n" + canonical + resource
    mac = base64.b64encode(hmac.new(base64.b64decode(AZURE_KEY), text.encode(), hashlib.sha256).digest()).decode()
    r = urllib.request.Request(url, method="PUT", data=body, headers={**ms, "Content-Type": kind, "Authorization": f"SharedKey devstoreaccount1:{mac}"})
    urllib.request.urlopen(r).read()


def test_azure_blobs():
    base = azurite()
    azure_put(f"{base}/models?restype=container")
    azure_put(f"{base}/open?restype=container", {"x-ms-blob-public-access": "container"})
    for name, body in FILES.items():
        azure_put(f"{base}/models/m/{urllib.parse.quote(name)}", {"x-ms-blob-type": "BlockBlob"}, body)
    azure_put(f"{base}/open/one.bin", {"x-ms-blob-type": "BlockBlob"}, b"public")
    account = "https://devstoreaccount1.blob.core.windows.net"
    dst = folder("azure")
    out = fetch(f"{account}/models/m", dst, AZURE_BLOB_ENDPOINT=base, AZURE_STORAGE_ACCESS_KEY=AZURE_KEY)
    same(dst)
    assert digest(FILES) in out
    dst = folder("azure-open")
    fetch(f"{account}/open", dst, AZURE_BLOB_ENDPOINT=base)
    same(dst, {"one.bin": b"public"})
    dst = folder("azure-one")
    fetch(f"{account}/open/one.bin", dst, AZURE_BLOB_ENDPOINT=base)
    same(dst, {"one.bin": b"public"})
    wrong = base64.b64encode(b"x" * 64).decode()
    out = fetch(f"{account}/models/m", folder("azure-no"), code=1, AZURE_BLOB_ENDPOINT=base, AZURE_STORAGE_ACCESS_KEY=wrong)
    assert "Azure authentication failed for" in out and "AZURE_STORAGE_ACCESS_KEY may not read it" in out, out


def test_azure_file_share():
    listing = {"m": b"<File><Name>f</Name><Properties><Content-Length>2</Content-Length><Etag>\"1\"</Etag></Properties></File>"
                    b"<Directory><Name>sub</Name><Properties/></Directory>",
               "m/sub": b"<File><Name>g</Name><Properties><Content-Length>3</Content-Length><Etag>\"2\"</Etag></Properties></File>"}

    def get(h, path, q):
        assert h.headers["Authorization"].startswith("SharedKey acc:"), h.headers
        below = path.removeprefix("/share/")
        if q.get("comp") == "list":
            if below not in listing:
                return h.answer(404)
            return h.answer(200, b"<EnumerationResults><Entries>" + listing[below] + b"</Entries><NextMarker/></EnumerationResults>")
        h.content({"m/f": b"ab", "m/sub/g": b"abc"}[below])
    dst = folder("share")
    fetch("https://acc.file.core.windows.net/share/m", dst, AZURE_FILE_ENDPOINT=serve(get), AZURE_STORAGE_ACCESS_KEY=AZURE_KEY)
    same(dst, {"f": b"ab", "sub/g": b"abc"})


# Google, by fake-gcs-server.

def test_gs_by_fake_gcs_server():
    program = SERVERS / "fake-gcs-server"
    if not program.exists():
        raise Skip("fake-gcs-server is not built (tools/go/storage-servers)")
    data = folder("gcs-data") / "models/m"
    for name, body in FILES.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(body)
    port = free_port()
    start([program, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory", "-data", data.parent.parent], port)
    dst = folder("gcs")
    out = fetch("gs://models/m", dst, STORAGE_EMULATOR_HOST=f"127.0.0.1:{port}")
    same(dst)
    assert digest(FILES) in out


# Registries.

def tar(entries, pack=True):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, body in entries:
            info = tarfile.TarInfo(name)
            if isinstance(body, bytes):
                info.size = len(body)
                t.addfile(info, io.BytesIO(body))
            else:
                info.type, info.linkname = tarfile.SYMTYPE, body or "x"
                t.addfile(info)
    return gzip.compress(out.getvalue()) if pack else out.getvalue()


def image():
    """A modelcar: blobs by digest, and its manifest."""
    layers = [(tar([("bin/sh", b"shell"), ("models/old", b"old"), ("models/d/one", b"1"), ("models/d/two", b"2")]), "application/vnd.oci.image.layer.v1.tar+gzip"),
              (tar([("etc/passwd", b"x"), ("models/.wh.old", b""), ("models/d/.wh.one", b""), ("models/model.joblib", b"the model"),
                    ("models/link", "model.joblib")], False), "application/vnd.oci.image.layer.v1.tar")]
    blobs = {}

    def blob(body, media, **more):
        d = "sha256:" + hashlib.sha256(body).hexdigest()
        blobs[d] = body
        return {"mediaType": media, "digest": d, "size": len(body), **more}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                           "config": blob(b"{}", "application/vnd.oci.image.config.v1+json"),
                           "layers": [blob(*l) for l in layers]}).encode()
    return blobs, manifest


IMAGE = {"model.joblib": b"the model", "link": b"the model", "d/two": b"2"}
IN_CLEAR = {"PROA_FETCH_ALLOW": "127.0.0.1"}


def registry(token="", login=""):
    blobs, manifest = image()
    art = {"schemaVersion": 2, "layers": []}
    for name, body in (("model.onnx", b"onnx"), ("notes/readme.md", b"read")):
        d = "sha256:" + hashlib.sha256(body).hexdigest()
        blobs[d] = body
        art["layers"].append({"mediaType": "application/octet-stream", "digest": d, "size": len(body),
                              "annotations": {"org.opencontainers.image.title": name}})
    own = "sha256:" + hashlib.sha256(manifest).hexdigest()
    index = json.dumps({"schemaVersion": 2, "manifests": [
        {"digest": "sha256:" + "0" * 64, "platform": {"os": "linux", "architecture": "s390x"}},
        {"digest": own, "platform": {"os": "linux", "architecture": "amd64"}}, {"digest": own, "platform": {"os": "linux", "architecture": "arm64"}}]}).encode()
    manifests = {"v1": manifest, own: manifest, "index": index, "art": json.dumps(art).encode(), "sha256:" + "1" * 64: manifest}
    elsewhere = serve(lambda h, path, q: h.answer(400, b"leaked") if "Authorization" in h.headers else h.content(blobs[path[1:]]))

    def get(h, path, q):
        if path == "/token":
            good = not login or h.headers.get("Authorization") == "Basic " + base64.b64encode(login.encode()).decode()
            assert q["scope"] == "repository:team/model:pull" and q["service"] == "reg"
            return h.answer(200, json.dumps({"token": token}).encode()) if good else h.answer(401)
        if token and h.headers.get("Authorization") != f"Bearer {token}":
            return h.answer(401, headers=[("WWW-Authenticate", f'Bearer realm="http://{h.headers["Host"]}/token",service="reg",scope="x"')])
        if path == "/v2/":
            return h.answer(200)
        kind, name = path.removeprefix("/v2/team/model/").split("/", 1)
        if kind == "manifests":
            return h.answer(200, manifests[name]) if name in manifests else h.answer(404)
        if token:
            return h.answer(307, headers=[("Location", f"{elsewhere}/{name}")])
        h.content(blobs[name])
    return serve(get).removeprefix("http://"), own


def test_oci_takes_the_models_of_an_images_layers():
    host, own = registry()
    for tag in (":v1", "@" + own, ":index"):
        dst = folder("oci")
        fetch(f"oci://{host}/team/model{tag}", dst, **IN_CLEAR)
        same(dst, IMAGE)
    dst = folder("oci-art")
    fetch(f"oci+fetch://{host}/team/model:art", dst, **IN_CLEAR)
    same(dst, {"model.onnx": b"onnx", "notes/readme.md": b"read"})
    assert "not found" in fetch(f"oci://{host}/team/model:none", dst, code=1, **IN_CLEAR)
    assert "instead of sha256:1111" in fetch(f"oci://{host}/team/model@sha256:{'1' * 64}", dst, code=1, **IN_CLEAR)


def test_oci_signs_in_and_keeps_its_token_from_other_servers():
    host, _ = registry(token="bought-token", login="me:my-password")
    docker = folder("docker")
    docker.mkdir()
    assert "registry token" in fetch(f"oci://{host}/team/model:v1", folder("oci-no"), code=1, **IN_CLEAR)
    (docker / "config.json").write_text(json.dumps({"auths": {host: {"auth": base64.b64encode(b"me:my-password").decode()}}}))
    dst = folder("oci-auth")
    out = fetch(f"oci://{host}/team/model:v1", dst, DOCKER_CONFIG=str(docker), **IN_CLEAR)
    assert "my-password" not in out and "bought-token" not in out
    same(dst, IMAGE)


def test_oci_from_distributions_registry():
    program = SERVERS / "registry"
    if not program.exists():
        raise Skip("the registry is not built (tools/go/storage-servers)")
    import urllib.request
    port, data = free_port(), folder("registry")
    data.mkdir()
    (data / "config.yml").write_text(f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {data}\nhttp:\n  addr: 127.0.0.1:{port}\n")
    start([program, "serve", data / "config.yml"], port)
    base = f"http://127.0.0.1:{port}/v2/team/model"
    blobs, manifest = image()
    for d, body in blobs.items():
        r = urllib.request.urlopen(urllib.request.Request(f"{base}/blobs/uploads/", method="POST", data=b""))
        to = urllib.parse.urljoin(base, r.headers["Location"])
        urllib.request.urlopen(urllib.request.Request(f"{to}&digest={d}", method="PUT", data=body, headers={"Content-Type": "application/octet-stream"}))
    urllib.request.urlopen(urllib.request.Request(f"{base}/manifests/v1", method="PUT", data=manifest,
                                                  headers={"Content-Type": "application/vnd.oci.image.manifest.v1+json"}))
    dst = folder("oci-real")
    fetch(f"oci://127.0.0.1:{port}/team/model:v1", dst, **IN_CLEAR)
    same(dst, IMAGE)


# Hubs.

def blob_sha1(body):
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def hub(broken=False):
    big = FILES["sub/weights.bin"]
    commit = "c" * 40
    cdn = serve(lambda h, path, q: h.answer(400) if "Authorization" in h.headers else h.content(big if not broken else big[:-1] + b"x"))

    def get(h, path, q):
        if h.headers.get("Authorization") != "Bearer hf_the_token":
            return h.answer(401, headers=[("X-Error-Code", "RepoNotFound")])
        if path == "/api/models/owner/gated/revision/main":
            return h.answer(403, headers=[("X-Error-Code", "GatedRepo")])
        if path == "/api/models/owner/model/revision/main" or path == "/api/models/owner/model/revision/v1":
            return h.answer(200, json.dumps({"sha": commit}).encode())
        if path.startswith("/api/models/owner/model/revision/"):
            return h.answer(404, headers=[("X-Error-Code", "RevisionNotFound")])
        if path == f"/api/models/owner/model/tree/{commit}":
            if "cursor" not in q:
                first = [{"type": "directory", "path": "sub", "oid": "x"}, {"type": "file", "path": "config.json", "size": 2, "oid": blob_sha1(b"{}")}]
                return h.answer(200, json.dumps(first).encode(), [("Link", f'<http://{h.headers["Host"]}{path}?recursive=true&cursor=2>; rel="next"')])
            second = [{"type": "file", "path": "sub/weights.bin", "size": len(big), "oid": "p", "lfs": {"oid": hashlib.sha256(big).hexdigest(), "size": len(big)}}]
            return h.answer(200, json.dumps(second).encode())
        if path == f"/owner/model/resolve/{commit}/config.json":
            return h.content(b"{}")
        if path == f"/owner/model/resolve/{commit}/sub/weights.bin":
            return h.answer(302, headers=[("Location", f"{cdn}/x?Signature=secret")])
        h.answer(404)
    return serve(get)


def test_hugging_face():
    env = {"HF_ENDPOINT": hub(), "HF_TOKEN": "hf_the_token", "PROA_FETCH_ALLOW": "127.0.0.1"}
    for uri in ("hf://owner/model", "hf://owner/model:v1"):
        dst = folder("hf")
        fetch(uri, dst, **env)
        same(dst, {"config.json": b"{}", "sub/weights.bin": FILES["sub/weights.bin"]})
    assert "HuggingFace resource 'owner/model' not found. If it is private, set HF_TOKEN." in fetch("hf://owner/model", dst, code=1, HF_ENDPOINT=env["HF_ENDPOINT"])
    assert "revision 'none' of 'owner/model' not found" in fetch("hf://owner/model:none", dst, code=1, **env)
    assert "is gated" in fetch("hf://owner/gated", dst, code=1, **env)
    env["HF_ENDPOINT"] = hub(broken=True)
    assert "was damaged on the way: it has sha256" in fetch("hf://owner/model", folder("hf-bad"), code=1, **env)


def test_modelscope():
    body = b"weights"

    def get(h, path, q):
        if path == "/api/v1/models/o/m/repo/files":
            assert q["Revision"] == "v2" and "m_session_id=ms-token-1" in h.headers["Cookie"]
            files = [{"Type": "tree", "Path": "d"}, {"Type": "blob", "Path": "d/w.bin", "Size": 7, "Sha256": hashlib.sha256(body).hexdigest()}]
            return h.answer(200, json.dumps({"Code": 200, "Data": {"Files": files}}).encode())
        assert (path, q["FilePath"]) == ("/api/v1/models/o/m/repo", "d/w.bin")
        h.content(body)
    dst = folder("ms")
    fetch("modelscope://o/m:v2", dst, MODELSCOPE_ENDPOINT=serve(get), MODELSCOPE_API_TOKEN="ms-token-1")
    same(dst, {"d/w.bin": body})


# WebHDFS.

def test_webhdfs():
    big = bytes(range(256)) * (80 << 10)
    data = serve(lambda h, path, q: h.answer(200, big[int(q.get("offset", 0)):][:int(q.get("length", 1 << 40))] if path.endswith("big.bin") else b"the model"))
    standby = serve(lambda h, path, q: h.answer(403, b'{"RemoteException": {"exception": "StandbyException", "message": "standby"}}'))

    def get(h, path, q):
        assert h.headers["X-Own"] == "yes" and q["user.name"] == "hadoop"
        path = path.removeprefix("/webhdfs/v1/root")
        status = {"/m": "DIRECTORY", "/m/d": "DIRECTORY"}
        if q["op"] == "GETFILESTATUS":
            return h.answer(200, json.dumps({"FileStatus": {"type": status[path], "length": 0, "pathSuffix": ""}}).encode()) if path in status else h.answer(404)
        if q["op"] == "LISTSTATUS":
            items = {"/m": [("model.joblib", "FILE", 9), ("d", "DIRECTORY", 0)], "/m/d": [("big.bin", "FILE", len(big))]}[path]
            return h.answer(200, json.dumps({"FileStatuses": {"FileStatus": [
                {"pathSuffix": n, "type": t, "length": s, "fileId": 7, "modificationTime": 1} for n, t, s in items]}}).encode())
        rest = urllib.parse.urlencode({k: v for k, v in q.items() if k in ("offset", "length")})
        h.answer(307, headers=[("Location", f"{data}{path}?op=OPEN&{rest}")])
    secret = folder("hdfs-secret")
    secret.mkdir()
    for name, text in {"HDFS_NAMENODE": f"{standby};{serve(get)}\n", "HDFS_ROOTPATH": "/root", "HDFS_USER": "hadoop", "HEADERS": '{"X-Own": "yes"}'}.items():
        (secret / name).write_text(text)
    dst = folder("hdfs")
    fetch("hdfs://m", dst, HDFS_SECRET_DIR=str(secret))
    same(dst, {"model.joblib": b"the model", "d/big.bin": big})
    assert "No model found in hdfs://none." in fetch("hdfs://none", folder("h2"), code=1, HDFS_SECRET_DIR=str(secret))
    (secret / "KERBEROS_PRINCIPAL").write_text("me")
    assert "Kerberos is not supported" in fetch("hdfs://m", dst, code=1, HDFS_SECRET_DIR=str(secret))


# git, by its own http-backend.

def git_server(login=""):
    root = folder("git")
    work = root / "work"
    work.mkdir(parents=True)
    env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")

    def git(*argv, cwd=work):
        subprocess.run(["git", *argv], cwd=cwd, env=env, check=True, capture_output=True)
    git("init", "-q", "-b", "main")
    (work / "model.joblib").write_bytes(b"old")
    git("add", ".")
    git("commit", "-q", "-m", "1")
    git("tag", "v1")
    (work / "model.joblib").write_bytes(b"the model")
    (work / "passwd").symlink_to("/etc/passwd")
    git("add", ".")
    git("commit", "-q", "-m", "2")
    git("checkout", "-q", "-b", "lfs")
    (work / "big.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 123456\n")
    git("add", ".")
    git("commit", "-q", "-m", "3")
    git("checkout", "-q", "main")
    git("clone", "-q", "--bare", str(work), str(root / "model.git"))
    git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=root / "model.git")

    def cgi(h, path, body=b""):
        if login and h.headers.get("Authorization") != "Basic " + base64.b64encode(login.encode()).decode():
            return h.answer(401, headers=[("WWW-Authenticate", 'Basic realm="x"')])
        u = urllib.parse.urlsplit(h.path)
        if h.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        e = dict(os.environ, GIT_PROJECT_ROOT=str(root), GIT_HTTP_EXPORT_ALL="1", PATH_INFO=u.path, QUERY_STRING=u.query, REQUEST_METHOD=h.command,
                 CONTENT_TYPE=h.headers.get("Content-Type") or "", CONTENT_LENGTH=str(len(body)), GIT_PROTOCOL=h.headers.get("Git-Protocol") or "")
        out = subprocess.run(["git", "http-backend"], env=e, input=body, capture_output=True).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        headers = [tuple(l.split(": ", 1)) for l in head.decode().split("\r\n")]
        status = next((int(v.split()[0]) for k, v in headers if k == "Status"), 200)
        h.answer(status, rest, [(k, v) for k, v in headers if k != "Status"])

    class Chunked(Handler):
        def do_GET(self):
            cgi(self, self.path)

        def do_POST(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            cgi(self, self.path, body)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chunked)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def test_git():
    if not shutil.which("git"):
        raise Skip("git is not installed")
    url = git_server()
    for ref, want in (("", b"the model"), ("#v1", b"old"), ("?ref=main", b"the model")):
        dst = folder("git-dst")
        fetch(f"{url}/model.git{ref}", dst, **IN_CLEAR)
        got = tree(dst)
        assert got["model.joblib"] == want, got
        assert not any(f.is_symlink() for f in dst.rglob("*")) and b"root:" not in b"".join(got.values())
        assert not any(".git" in n for n in got)
    assert "has no ref none" in fetch(f"{url}/model.git#none", folder("g2"), code=1, **IN_CLEAR)
    assert "big.bin is kept in Git LFS" in fetch(f"{url}/model.git#lfs", folder("g3"), code=1, **IN_CLEAR)
    assert "not found" in fetch(f"{url}/none.git", folder("g4"), code=1, **IN_CLEAR)
    assert "private address" in fetch(f"{url}/model.git", folder("g5"), code=1)


def test_git_signs_in():
    if not shutil.which("git"):
        raise Skip("git is not installed")
    url = git_server("me:a-git-password")
    out = fetch(f"{url}/model.git", folder("g6"), code=1, **IN_CLEAR)
    assert "git authentication failed" in out and "set GIT_USERNAME and GIT_PASSWORD" in out, out
    dst = folder("g7")
    fetch(f"{url}/model.git", dst, GIT_USERNAME="me", GIT_PASSWORD="a-git-password", **IN_CLEAR)
    assert tree(dst)["model.joblib"] == b"the model"


# Networks and machines as they are.

def test_one_that_fails_cuts_off_and_stalls_is_asked_again():
    big = os.urandom(40 << 20)
    seen = []

    def get(h, path, q):
        if h.command == "HEAD":
            return h.answer(200, big, [("Accept-Ranges", "bytes"), ("ETag", '"1"')])
        seen.append(h.headers.get("Range"))
        if len(seen) == 2:
            return h.answer(503)
        if len(seen) % 4 == 3:
            a, b = (int(x) for x in h.headers["Range"].removeprefix("bytes=").split("-"))
            return h.answer(206, big[a:b + 1], [("ETag", '"1"')], cut=(b + 1 - a) // 2)
        h.content(big, [("ETag", '"1"')])
    dst = folder("flaky")
    fetch(f"{serve(get)}/big.bin", dst, **IN_CLEAR)
    same(dst, {"big.bin": big})


def test_a_killed_download_goes_on_where_it_was():
    big = os.urandom(64 << 20)
    asked, slow = [], [True]

    def get(h, path, q):
        if h.command == "HEAD":
            return h.answer(200, big, [("Accept-Ranges", "bytes"), ("ETag", '"1"')])
        a = int(h.headers["Range"].removeprefix("bytes=").split("-")[0])
        asked.append(a)
        if slow[0] and a >= 32 << 20:
            time.sleep(30)
        h.content(big, [("ETag", '"1"')])
    url, dst, cache = serve(get), folder("resumed"), folder("resume-cache")
    env = {"PATH": os.environ["PATH"], "PROA_MODEL_CACHE": str(cache), **IN_CLEAR}
    p = subprocess.Popen([PROA, "fetch", f"{url}/big.bin", str(dst)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("two parts", lambda: sum(len(f.read_text().splitlines()) > 2 for f in cache.rglob("*.done")) > 0, 30)
    p.kill()
    p.wait()
    asked.clear()
    slow[0] = False
    out = fetch(f"{url}/big.bin", dst, PROA_MODEL_CACHE=str(cache), **IN_CLEAR)
    assert "resumed: 32.0 MiB were there" in out, out
    assert min(asked) >= 32 << 20 and len(asked) == 2, asked
    same(dst, {"big.bin": big})


def test_pods_of_a_machine_share_one_download():
    body, asked = os.urandom(8 << 20), []

    def get(h, path, q):
        asked.append(h.command)
        if h.command == "GET":
            time.sleep(0.5)
        h.content(body, [("ETag", '"1"')])
    url, cache = serve(get), folder("shared-cache")
    env = {"PATH": os.environ["PATH"], "PROA_MODEL_CACHE": str(cache), **IN_CLEAR}
    pods = [(subprocess.Popen([PROA, "fetch", f"{url}/m.bin", str(BASE / f"pod{i}")], env=env, stdout=subprocess.DEVNULL), i) for i in range(6)]
    for p, i in pods:
        assert p.wait(60) == 0
        same(BASE / f"pod{i}", {"m.bin": body})
    assert asked.count("GET") == 1, asked
    assert len({(BASE / f"pod{i}/m.bin").stat().st_ino for i in range(6)}) == 1


def test_the_caches_bound_spares_what_is_in_use():
    bodies = {f"/m{i}.bin": bytes([i]) * (1 << 20) for i in range(5)}
    url, cache = serve(lambda h, path, q: h.content(bodies[path], [("ETag", f'"{path}"')])), folder("bounded")
    env = {"PROA_MODEL_CACHE": str(cache), "PROA_MODEL_CACHE_BYTES": "3Mi", **IN_CLEAR}
    for i in range(3):
        fetch(f"{url}/m{i}.bin", folder(f"b{i}"), **env)
    shutil.rmtree(BASE / "b0")  # its pod is gone; those of 1 and 2 run
    fetch(f"{url}/m3.bin", folder("b3"), **env)
    kept = {p.name for p in cache.rglob("*.bin") if p.is_file()}
    assert kept == {"m1.bin", "m2.bin", "m3.bin"}, kept
    out = fetch(f"{url}/m4.bin", folder("b4"), **env)
    assert "the model cache is full with what is in use" in out
    same(BASE / "b4", {"m4.bin": bodies["/m4.bin"]})
    assert not [p for p in cache.rglob("m4.bin") if p.is_file()]


def test_a_model_that_does_not_fit_is_refused_before_it_starts():
    asked = []

    def get(h, path, q):
        asked.append(h.command)
        h.send_response(200)
        h.send_header("Content-Length", str(1 << 50))
        h.send_header("Accept-Ranges", "bytes")
        h.end_headers()
    url = serve(get)
    out = fetch(f"{url}/m.bin", folder("huge"), code=1, PROA_MODEL_MOST_BYTES="4096Ti", **IN_CLEAR)
    assert "the model has 1024.0 TiB, but only" in out and "are free in" in out, out
    assert "more than the 1.0 MiB allowed" in fetch(f"{url}/m.bin", folder("huge"), code=1, PROA_MODEL_MOST_BYTES="1Mi", **IN_CLEAR)
    assert "GET" not in asked


def test_private_addresses_are_reached_only_if_allowed():
    inside = serve(lambda h, path, q: h.content(b"inside"))
    port = inside.rsplit(":", 1)[1]
    dst = folder("ssrf")
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"):
        out = fetch(f"http://{host}:{port}/m", dst, code=1)
        assert "private address" in out or "not answering" in out or "names no possible host" in out, (host, out)
    for host in ("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200"):
        for env in ({}, {"PROA_FETCH_ALLOW": "private"}):
            assert "private address" in fetch(f"http://{host}/latest/meta-data", dst, code=1, **env)
    outside = serve(lambda h, path, q: h.answer(302, headers=[("Location", f"http://localhost:{port}/m")]))
    assert "private address" in fetch(f"{outside}/m", dst, code=1, PROA_FETCH_ALLOW="10.0.0.0/8")
    # A server that the environment names may be private; what it redirects to may not.
    assert "private address" in fetch("s3://b/m", dst, code=1, AWS_ENDPOINT_URL=outside)
    metadata = serve(lambda h, path, q: h.answer(302, headers=[("Location", "http://169.254.169.254/latest/meta-data/iam")]))
    assert "169.254.169.254, a private address" in fetch(f"{metadata}/m", dst, code=1, PROA_FETCH_ALLOW="private")
    assert not dst.exists() or not tree(dst)


def test_secrets_are_never_told():
    refuse = serve(lambda h, path, q: h.answer(403))
    host = refuse.removeprefix("http://")
    uri = f"http://me:hidden-password@{host}/m.zip?X-Amz-Signature=hidden-signature"
    log = folder("log")
    out = fetch(uri, log, code=1, PROA_MODEL_CACHE=str(folder("secret-cache")), **IN_CLEAR)
    assert "hidden" not in out + (BASE / "termination-log").read_text(), out
    good = serve(lambda h, path, q: h.content(b"x", [("ETag", '"1"')]))
    fetch(f"{good}/m.bin?sig=hidden-signature", folder("log2"), PROA_MODEL_CACHE=str(BASE / "secret-cache"), **IN_CLEAR)
    told = "".join(str(p) + (p.read_text(errors="replace") if p.is_file() else "") for p in (BASE / "secret-cache").rglob("*"))
    assert "hidden" not in told


def test_a_mirror_stands_for_each_scheme():
    mirror = folder("mirror")
    (mirror / "m").mkdir(parents=True)
    (mirror / "m/f").write_bytes(b"mirrored")
    for prefix in ("s3://b", "oss://b", "gs://b", "hf://owner", "modelscope://owner", "oci://reg.io/team", "hdfs://root", "webhdfs://root",
                   "https://acc.blob.core.windows.net/c", "https://h.example/x", "ms://o", "oci+fetch://reg.io/t"):
        dst = folder("mirrored")
        fetch(f"{prefix}/m", dst, options=["--mirror", f"{prefix}={mirror}"])
        same(dst, {"f": b"mirrored"})
