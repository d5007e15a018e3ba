"""What the tests of `proa fetch` share: starting the real servers of each protocol, servers written here for what
has none, and running the command.

`./dev stores` puts the real ones below .tools/stores ($STORAGE_SERVERS names another folder): fake-gcs-server and
distribution's registry from Go modules, azurite from npm. moto and git come with the tests' own set-up. A server that
is not there skips its tests, by name.
"""
import atexit
import hashlib
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.parse

from harness import PROA, ROOT, Skip, wait_for

BASE = pathlib.Path(tempfile.mkdtemp(prefix="proa-stores-"))
SERVERS = pathlib.Path(os.environ.get("STORAGE_SERVERS", ROOT / ".tools/stores"))
IN_CLEAR = {"PROA_FETCH_ALLOW": "127.0.0.1"}
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
    server.handle_error = lambda *a: None  # clients that go away
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def server_program(name):
    """The path of a real server, or a skipped test."""
    for path in (SERVERS / name, SERVERS / "node_modules/.bin" / name):
        if path.exists():
            return path
    raise Skip(f"{name} is not installed: `./dev stores` installs it")
