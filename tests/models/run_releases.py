#!/usr/bin/env python3
"""Compares predict_file with many releases of scikit-learn, each in a virtual environment of its own.

    run_releases.py PREDICT_FILE FOLDER [--releases 0.24.2,1.7.2] [-- OPTIONS of compare_estimators.py]

FOLDER keeps the environments from run to run. A release is left out, with a line, where no interpreter
for it is found: python3.X on the path or in ~/.pyenv/versions.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Release, Python, what must be older than pip would take.
RELEASES = [
    ("0.20.4", "3.7", ["pytest"]), ("0.21.3", "3.7", ["pytest"]), ("0.22.2.post1", "3.8", ["scipy<1.5", "numpy<1.20"]),
    ("0.24.2", "3.8", ["scipy<1.6", "numpy<1.22"]), ("1.0.2", "3.9", ["numpy<1.24", "scipy<1.9"]), ("1.1.3", "3.9", ["numpy<1.24"]),
    ("1.2.2", "3.10", ["numpy<2", "scipy<1.11"]), ("1.4.2", "3.11", ["numpy<2"]), ("1.7.2", "3.11", []), ("", "3.13", []),
]


def interpreter(version):
    for path in glob.glob(os.path.expanduser("~/.pyenv/versions/%s.*/bin/python" % version)):
        return path
    return shutil.which("python" + version)


def environment(folder, release, version, more):
    home = os.path.join(folder, "sklearn-" + (release or "newest"))
    python = os.path.join(home, "bin", "python")
    done = os.path.join(home, "complete")
    if not os.path.exists(done):
        base = interpreter(version)
        if not base:
            return None
        subprocess.check_call([base, "-m", "venv", home])
        subprocess.check_call([python, "-m", "pip", "-q", "install", "scikit-learn" + ("==" + release if release else ""), "joblib"] + more,
                              stderr=subprocess.DEVNULL)
        open(done, "w").close()
    return python


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("predict_file")
    arguments.add_argument("folder")
    arguments.add_argument("--releases", default="")
    ours = sys.argv[1:sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    options = sys.argv[len(ours) + 2:]
    o = arguments.parse_args(ours)
    wanted = set(filter(None, o.releases.split(",")))
    failed = []
    for release, version, more in RELEASES:
        if wanted and (release or "newest") not in wanted:
            continue
        python = environment(o.folder, release, version, more)
        if python is None:
            print("%s: left out, there is no Python %s" % (release or "newest", version))
            continue
        command = [python, os.path.join(HERE, "compare_estimators.py"), o.predict_file]
        done = subprocess.run(command + options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True)
        print("\n".join(line for line in done.stdout.splitlines() if re.match("FAIL|scikit-learn|covered|with|claimed", line)))
        sys.stdout.flush()
        if done.returncode:
            failed.append(release or "newest")
    print("failed: " + ", ".join(failed) if failed else "all releases agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
