"""The pages of docs/ for users, run as they are written; only the ports are this test's own."""
import os
import re
import socket
import subprocess

from harness import KUBECTL, ROOT, Platform

p = Platform()


def close():
    p.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def commands(page):
    """The indented blocks of a page, but for formulas; one in a list is indented by two more."""
    lines = [line[4:] for line in (ROOT / "docs" / page).read_text().split("\n") if line.startswith("    ") and "wanted = " not in line]
    text = re.sub(r"(?m)^  (kubectl|curl)", r"\1", "\n".join(lines))
    text = re.sub(r"(localhost|svc\.cluster\.local):8080", rf"\1:{p.port}", text)
    for port in ("8443", "8090"):
        text = text.replace(port, free_port())
    return text


def run(page):
    path = f"{os.path.dirname(KUBECTL)}:{os.environ['PATH']}" if "/" in KUBECTL else os.environ["PATH"]
    done = subprocess.run(["bash", "-e", "-x", "-o", "pipefail"], input=commands(page), text=True, capture_output=True, timeout=240,
                          env=dict(os.environ, KUBECONFIG=p.kubeconfig, PATH=path))
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    return done.stdout


def test_autoscaling():
    out = run("AUTOSCALING.md")
    assert out.count('{"predictions": [1]}') == 2 and "ColdStart" in out, out
    assert "busy-predictor" in out, out


def test_canary():
    out = run("CANARY.md")
    assert out.count('{"predictions": [1]}') == 4 and "named-next-predictor" in out and "\n200\n" in out, out
    assert re.search(r"iris .* 80 +20 ", out) and re.search(r"iris .* 100 +0 ", out) and "gs://kfserving-examples/absent" in out, out


def test_gateway():
    out = run("GATEWAY.md")
    answers = [line for line in out.splitlines() if line in ("v1", "v2", "503")]
    assert answers[0] == "v1" and answers[2:5] == ["v2", "503", "v1"] and answers[5] in ("v1", "v2"), out
