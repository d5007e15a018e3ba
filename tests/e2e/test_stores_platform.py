"""Stores through `kubectl apply`: whose word opens a private address, what a failed download says in `kubectl describe isvc`,
progress and digest in status, one download for all pods of the machine, and pins of the cache that go with their pods."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

from harness import KUBECTL, PROA, ROOT, Platform, Skip, isvc, wait_for
from store_servers import digest, serve
from test_stores_oci import tar

NS = "stores"
GOOD = (ROOT / "examples/iris/models/sklearn/1.0/model/model.joblib").read_bytes()
INPUT = '{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}'
p = Platform(mirrors={})
p.namespace(NS)


def close():
    p.close()


class Bucket:
    """An S3 server with one bucket, `models`; `hold` keeps the second half of large objects back until it is set."""

    def __init__(self, objects, key=None):
        self.objects, self.key, self.asked, self.hold = objects, key, [], threading.Event()
        self.hold.set()
        self.url = serve(self.get)

    def get(self, h, path, q):
        if self.key and f"Credential={self.key}/" not in h.headers.get("Authorization", ""):
            return h.answer(403, b"<Error><Code>InvalidAccessKeyId</Code><Message>no such key</Message></Error>")
        if "list-type" in q:
            items = "".join(f"<Contents><Key>{k}</Key><Size>{len(v)}</Size><ETag>&quot;{hashlib.md5(v).hexdigest()}&quot;</ETag></Contents>"
                            for k, v in sorted(self.objects.items()) if k.startswith(q["prefix"]))
            return h.answer(200, f"<ListBucketResult>{items}</ListBucketResult>".encode())
        name = path.removeprefix("/models/")
        body = self.objects[name]
        self.asked.append(name)
        if len(body) > 1 << 20 and not self.hold.is_set():
            h.send_response(200)
            for k, v in (("Content-Length", str(len(body))), ("ETag", f'"{hashlib.md5(body).hexdigest()}"')):
                h.send_header(k, v)
            h.end_headers()
            h.wfile.write(body[:len(body) // 2])
            h.wfile.flush()
            self.hold.wait(25)
            return h.wfile.write(body[len(body) // 2:])
        h.content(body, [("ETag", f'"{hashlib.md5(body).hexdigest()}"')])


def secret(name, data, where=p, **more):
    where.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, **more.pop("metadata", {})}, "stringData": data, **more}), NS)


def storage_config(**entries):
    secret("storage-config", {k: v if isinstance(v, str) else json.dumps(v) for k, v in entries.items()})


def s3_entry(url, key="AKIAGOOD"):
    return {"type": "s3", "access_key_id": key, "secret_access_key": "secret-of-the-test", "endpoint_url": url, "region": "us-east-1", "bucket": "models"}


def with_storage(name, path, key=None, parameters=None, mode="Knative"):
    storage = {"path": path, **({"key": key} if key else {}), **({"parameters": parameters} if parameters else {})}
    return json.dumps({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "metadata": {"name": name, "annotations": {"serving.kserve.io/deploymentMode": mode}},
                       "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storage": storage}}}})


def predicts(name, where=p):
    where.wait_ready(name, NS, 60)
    host = where.get("isvc", name, "-n", NS)["status"]["url"].split("//")[1]
    status, body = where.curl(f"/v1/models/{name}:predict", host=host, data=INPUT)
    assert (status, body) == (200, '{"predictions": [1, 1]}'), (status, body)


def condition(name, kind, where=p):
    for c in where.get("isvc", name, "-n", NS).get("status", {}).get("conditions", []):
        if c["type"] == kind:
            return c
    return {"status": None, "message": ""}


def says(name, *words, where=p):
    """The Ready condition is False with all words in its one line, which `kubectl describe` shows."""
    def told():
        c = condition(name, "Ready", where)
        return c["status"] == "False" and all(w in c.get("message", "") for w in words) and c["message"]
    try:
        line = wait_for(f"{words} about {name}", told, 40)
    except AssertionError as e:
        raise AssertionError(f"{e}: {json.dumps(where.get('isvc', name, '-n', NS).get('status', {}), indent=1)}")
    assert "\n" not in line.strip() and "secret-of-the-test" not in line, line
    described = where.kubectl("describe", "isvc", name, "-n", NS)
    assert line[:60] in described, described
    return line


# Whose word counts.

def test_an_endpoint_that_a_secret_names_may_be_at_a_private_address():
    bucket = Bucket({"iris/model.joblib": GOOD}, key="AKIAGOOD")
    storage_config(minio=s3_entry(bucket.url))
    p.apply(with_storage("minio", "iris", "minio"), NS)
    predicts("minio")


def test_an_endpoint_that_the_service_names_itself_may_not():
    bucket = Bucket({"iris/model.joblib": GOOD})
    p.apply(with_storage("byspec", "iris", parameters={"type": "s3", "bucket": "models", "endpoint_url": bucket.url}), NS)
    says("byspec", "127.0.0.1, a private address", "PROA_FETCH_ALLOW=127.0.0.1")
    assert not bucket.asked


def test_a_private_address_in_the_uri_says_which_setting_allows_it():
    inside = serve(lambda h, path, q: h.content(GOOD))
    p.apply(isvc("inside", f"{inside}/model.joblib"), NS)
    says("inside", "127.0.0.1, a private address", "PROA_FETCH_ALLOW=127.0.0.1")
    p.apply(isvc("metadata", "http://169.254.169.254/latest/meta-data"), NS)
    says("metadata", "169.254.169.254, a private address")


def test_an_image_pull_secret_opens_a_private_registry():
    layer = tar([("models/model.joblib", GOOD)])
    name = "sha256:" + hashlib.sha256(layer).hexdigest()
    manifest = json.dumps({"schemaVersion": 2, "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": name, "size": len(layer)}]}).encode()

    def get(h, path, q):
        if h.headers.get("Authorization") != "Basic " + base64.b64encode(b"me:secret-of-the-test").decode():
            return h.answer(401, headers=[("WWW-Authenticate", 'Basic realm="registry"')])
        if path == "/v2/":
            return h.answer(200)
        return h.answer(200, manifest) if "/manifests/" in path else h.content(layer)
    host = serve(get).removeprefix("http://")
    p.apply(isvc("nologin", f"oci://{host}/team/iris:v1"), NS)
    says("nologin", host.split(":")[0])
    config = json.dumps({"auths": {host: {"auth": base64.b64encode(b"me:secret-of-the-test").decode()}}})
    secret("registry-login", {".dockerconfigjson": config}, type="kubernetes.io/dockerconfigjson")
    secret("other-login", {".dockerconfigjson": '{"auths": {}}'}, type="kubernetes.io/dockerconfigjson")
    p.apply(isvc("login", f"oci://{host}/team/iris:v1", imagePullSecrets=[{"name": "other-login"}, {"name": "registry-login"}, {"name": "absent"}]), NS)
    predicts("login")
    p.apply(json.dumps({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "puller"}, "imagePullSecrets": [{"name": "registry-login"}]}), NS)
    p.apply(isvc("byaccount", f"oci://{host}/team/iris:v1", serviceAccountName="puller"), NS)
    predicts("byaccount")


# What is said.

def test_a_bad_secret_gives_one_line():
    bucket = Bucket({"iris/model.joblib": GOOD}, key="AKIAGOOD")
    storage_config(wrongkey=s3_entry(bucket.url, "AKIAWRONG"), nojson="{not json")
    p.apply(with_storage("nokey", "iris", "absent"), NS)
    says("nokey", "specified storage key absent not found in storage secret storage-config")
    p.apply(with_storage("wrongkey", "iris", "wrongkey"), NS)
    says("wrongkey", "S3 authentication failed", "the given key may not read it (InvalidAccessKeyId: no such key)")
    p.apply(with_storage("nojson", "iris", "nojson"), NS)
    says("nojson", "invalid json encountered in key nojson of storage secret storage-config")


def test_a_bad_uri_gives_one_line():
    for name, uri, words in (("nobucket", "s3:///model", ["s3:///model"]), ("climbs", "s3://models/../../etc", ["s3://models/../../etc"]),
                             ("norev", "hf://owner", ["hf://owner"])):
        p.apply(isvc(name, uri), NS)
        says(name, *words)


def test_a_full_disk_gives_one_line():
    data = pathlib.Path(tempfile.mkdtemp(prefix="proa-e2e-full-"))
    (data / "models").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=755", "proa-test", data / "models"], capture_output=True).returncode:
        shutil.rmtree(data)
        raise Skip("this user may not mount a small disk")
    small = Platform(mirrors={}, data=data, env={"PROA_FETCH_ALLOW": "127.0.0.1"})
    try:
        small.namespace(NS)
        big = os.urandom(16 << 20)
        known = serve(lambda h, path, q: h.content(big, [("ETag", '"1"')]))
        small.apply(isvc("known", f"{known}/model.joblib"), NS)
        says("known", "the disk is too full: the model has 16.0 MiB, but only", "are free in /var/cache/proa/models", where=small)

        def unsized(h, path, q):
            h.send_response(200)
            h.send_header("Connection", "close")
            h.end_headers()
            if h.command == "GET":
                h.wfile.write(big)
            h.close_connection = True
        small.apply(isvc("unsized", f"{serve(unsized)}/model.joblib"), NS)
        says("unsized", "the disk is full: no space left in /var/cache/proa/models for", "model.joblib", where=small)
        fits = serve(lambda h, path, q: h.content(GOOD, [("ETag", '"2"')]))
        small.apply(isvc("fits", f"{fits}/model.joblib"), NS)
        predicts("fits", small)
        # What nothing uses any more gives way.
        files = {f"{n}/{f}": b for n, size in (("old", 3 << 20), ("new", 4 << 20)) for f, b in (("model.joblib", GOOD), ("notes.bin", os.urandom(size)))}
        secret("storage-config", {"s3": json.dumps(s3_entry(Bucket(files).url))}, small)
        small.apply(with_storage("old", "old", "s3"), NS)
        predicts("old", small)
        small.apply(with_storage("new", "new", "s3"), NS)
        says("new", "the disk is too full: the model has 4.0 MiB, but only", where=small)
        small.kubectl("delete", "isvc", "old", "-n", NS)
        predicts("new", small)
    finally:
        small.close()
        subprocess.run(["umount", "-l", data / "models"], capture_output=True)
        shutil.rmtree(data, ignore_errors=True)


def test_status_shows_how_far_a_download_is_and_then_what_was_loaded():
    files = {"model.joblib": GOOD, "notes.bin": os.urandom(12 << 20)}
    bucket = Bucket({f"slow/{k}": v for k, v in files.items()}, key="AKIAGOOD")
    bucket.hold.clear()
    storage_config(slow=s3_entry(bucket.url))
    p.apply(with_storage("slow", "slow", "slow"), NS)
    try:
        c = wait_for("progress in status", lambda: (c := condition("slow", "ModelFetched")) and c["status"] == "Unknown" and c, 20)
        assert c["reason"] == "Fetching" and c["severity"] == "Info", c
        for word in ("fetching ", " of 12.0 MiB (", "/s"):
            assert word in c["message"], c
        pod = p.pods(NS, "serving.kserve.io/inferenceservice=slow")[0]
        assert [c for c in pod["status"]["conditions"] if c["type"] == "proa.dev/ModelFetched" and c["status"] == "False"], pod["status"]["conditions"]
    finally:
        bucket.hold.set()
    predicts("slow")
    c = wait_for("digest in status", lambda: (c := condition("slow", "ModelFetched")) and c["status"] == "True" and c)
    assert c["message"] == f"{digest(files)} /mnt/models", c
    assert digest(files) in p.kubectl("describe", "isvc", "slow", "-n", NS)


def test_the_page_about_stores_as_it_is_written():
    blocks = "\n".join(line[4:] for line in (ROOT / "docs/STORAGE.md").read_text().split("\n") if line.startswith("    "))
    done = subprocess.run(["bash", "-e", "-o", "pipefail"], input=blocks, text=True, capture_output=True, timeout=60, cwd=ROOT,
                          env=dict(os.environ, KUBECONFIG=p.kubeconfig, PATH=f"{os.path.dirname(PROA)}:{os.path.dirname(KUBECTL)}:{os.environ['PATH']}"))
    shutil.rmtree("/tmp/iris", ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    fetched, made = done.stdout.index("sha256:"), done.stdout.index("secret/storage-config created")
    assert fetched < made, done.stdout
    shown = done.stdout[fetched + 7:fetched + 71]
    assert f"{shown}  -" in done.stdout, done.stdout


# The cache of the machine.

def test_two_services_with_one_uri_share_one_download_and_its_pins_go_with_them():
    bucket = Bucket({"shared/model.joblib": GOOD, "shared/notes.bin": os.urandom(4 << 20)}, key="AKIAGOOD")
    bucket.hold.clear()
    storage_config(shared=s3_entry(bucket.url))
    names = {"shared-a": "Knative", "shared-b": "Standard"}
    p.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [json.loads(with_storage(n, "shared", "shared", mode=m)) for n, m in names.items()]}), NS)
    wait_for("the first to ask", lambda: "shared/notes.bin" in bucket.asked)

    def initializers():
        pods = [x for n in names for x in p.pods(NS, f"serving.kserve.io/inferenceservice={n}")]
        return len([1 for x in pods for s in x["status"].get("initContainerStatuses", []) if "running" in s["state"]]) == 2
    wait_for("both initializers", initializers)
    bucket.hold.set()
    for n in names:
        predicts(n)
    assert sorted(bucket.asked) == ["shared/model.joblib", "shared/notes.bin"], bucket.asked

    def pins():
        return [f for f in (p.data / "models").glob("*/pins/*") if "shared-" in f.name]
    assert len(pins()) == 2, pins()
    p.kubectl("delete", "isvc", "shared-a", "-n", NS)
    wait_for("the pin of the service that is gone to go", lambda: len(pins()) == 1, 30)
    assert "shared-b" in pins()[0].name
    p.kubectl("delete", "isvc", "shared-b", "-n", NS)
    wait_for("the other to go", lambda: not pins(), 30)
