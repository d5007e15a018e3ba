"""`proa fetch` from S3 (moto, which serves STS too) and what speaks like it."""
import importlib.util
import io
import json
import sys
import tarfile

from harness import Skip
from store_servers import BASE, FILES, digest, fetch, folder, free_port, same, serve, start, tree


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
