"""`proa fetch` on networks and machines as they are: failing, slow, cut off, full, hostile; and the cache of a machine."""
import os
import shutil
import subprocess
import time

from harness import PROA, wait_for
from store_servers import BASE, IN_CLEAR, fetch, folder, same, serve, tree


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
