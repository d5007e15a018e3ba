"""Models from a real server of Google Cloud Storage's API, from HTTP, from a folder and from a claim."""
import http.server
import json
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
import urllib.request

from harness import ROOT, Platform, isvc, wait_for

NS = "stores"
GOOD = ROOT / "examples/iris/models/sklearn/1.0/model/model.joblib"
INPUT = '{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}'
files = pathlib.Path(tempfile.mkdtemp(prefix="proa-files-"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


port = free_port()
emulator = subprocess.Popen([pathlib.Path(sys.executable).parent / "gcp-storage-emulator", "start", "-M", "-q", f"--port={port}",
                             "--host=127.0.0.1", "--default-bucket=models"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
url = f"http://127.0.0.1:{port}"


def answers():
    try:
        return urllib.request.urlopen(f"{url}/storage/v1/b/models", timeout=2).status == 200
    except OSError:
        return False


wait_for("storage emulator", answers)


def upload(name, content):
    request = urllib.request.Request(f"{url}/upload/storage/v1/b/models/o?uploadType=media&name={urllib.parse.quote(name, safe='')}", content,
                                     {"Content-Type": "application/octet-stream"})
    assert urllib.request.urlopen(request).status == 200


p = Platform(mirrors={}, env={"STORAGE_EMULATOR_HOST": url, "PROA_FETCH_ALLOW": "private"})
p.namespace(NS)


def close():
    p.close()
    emulator.kill()
    emulator.wait()
    shutil.rmtree(files, ignore_errors=True)


def predicts(name):
    p.wait_ready(name, NS)
    assert p.curl(f"/v1/models/{name}:predict", host=f"{name}.{NS}.example.com", data=INPUT) == (200, '{"predictions": [1, 1]}')


def failure(name):
    def seen():
        return p.get("isvc", name, "-n", NS).get("status", {}).get("modelStatus", {}).get("lastFailureInfo")
    return wait_for(f"failure of {name}", seen, 60)


def test_a_prefix_in_a_bucket():
    upload("iris/v1/model.joblib", GOOD.read_bytes())
    p.apply(isvc("prefix", "gs://models/iris/v1"), NS)
    predicts("prefix")
    pod = p.pods(NS, "serving.kserve.io/inferenceservice=prefix")[0]["metadata"]["name"]
    assert "model.joblib" in p.kubectl("logs", pod, "-c", "storage-initializer", "-n", NS)


def test_one_object_and_an_archive():
    p.apply(isvc("object", "gs://models/iris/v1/model.joblib"), NS)
    with tarfile.open(files / "model.tar.gz", "w:gz") as tar:
        tar.add(GOOD, "model.joblib")
    upload("iris/model.tar.gz", (files / "model.tar.gz").read_bytes())
    p.apply(isvc("archive", "gs://models/iris/model.tar.gz"), NS)
    predicts("object")
    predicts("archive")


def test_a_bucket_that_is_not_there():
    p.apply(isvc("nobucket", "gs://nobody-has-this/iris"), NS)
    info = failure("nobucket")
    assert info["reason"] == "ModelLoadFailed" and "gs://nobody-has-this" in info["message"], info


def test_http():
    handler = lambda *a, **k: http.server.SimpleHTTPRequestHandler(*a, directory=str(GOOD.parent), **k)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    p.apply(isvc("web", f"http://127.0.0.1:{server.server_port}/model.joblib"), NS)
    predicts("web")
    server.shutdown()


def test_a_folder_by_file_uri():
    p.apply(isvc("folder", f"file://{GOOD.parent}"), NS)
    predicts("folder")


def test_a_persistent_volume_claim():
    p.kubectl("apply", "-n", NS, "-f", "-", stdin=json.dumps({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "claim"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}))
    claim = wait_for("bound claim", lambda: (lambda c: c if c.get("status", {}).get("phase") == "Bound" else None)(p.get("pvc", "claim", "-n", NS)))
    volume = p.get("pv", claim["spec"]["volumeName"])
    folder = pathlib.Path(volume["spec"]["hostPath"]["path"]) / "iris"
    folder.mkdir(parents=True)
    shutil.copy(GOOD, folder)
    p.apply(isvc("claimed", "pvc://claim/iris"), NS)
    predicts("claimed")


def test_scaling_from_zero_downloads_nothing():
    """With the store gone, a pod made anew serves from the cache."""
    emulator.kill()
    emulator.wait()
    p.kubectl("delete", "pod", "-n", NS, "-l", "serving.kserve.io/inferenceservice=prefix")
    predicts("prefix")
