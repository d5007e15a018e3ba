"""`proa serve` alone on a folder with a model, asked over REST and gRPC; for the tests of this folder."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROA = os.environ["PROA"]


def engines():
    """The folder with the engines' libraries: installed at need."""
    folder = os.environ.get("PROA_ENGINES_DIR") or str(ROOT / ".tools" / "engines")
    missing = [name for name in ("onnxruntime", "openvino") if not pathlib.Path(folder, name).is_dir()]
    if missing:
        subprocess.run([ROOT / "tools/engines/install", "--to", folder, *missing], check=True)
    return folder


class Served:
    def __init__(self, folder, name="m", flags=(), env=None):
        self.name = name
        self.process = subprocess.Popen(
            [PROA, "serve", f"--model_name={name}", f"--model_dir={folder}", "--http_host=127.0.0.1", "--http_port=0", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PROA_ENGINES_DIR": engines(), **(env or {})})
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            found = re.search(r"ready at http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                self.grpc_port = int(re.search(r"grpc=(\d+)", line).group(1))
                return
        self.process.wait()
        raise AssertionError("".join(self.lines))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(20) == 0, "the server did not end well"

    def ask(self, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, data, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text)

    def v1(self, **body):
        status, answer = self.ask(f"/v1/models/{self.name}:predict", body)
        assert status == 200, answer
        return answer["predictions"] if "predictions" in answer else answer["outputs"]

    def v2(self, inputs, **body):
        return self.ask(f"/v2/models/{self.name}/infer", {"inputs": inputs, **body})

    def metadata(self):
        return self.ask(f"/v2/models/{self.name}")[1]


def refusal(folder, flags=(), env=None):
    """What `proa serve` says of a model that it does not load."""
    try:
        with Served(folder, flags=flags, env=env):
            pass
    except AssertionError as e:
        return str(e)
    raise AssertionError("it was loaded")


@contextlib.contextmanager
def folder_with(**files):
    """A folder with these files for as long as the block lasts; __ in a name stands for a point."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            pathlib.Path(folder, name.replace("__", ".")).write_bytes(content)
        yield folder
