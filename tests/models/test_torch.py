"""TorchScript files that libtorch and PyTorch wrote, answered by proa: equal to what PyTorch says. What needs Python is refused with the way out."""
import json
import os
import pathlib
import subprocess
import tempfile
import zipfile

import numpy as np

from served import PROA, Served, engines, folder_with, refusal

MAKER = pathlib.Path(PROA).parent.parent / "models/engines/torch/plugin/make_torchscript"
# By PyTorch itself, where the system's Python has it: prints what it answers to what it was asked.
PYTORCH = """
import json, sys, torch
torch.manual_seed(1)
folder = sys.argv[1]

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.line = torch.nn.Linear(4 * 8 * 8, 10)
    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return torch.log_softmax(self.line(torch.flatten(torch.nn.functional.max_pool2d(x, 2), 1)), 1)

class Words(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(50, 8)
        self.lstm = torch.nn.LSTM(8, 6, batch_first=True)
    def forward(self, tokens: torch.Tensor):
        out, (h, c) = self.lstm(self.table(tokens))
        return out[:, -1], h[0]

class Loop(torch.nn.Module):
    def forward(self, x, steps: int = 3):
        for i in range(steps):
            if bool(x.sum() > 100):
                x = x - 1
            else:
                x = x * 2 + i
        return x

answers = {}
for name, model, given, script in (("conv", Net(), torch.randn(2, 1, 16, 16), False), ("words", Words(), torch.randint(0, 50, (3, 7)), True),
                                   ("loop", Loop(), torch.tensor([[1., 50.], [30., 4.]]), True)):
    model.eval()
    with torch.no_grad():
        out = model(given)
        made = torch.jit.script(model) if script else torch.jit.trace(model, given)
    made.save(f"{folder}/{name}.pt")
    out = out if isinstance(out, tuple) else (out,)
    answers[name] = {"given": given.flatten().tolist(), "shape": list(given.shape), "out": [o.flatten().tolist() for o in out]}
torch.save(Net().state_dict(), f"{folder}/weights.pt")
print(json.dumps(answers))
"""


def missing():
    """True, and said, where libtorch's plug-in is not there."""
    if pathlib.Path(engines(), "torch/libproa-torch.so").exists() and MAKER.exists():
        return False
    print("     libtorch is not installed (./dev engines torch): left out")
    return True


def made(folder, name):
    with tempfile.TemporaryDirectory() as all_of_them:
        subprocess.run([MAKER, all_of_them], check=True)
        path = pathlib.Path(folder, "model.pt")
        path.write_bytes(pathlib.Path(all_of_them, f"{name}.pt").read_bytes())
    return path


def archive(folder, manifest, **files):
    with zipfile.ZipFile(pathlib.Path(folder, "m.mar"), "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("MAR-INF/MANIFEST.json", json.dumps({"runtime": "python", "model": {"modelName": "m", "modelVersion": "1.0", **manifest}}))
        for name, content in files.items():
            z.writestr(name.replace("__", "."), content)


def test_a_linear_network_over_v1_and_v2():
    if missing():
        return
    w, b = np.array([[1, 2, 3, 4], [-1, .5, 0, .25]]), np.array([.5, -.5])
    rows = np.random.default_rng(0).standard_normal((5, 4)).round(3)
    with tempfile.TemporaryDirectory() as folder:
        made(folder, "dense")
        with Served(folder) as served:
            assert served.metadata()["platform"] == "pytorch_torchscript"
            assert np.abs(np.array(served.v1(instances=rows.tolist())) - (rows @ w.T + b)).max() < 1e-5
            status, answer = served.v2([{"name": "x", "shape": [5, 4], "datatype": "FP32", "data": rows.ravel().tolist()}])
            assert status == 200 and answer["outputs"][0]["shape"] == [5, 2], answer
            for bad in ([1, 3], [4, 1]):
                status, answer = served.v2([{"name": "x", "shape": bad, "datatype": "FP32", "data": [1.0] * bad[0] * bad[1]}])
                assert status == 400 and "mat" in answer["error"], answer
            status, answer = served.v2([{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1.0] * 4}])
            assert status == 400, answer  # weights of FP32
            assert np.abs(np.array(served.v1(instances=rows.tolist())) - (rows @ w.T + b)).max() < 1e-5


def test_several_tensors_and_their_datatypes():
    if missing():
        return
    with tempfile.TemporaryDirectory() as folder:
        made(folder, "several")
        with Served(folder) as served:
            assert [i["name"] for i in served.metadata()["inputs"]] == ["a", "b"]
            status, answer = served.v2([{"name": n, "shape": [3], "datatype": "FP32", "data": d} for n, d in (("a", [1, 2, 3]), ("b", [3, 2, 1]))])
            assert status == 200, answer
            got = [(o["name"], o["datatype"], o["data"]) for o in answer["outputs"]]
            assert got == [("output-0", "FP32", [4, 4, 4]), ("output-1", "FP32", [2, 4, 6]), ("output-2", "BOOL", [False, False, True]),
                           ("output-3", "INT64", [1, 2, 3])], got
        made(folder, "words")
        with Served(folder) as served:
            assert served.metadata()["inputs"][0]["datatype"] == "INT64"
            assert served.v1(instances=[[1, 2], [3, 9]]) == [[[2, 3], [4, 5]], [[6, 7], [18, 19]]]
            status, answer = served.v2([{"name": "tokens", "shape": [1, 1], "datatype": "INT64", "data": [10]}])
            assert status == 400 and "range" in answer["error"], answer
        made(folder, "changing")
        with Served(folder) as served:  # a module that changes its input changes a copy
            for _ in range(2):
                assert served.v1(instances=[[1, 2]]) == [[2], [3]]


def test_what_cannot_be_asked_by_tensors_is_refused_with_the_way_out():
    if missing():
        return
    with tempfile.TemporaryDirectory() as folder:
        made(folder, "dict")
        assert "wrap the module" in refusal(folder)
        made(folder, "int")
        assert "'n' is a int" in refusal(folder)


def test_archives_of_torchserve():
    with tempfile.TemporaryDirectory() as folder:
        archive(folder, {"serializedFile": "n.pt", "handler": "mine.py"}, n__pt=b"x", mine__py=b"import os")
        assert "mine.py, is Python code" in refusal(folder)
        archive(folder, {"serializedFile": "n.pt", "modelFile": "net.py", "handler": "image_classifier"}, n__pt=b"x")
        assert "net.py" in refusal(folder) and "torch.jit.script" in refusal(folder)
        if missing():
            return
        script = made(folder, "dense").read_bytes()
        os.unlink(pathlib.Path(folder, "model.pt"))
        archive(folder, {"serializedFile": "dense.pt", "handler": "base_handler"}, dense__pt=script)
        with Served(folder) as served:
            assert served.v1(instances=[{"data": [1, 1, 1, 1]}, {"data": [0, 0, 0, 0]}]) == [[10.5, -.75], [.5, -.5]]
            assert served.v1(instances=[[0, 0, 0, 0]]) == [[.5, -.5]]


def test_tensors_have_the_names_of_tritons_configuration():
    if missing():
        return
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "net/1").mkdir(parents=True)
        made(pathlib.Path(folder, "net/1"), "dense")
        pathlib.Path(folder, "net/config.pbtxt").write_text(
            'platform: "pytorch_libtorch" input { name: "INPUT__0" data_type: TYPE_FP32 dims: [-1, 4] } '
            'output { name: "OUTPUT__0" data_type: TYPE_FP32 dims: [-1, 2] }')
        with Served(folder) as served:
            status, answer = served.ask("/v2/models/net/infer", {"inputs": [{"name": "INPUT__0", "shape": [1, 4], "datatype": "FP32", "data": [0] * 4}]})
            assert status == 200 and answer["outputs"][0]["name"] == "OUTPUT__0" and answer["outputs"][0]["data"] == [.5, -.5], answer


def test_files_that_are_no_torchscript_say_what_they_are():
    with folder_with(model__pt=b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.") as folder:
        assert "no TorchScript file" in refusal(folder)
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(pathlib.Path(folder, "model.pt2"), "w") as z:
            z.writestr("serialized_exported_program.json", "{}")
        assert "torch.export" in refusal(folder)


def test_networks_of_pytorch_agree_with_it():
    if missing():
        return
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as serving:
        if subprocess.run(["/usr/bin/python3", "-c", "import torch"], capture_output=True).returncode:
            print("     the system's Python has no PyTorch: left out")
            return
        program = pathlib.Path(folder, "program.py")  # torch.jit.script reads the source
        program.write_text(PYTORCH)
        done = subprocess.run(["/usr/bin/python3", program, folder], capture_output=True, text=True, check=True)
        target = pathlib.Path(serving, "model.pt")
        for name, case in json.loads(done.stdout.splitlines()[-1]).items():
            target.write_bytes(pathlib.Path(folder, f"{name}.pt").read_bytes())
            with Served(serving) as served:
                given = served.metadata()["inputs"][0]
                status, answer = served.v2([{"name": given["name"], "shape": case["shape"], "datatype": given["datatype"], "data": case["given"]}])
                assert status == 200, answer
                for output, expected in zip(answer["outputs"], case["out"], strict=True):
                    assert np.abs(np.array(output["data"]) - expected).max() < 1e-4, name
        target.write_bytes(pathlib.Path(folder, "weights.pt").read_bytes())
        assert "weights only" in refusal(serving)
