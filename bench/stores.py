"""What `proa fetch` takes beside curl: one big object, and many small ones from a server that is far away."""
import http.server
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

from measure import row

BIG = 1 << 30
SMALL, FAR = 300, 0.02


class Handler(http.server.BaseHTTPRequestHandler):
    """An object store with one big object, `big.bin`, and a bucket's listing of many small ones."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def head(self, status, size, *headers):
        self.send_response(status)
        for k, v in (("Accept-Ranges", "bytes"), ("Content-Length", str(size)), *headers):
            self.send_header(k, v)
        self.end_headers()

    def do_HEAD(self):
        self.head(200, BIG, ("ETag", '"1"'))

    def do_GET(self):
        time.sleep(self.server.delay)
        if "list-type" in self.path:
            items = "".join(f"<Contents><Key>m/f{i}</Key><Size>1000</Size><ETag>e{i}</ETag></Contents>" for i in range(SMALL))
            body = f"<ListBucketResult>{items}</ListBucketResult>".encode()
            self.head(200, len(body))
            return self.wfile.write(body)
        if "/m/f" in self.path:
            self.head(200, 1000, ("ETag", f'"e{self.path.split("/m/f")[1]}"'))
            return self.wfile.write(b"x" * 1000)
        asked = self.headers.get("Range")
        a, b = map(int, asked[6:].split("-")) if asked else (0, BIG - 1)
        self.head(206 if asked else 200, b - a + 1, ("ETag", '"1"'), *([("Content-Range", f"bytes {a}-{b}/{BIG}")] if asked else []))
        self.wfile.flush()
        with open(self.server.big, "rb") as f:
            while a <= b:
                a += os.sendfile(self.connection.fileno(), f.fileno(), a, min(b + 1 - a, 1 << 20))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    delay = 0


def bench_stores(proa):
    base = pathlib.Path(tempfile.mkdtemp(prefix="proa-bench-stores-"))
    server = Server(("127.0.0.1", 0), Handler)
    server.big = base / "big.bin"
    server.big.write_bytes(os.urandom(1 << 20) * (BIG >> 20))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    env = dict(os.environ, PROA_FETCH_ALLOW="127.0.0.1", AWS_ENDPOINT_URL=url, PROA_TERMINATION_LOG="/dev/null")

    def timed(*argv):
        for made in ("dst", "curl"):
            shutil.rmtree(base / made, ignore_errors=True)
        (base / "curl").mkdir()
        start = time.monotonic()
        subprocess.run([str(a) for a in argv], env=env, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - start
    try:
        ours, theirs = [], []
        for _ in range(3):  # in turn, so that a change of the machine's pace meets both
            theirs.append(timed("curl", "-s", "-o", base / "curl/big", f"{url}/big.bin"))
            ours.append(timed(proa, "fetch", f"{url}/big.bin", base / "dst"))
        a, b = min(ours), min(theirs)
        row("proa fetch, one object of 1 GiB, with its SHA-256", f"{BIG / a / 1e6:,.0f} MB/s", f"{b / a:.2f} × curl, goal ≥ 0.9")
        server.delay = FAR
        each = timed("bash", "-c", f"for i in $(seq 0 {SMALL - 1}); do curl -s -o {base}/curl/f$i {url}/b/m/f$i; done")
        kept = timed("curl", "-s", f"{url}/b/m/f[0-{SMALL - 1}]", "-o", f"{base}/curl/#1")
        many = timed(proa, "fetch", "s3://bucket/m", base / "dst")
        row(f"proa fetch, {SMALL} objects of 1 kB, {FAR * 1000:.0f} ms away", f"{SMALL / many:,.0f} objects/s",
            f"{each / many:.1f} × curl for each, {kept / many:.1f} × one curl, goal ≥ 5")
    finally:
        server.shutdown()
        shutil.rmtree(base, ignore_errors=True)
