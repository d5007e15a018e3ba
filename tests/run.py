#!/usr/bin/env python3
"""Runs every test and closes with one line: N passed, N failed.

Three kinds: unit (each case of each gtest program, plain and under sanitizers), tidy, and e2e (the functions
test_* of tests/e2e/*.py and tests/models/*.py, which drive the product with real clients). NAME arguments
choose the tests whose name contains one of them.
"""
import argparse
import importlib.util
import inspect
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Skip(Exception):
    """Raised by a test that needs what this machine does not have; counted apart, with the reason."""


class Report:
    def __init__(self, names):
        self.names, self.passed, self.failed, self.skipped = names, 0, [], []
        self.second_try = []  # failed once, passed when run again: told at the end

    def wants(self, name):
        return not self.names or any(n in name for n in self.names)

    def add(self, name, ok, seconds=None, detail=""):
        took = "" if seconds is None else f"  ({seconds:.1f} s)"
        if ok:
            self.passed += 1
        else:
            self.failed.append(name)
            print(detail.rstrip(), flush=True)
        if not ok or seconds is not None:
            print(f"{'ok  ' if ok else 'FAIL'} {name}{took}", flush=True)

    def skip(self, name, why):
        self.skipped.append(name)
        print(f"skip {name}: {why}", flush=True)


def programs(folder):
    return sorted(p for p in pathlib.Path(folder).glob("src/**/*_test") if os.access(p, os.X_OK) and p.is_file())


def passes_alone(program, case, env):
    try:
        return subprocess.run([program, f"--gtest_filter={case}"], cwd=ROOT, env=env, capture_output=True, timeout=300).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def run_unit(report, folder, label):
    for program in programs(folder):
        name = f"{label}/{program.name}"
        if not report.wants(name):
            continue
        started = time.monotonic()
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            env = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1", ASAN_OPTIONS="detect_leaks=1")
            if "node" in program.name:  # a leak check cannot run inside a sandbox without ptrace
                env["ASAN_OPTIONS"] = "detect_leaks=0"
            try:
                done = subprocess.run([program, "--gtest_brief=1", f"--gtest_output=json:{out.name}"], cwd=ROOT,
                                      env=env, capture_output=True, text=True, errors="replace", timeout=600)
                text, code = done.stdout + done.stderr, done.returncode
            except subprocess.TimeoutExpired as late:
                text, code = f"{late}", -1
            try:
                cases = json.load(open(out.name))
            except ValueError:
                cases = None
        seconds = time.monotonic() - started
        if cases is None:
            report.add(name, False, seconds, text[-4000:])
            continue
        ran = failed = 0
        for suite in cases["testsuites"]:
            for case in suite["testsuite"]:
                if case.get("result") == "SKIPPED":
                    report.skip(f"{name}/{suite['name']}.{case['name']}", "skipped by the test itself")
                    continue
                ran += 1
                bad = "failures" in case
                if bad and passes_alone(program, f"{suite['name']}.{case['name']}", env):
                    bad = False
                    report.second_try.append(f"{name}/{suite['name']}.{case['name']}")
                    code = 0
                failed += bad
                detail = "\n".join(f["failure"] for f in case.get("failures", []))
                report.add(f"{name}/{suite['name']}.{case['name']}", not bad, None, detail)
        if code and not failed:  # a crash or a sanitizer's finding at the end
            report.add(f"{name} (exit code {code})", False, seconds, text[-6000:])
        print(f"{'ok  ' if not failed and not code else 'FAIL'} {name}: {ran - failed} of {ran}  ({seconds:.1f} s)", flush=True)


def functions(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    for name, function in list(vars(module).items()):
        if name.startswith("test_") and inspect.isfunction(function):
            yield name, function
    if hasattr(module, "close"):
        module.close()


def run_python(report, folder):
    for path in sorted((ROOT / "tests" / folder).glob("test_*.py")):
        label = f"{folder}/{path.stem}"
        if report.names and not any(n in f"{label}/{line}" for n in report.names
                                    for line in path.read_text().split("def ")):
            continue
        try:
            for name, function in functions(path):
                full = f"{label}/{name}"
                if not report.wants(full):
                    continue
                started = time.monotonic()
                try:
                    function()
                    report.add(full, True, time.monotonic() - started)
                except Exception as e:  # a failing test is reported, the rest go on
                    if type(e).__name__ == "Skip":
                        report.skip(full, str(e))
                    else:
                        report.add(full, False, time.monotonic() - started, traceback.format_exc())
        except Exception:
            report.add(label, False, 0, traceback.format_exc())


def run_asan(report, a):
    built = a.asan_built and pathlib.Path(a.asan_built)
    if built and not built.exists():
        print("waiting for the build with sanitizers", flush=True)
    while built and not (built.exists() and built.read_text().strip()):
        time.sleep(1)
    if built and built.read_text().strip() != "0":
        return report.add("asan/build", False, 0, "the build with sanitizers failed, see build-asan/dev-build.log")
    run_unit(report, a.asan, "asan")


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--proa")
    args.add_argument("--build", required=True)
    args.add_argument("--asan")
    args.add_argument("--asan-built", help="a file that comes when that build has ended, and holds its exit status")
    args.add_argument("--kubectl")
    args.add_argument("--grpcurl")
    args.add_argument("--only", choices=["unit", "asan", "tidy", "models", "e2e"])
    args.add_argument("names", nargs="*")
    a = args.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for key, value in (("PROA", a.proa), ("KUBECTL", a.kubectl), ("GRPCURL", a.grpcurl), ("PROA_BUILD", a.build)):
        if value:
            os.environ[key] = str(pathlib.Path(value).absolute())
    report = Report(a.names)
    want = lambda kind: a.only in (None, kind)
    if want("unit"):
        run_unit(report, a.build, "unit")
    if want("tidy") and report.wants("tidy"):
        done = subprocess.run([sys.executable, ROOT / "tools/tidy/tidy.py"], capture_output=True, text=True)
        report.add("tidy", done.returncode == 0, 0, done.stdout + done.stderr)
    for folder in ("models", "e2e"):
        if want(folder) and a.proa:
            run_python(report, folder)
    if want("asan") and a.asan and os.path.isdir(a.asan):
        run_asan(report, a)
    if report.failed:
        print("\nfailed:")
        for name in report.failed:
            print(f"  {name}")
    if report.second_try:
        print("\nfailed first and passed when run again, alone (each is a fault to find):")
        for name in report.second_try:
            print(f"  {name}")
    skipped = f", {len(report.skipped)} skipped" if report.skipped else ""
    print(f"\n{report.passed} passed, {len(report.failed)} failed{skipped}", flush=True)
    sys.exit(1 if report.failed or not report.passed else 0)


if __name__ == "__main__":
    main()
