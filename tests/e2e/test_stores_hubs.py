"""`proa fetch` from the hubs: Hugging Face and ModelScope, as they speak."""
import hashlib
import json

from store_servers import FILES, fetch, folder, same, serve


def blob_sha1(body):
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def hub(broken=False):
    big = FILES["sub/weights.bin"]
    commit = "c" * 40
    cdn = serve(lambda h, path, q: h.answer(400) if "Authorization" in h.headers else h.content(big if not broken else big[:-1] + b"x"))

    def get(h, path, q):
        if h.headers.get("Authorization") != "Bearer hf_the_token":
            return h.answer(401, headers=[("X-Error-Code", "RepoNotFound")])
        if path == "/api/models/owner/gated/revision/main":
            return h.answer(403, headers=[("X-Error-Code", "GatedRepo")])
        if path == "/api/models/owner/model/revision/main" or path == "/api/models/owner/model/revision/v1":
            return h.answer(200, json.dumps({"sha": commit}).encode())
        if path.startswith("/api/models/owner/model/revision/"):
            return h.answer(404, headers=[("X-Error-Code", "RevisionNotFound")])
        if path == f"/api/models/owner/model/tree/{commit}":
            if "cursor" not in q:
                first = [{"type": "directory", "path": "sub", "oid": "x"}, {"type": "file", "path": "config.json", "size": 2, "oid": blob_sha1(b"{}")}]
                return h.answer(200, json.dumps(first).encode(), [("Link", f'<http://{h.headers["Host"]}{path}?recursive=true&cursor=2>; rel="next"')])
            second = [{"type": "file", "path": "sub/weights.bin", "size": len(big), "oid": "p", "lfs": {"oid": hashlib.sha256(big).hexdigest(), "size": len(big)}}]
            return h.answer(200, json.dumps(second).encode())
        if path == f"/owner/model/resolve/{commit}/config.json":
            return h.content(b"{}")
        if path == f"/owner/model/resolve/{commit}/sub/weights.bin":
            return h.answer(302, headers=[("Location", f"{cdn}/x?Signature=secret")])
        h.answer(404)
    return serve(get)


def test_hugging_face():
    env = {"HF_ENDPOINT": hub(), "HF_TOKEN": "hf_the_token", "PROA_FETCH_ALLOW": "127.0.0.1"}
    for uri in ("hf://owner/model", "hf://owner/model:v1"):
        dst = folder("hf")
        fetch(uri, dst, **env)
        same(dst, {"config.json": b"{}", "sub/weights.bin": FILES["sub/weights.bin"]})
    assert "HuggingFace resource 'owner/model' not found. If it is private, set HF_TOKEN." in fetch("hf://owner/model", dst, code=1, HF_ENDPOINT=env["HF_ENDPOINT"])
    assert "revision 'none' of 'owner/model' not found" in fetch("hf://owner/model:none", dst, code=1, **env)
    assert "is gated" in fetch("hf://owner/gated", dst, code=1, **env)
    env["HF_ENDPOINT"] = hub(broken=True)
    assert "was damaged on the way: it has sha256" in fetch("hf://owner/model", folder("hf-bad"), code=1, **env)


def test_modelscope():
    body = b"weights"

    def get(h, path, q):
        if path == "/api/v1/models/o/m/repo/files":
            assert q["Revision"] == "v2" and "m_session_id=ms-token-1" in h.headers["Cookie"]
            files = [{"Type": "tree", "Path": "d"}, {"Type": "blob", "Path": "d/w.bin", "Size": 7, "Sha256": hashlib.sha256(body).hexdigest()}]
            return h.answer(200, json.dumps({"Code": 200, "Data": {"Files": files}}).encode())
        assert (path, q["FilePath"]) == ("/api/v1/models/o/m/repo", "d/w.bin")
        h.content(body)
    dst = folder("ms")
    fetch("modelscope://o/m:v2", dst, MODELSCOPE_ENDPOINT=serve(get), MODELSCOPE_API_TOKEN="ms-token-1")
    same(dst, {"d/w.bin": body})
