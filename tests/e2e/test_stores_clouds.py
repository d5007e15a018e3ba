"""`proa fetch` from Azure (azurite, and a file share written here) and Google Cloud Storage (fake-gcs-server)."""
import base64
import hashlib
import urllib.parse

from store_servers import FILES, digest, fetch, folder, free_port, same, serve, server_program, start


def azurite():
    program = server_program("azurite-blob")
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


def test_gs_by_fake_gcs_server():
    program = server_program("fake-gcs-server")
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
