"""`proa fetch` over WebHDFS, by a name node and data nodes written here, and from git, by its own http-backend."""
import base64
import gzip
import http.server
import json
import os
import shutil
import subprocess
import threading
import urllib.parse

from harness import Skip
from store_servers import IN_CLEAR, Handler, fetch, folder, same, serve, tree


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
