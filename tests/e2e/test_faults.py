"""When things go wrong: the cause is said in a line, correcting the YAML heals, and nothing is lost."""
import json
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from harness import PROA, ROOT, Platform, isvc, wait_for

NS = "faults"
store = pathlib.Path(tempfile.mkdtemp(prefix="proa-store-"))
GOOD = ROOT / "examples/iris/models/sklearn/1.0/model/model.joblib"


class Evil:
    def __reduce__(self):
        return (os.system, ("touch /tmp/proa-was-here",))


def folder(name, **files):
    (store / name).mkdir()
    for file, content in files.items():
        (store / name / file.replace("_", ".")).write_bytes(content)


folder("good", model_joblib=GOOD.read_bytes())
folder("two", model_joblib=GOOD.read_bytes(), model_pkl=b"x")
folder("truncated", model_joblib=GOOD.read_bytes()[:-200])
folder("corrupt", model_joblib=b"\x80\x04 this is no pickle")
folder("evil", model_pkl=pickle.dumps(Evil()))
folder("empty", readme_txt=b"nothing here")
p = Platform(mirrors={"gs://models": store})
p.namespace(NS)
INPUT = '{"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}'


def close():
    p.close()
    shutil.rmtree(store, ignore_errors=True)


def failure(name):
    """Waits until READY is False with a cause; returns (Ready condition, lastFailureInfo)."""
    def seen():
        status = p.get("isvc", name, "-n", NS).get("status", {})
        ready = [c for c in status.get("conditions", []) if c["type"] == "Ready"]
        info = status.get("modelStatus", {}).get("lastFailureInfo")
        return (ready[0], info) if ready and ready[0]["status"] == "False" and info else None
    return wait_for(f"failure of {name}", seen, 30)


def expect_failure(name, uri, reason, *words, format="sklearn"):
    p.apply(isvc(name, uri, format=format), NS)
    ready, info = failure(name)
    assert info["reason"] == reason, info
    for word in words:
        assert word in info["message"], info
        assert "\n" not in info["message"].strip(), info
    assert words[0] in p.kubectl("describe", "isvc", name, "-n", NS)


def test_a_key_that_is_not_there():
    expect_failure("nokey", "gs://models/absent", "ModelLoadFailed", "gs://models/absent")


def test_an_unknown_format():
    expect_failure("noformat", "gs://models/good", "NoSupportingRuntime", "No runtime found to support specified framework/version",
                   format="abacus")


def test_two_model_files():
    expect_failure("two", "gs://models/two", "ModelLoadFailed", "More than one model file")


def test_no_model_file():
    expect_failure("empty", "gs://models/empty", "ModelLoadFailed", "model")


def test_a_truncated_model_and_its_healing():
    expect_failure("truncated", "gs://models/truncated", "ModelLoadFailed", "model.joblib")
    p.apply(isvc("truncated", "gs://models/good"), NS)
    p.wait_ready("truncated", NS, 30)
    status, body = p.curl("/v1/models/truncated:predict", host=f"truncated.{NS}.example.com", data=INPUT)
    assert (status, body) == (200, '{"predictions": [1, 1]}')


def test_a_corrupt_model():
    expect_failure("corrupt", "gs://models/corrupt", "ModelLoadFailed", "model.joblib")


def test_a_malicious_pickle_is_refused_and_never_run():
    expect_failure("evil", "gs://models/evil", "ModelLoadFailed", "posix.system")
    assert not os.path.exists("/tmp/proa-was-here")


def test_a_model_too_big_for_the_memory_limit():
    (store / "big").mkdir()
    with open(store / "big" / "model.joblib", "wb") as file:
        file.write(GOOD.read_bytes())
        file.truncate(200 << 20)  # sparse: as large as it says, and no work to make
    manifest = json.loads(isvc("big", "gs://models/big"))
    manifest["spec"]["predictor"]["model"]["resources"] = {"limits": {"memory": "64Mi"}, "requests": {"memory": "64Mi"}}
    p.apply(json.dumps(manifest), NS)
    ready, info = failure("big")
    assert info["reason"] == "ModelLoadFailed" and "memory" in info["message"], info


def test_a_store_that_does_not_answer():
    expect_failure("noserver", "http://127.0.0.1:9/model.joblib", "ModelLoadFailed", "127.0.0.1")


def test_kill_9_of_a_model_process_fails_no_request():
    p.apply(isvc("kill", "gs://models/good"), NS)
    p.wait_ready("kill", NS)
    stop, answers = threading.Event(), []

    def load():
        while not stop.is_set():
            answers.append(p.curl("/v1/models/kill:predict", host=f"kill.{NS}.example.com", data=INPUT))

    workers = [threading.Thread(target=load) for _ in range(4)]
    for w in workers:
        w.start()
    for round in range(3):
        before = len(answers)
        wait_for("answers", lambda: len(answers) > before + 20)
        pids = subprocess.run(["pgrep", "-f", "--", "--model_name=kill "], capture_output=True, text=True).stdout.split()
        assert pids, "no model process found"
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
        count = round + 1
        wait_for(f"restart {count}", lambda: any(s["restartCount"] >= count and s["ready"] for x in p.pods(NS, "serving.kserve.io/inferenceservice=kill")
                                                 for s in x["status"]["containerStatuses"] if s["name"] == "kserve-container"), 60)
    stop.set()
    for w in workers:
        w.join()
    wrong = [a for a in answers if a != (200, '{"predictions": [1, 1]}')]
    assert not wrong, wrong[:3]


def test_kill_9_of_the_platform_keeps_every_object_and_leaves_no_orphan():
    p.apply(isvc("stay", "gs://models/good"), NS)
    p.wait_ready("stay", NS)
    children = set(descendants(p.process.pid))
    p.stop(signal.SIGKILL)
    p.start()
    p.wait_ready("stay", NS)
    status, body = p.curl("/v1/models/stay:predict", host=f"stay.{NS}.example.com", data=INPUT)
    assert (status, body) == (200, '{"predictions": [1, 1]}')
    mine = set(descendants(p.process.pid))
    wait_for("end of the orphans", lambda: not [c for c in children if alive(c) and c not in mine], 10)


def test_a_second_instance_on_the_same_folder_is_refused_in_one_line():
    done = subprocess.run(p.command(), capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done
    assert str(p.data) in done.stderr


def test_a_taken_port_is_refused_in_one_line():
    with tempfile.TemporaryDirectory() as other:
        done = subprocess.run([PROA, "up", "--data-dir", other, "--api-port", "0", "--http-port", str(p.port)],
                              capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and str(p.port) in done.stderr.strip().splitlines()[-1], done


def test_a_stop_leaves_no_process():
    children = descendants(p.process.pid)
    assert children
    assert p.stop(signal.SIGINT) == 0
    assert not [c for c in children if alive(c)]


def descendants(pid):
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
            except OSError:
                pass
    found, todo = [], [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
