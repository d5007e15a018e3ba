"""Every store by `kubectl apply` and a prediction: real servers where they are installed, credentials in the Secrets that
KServe's documentation shows."""
import hashlib
import json
import urllib.parse
import urllib.request

from harness import ROOT, Platform, isvc
from store_servers import folder, free_port, serve, server_program, start
from test_stores_clouds import AZURE_KEY, azure_put, azurite
from test_stores_oci import tar
from test_stores_s3 import moto

NS = "apply"
GOOD = (ROOT / "examples/iris/models/sklearn/1.0/model/model.joblib").read_bytes()
INPUT = '{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}'
gcs_port, registry_port = free_port(), free_port()
p = Platform(mirrors={}, env={"STORAGE_EMULATOR_HOST": f"127.0.0.1:{gcs_port}", "PROA_INSECURE_REGISTRIES": f"127.0.0.1:{registry_port}"})
p.namespace(NS)


def close():
    p.close()


def account(name, data, annotations=None, **more):
    """A ServiceAccount with one Secret of these keys."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{name}-secret", "annotations": annotations or {}}, "stringData": data, **more}
    sa = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, "secrets": [{"name": f"{name}-secret"}]}
    p.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret, sa]}), NS)


def predicts(name, uri, **predictor):
    p.apply(isvc(name, uri, **predictor), NS)
    try:
        p.wait_ready(name, NS, 60)
    except AssertionError as e:
        raise AssertionError(f"{e}\n{json.dumps(p.get('isvc', name, '-n', NS).get('status', {}), indent=1)}")
    status, body = p.curl(f"/v1/models/{name}:predict", host=f"{name}.{NS}.example.com", data=INPUT)
    assert (status, body) == (200, '{"predictions": [1, 1]}'), (status, body)


def test_s3_with_the_keys_and_annotations_of_a_secret():
    url = moto()
    import boto3
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    client.put_object(Bucket="models", Key="iris/model.joblib", Body=GOOD)
    account("s3", {"AWS_ACCESS_KEY_ID": "minio", "AWS_SECRET_ACCESS_KEY": "minio123"},
            {"serving.kserve.io/s3-endpoint": url.removeprefix("http://"), "serving.kserve.io/s3-usehttps": "0", "serving.kserve.io/s3-region": "us-east-1"})
    predicts("s3", "s3://models/iris", serviceAccountName="s3")


def test_gs_from_fake_gcs_server():
    program = server_program("fake-gcs-server")
    data = folder("gcs-apply") / "models/iris"
    data.mkdir(parents=True)
    (data / "model.joblib").write_bytes(GOOD)
    start([program, "-scheme", "http", "-host", "127.0.0.1", "-port", gcs_port, "-backend", "memory", "-data", data.parent.parent], gcs_port)
    predicts("gs", "gs://models/iris")


def test_azure_with_a_storage_key():
    url = azurite()
    azure_put(f"{url}/models?restype=container")
    azure_put(f"{url}/models/iris/model.joblib", {"x-ms-blob-type": "BlockBlob"}, GOOD)
    account("azure", {"AZURE_STORAGE_ACCESS_KEY": AZURE_KEY, "AZURE_SERVICE_URL": url})
    predicts("azure", "https://devstoreaccount1.blob.core.windows.net/models/iris", serviceAccountName="azure")


def test_oss_with_its_keys():
    def get(h, path, q):
        assert "Credential=ak-id/" in h.headers["Authorization"], h.headers
        if "list-type" in q:
            return h.answer(200, f"<ListBucketResult><Contents><Key>iris/model.joblib</Key><Size>{len(GOOD)}</Size><ETag>\"E\"</ETag></Contents></ListBucketResult>".encode())
        h.content(GOOD)
    account("oss", {"OSS_ACCESS_KEY_ID": "ak-id", "OSS_ACCESS_KEY_SECRET": "ak-secret", "OSS_ENDPOINT": serve(get), "OSS_REGION": "cn-beijing"})
    predicts("oss", "oss://models/iris", serviceAccountName="oss")


def test_a_hub_with_a_token():
    sha = hashlib.sha1(b"blob %d\0" % len(GOOD) + GOOD).hexdigest()

    def get(h, path, q):
        if h.headers.get("Authorization") != "Bearer hf_token":
            return h.answer(401)
        if path.endswith("/revision/main"):
            return h.answer(200, json.dumps({"sha": "c" * 40}).encode())
        if "/tree/" in path:
            return h.answer(200, json.dumps([{"type": "file", "path": "model.joblib", "size": len(GOOD), "oid": sha}]).encode())
        h.content(GOOD)
    account("hub", {"HF_TOKEN": "hf_token", "HF_ENDPOINT": serve(get)})
    predicts("hub", "hf://owner/iris", serviceAccountName="hub")


def test_hdfs_with_its_secret():
    def get(h, path, q):
        assert q.get("user.name") == "hadoop", q
        name = path.removeprefix("/webhdfs/v1/data/")
        if q["op"] == "GETFILESTATUS":
            return h.answer(200, b'{"FileStatus": {"type": "DIRECTORY", "length": 0, "pathSuffix": ""}}') if name == "iris" else h.answer(404)
        if q["op"] == "LISTSTATUS":
            status = {"pathSuffix": "model.joblib", "type": "FILE", "length": len(GOOD), "fileId": 7, "modificationTime": 1}
            return h.answer(200, json.dumps({"FileStatuses": {"FileStatus": [status]}}).encode())
        h.answer(200, GOOD)
    account("hdfs", {"HDFS_NAMENODE": serve(get), "HDFS_ROOTPATH": "/data", "HDFS_USER": "hadoop"})
    predicts("hdfs", "hdfs://iris", serviceAccountName="hdfs")


def test_a_web_server_with_headers():
    def get(h, path, q):
        h.content(GOOD, [("ETag", '"1"')]) if h.headers.get("X-Key") == "opens" else h.answer(401)
    url = serve(get)
    account("web", {"https-host": url.removeprefix("http://"), "headers": "X-Key: opens\n"})
    predicts("web", f"{url}/model.joblib", serviceAccountName="web")


def test_oci_from_distributions_registry():
    program, data = server_program("registry"), folder("registry-apply")
    data.mkdir()
    (data / "config.yml").write_text(f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {data}\nhttp:\n  addr: 127.0.0.1:{registry_port}\n")
    start([program, "serve", data / "config.yml"], registry_port)
    base, layer = f"http://127.0.0.1:{registry_port}/v2/team/iris", tar([("models/model.joblib", GOOD)])
    blobs = {"sha256:" + hashlib.sha256(b).hexdigest(): b for b in (layer, b"{}")}
    for d, body in blobs.items():
        r = urllib.request.urlopen(urllib.request.Request(f"{base}/blobs/uploads/", method="POST", data=b""))
        urllib.request.urlopen(urllib.request.Request(f"{urllib.parse.urljoin(base, r.headers['Location'])}&digest={d}", method="PUT", data=body,
                                                      headers={"Content-Type": "application/octet-stream"}))
    kinds = ["application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.config.v1+json"]
    parts = [{"mediaType": k, "digest": d, "size": len(b)} for k, (d, b) in zip(kinds, blobs.items())]
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": parts[1], "layers": parts[:1]}
    urllib.request.urlopen(urllib.request.Request(f"{base}/manifests/v1", method="PUT", data=json.dumps(manifest).encode(), headers={"Content-Type": manifest["mediaType"]}))
    predicts("oci", f"oci://127.0.0.1:{registry_port}/team/iris:v1")
