"""`proa fetch` from registries: distribution's own, and one written here that asks for tokens."""
import base64
import gzip
import hashlib
import io
import json
import tarfile
import urllib.parse
import urllib.request

from store_servers import IN_CLEAR, fetch, folder, free_port, same, serve, server_program, start


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
    program = server_program("registry")
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
