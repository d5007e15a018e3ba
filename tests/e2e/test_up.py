"""The README's first command: ./dev up --once, less the set-up and the build."""
import json
import os
import subprocess
import tempfile

from harness import PROA, ROOT


def test_up_once_shows_the_prediction_and_ends():
    with tempfile.TemporaryDirectory() as data:
        done = subprocess.run([ROOT / "tools/up", PROA, "--once", "--data-dir", data, "--api-port", "0", "--http-port", "0"],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '{"predictions": [1, 1]}' in done.stdout, done.stdout
        again = subprocess.run([ROOT / "tools/up", PROA, "--once", "--data-dir", data, "--api-port", "0", "--http-port", "0"],
                               capture_output=True, text=True, timeout=120)
        assert again.returncode == 0, again.stdout + again.stderr


def test_help_and_errors_of_the_command_line():
    assert "proa up" in subprocess.run([PROA, "--help"], capture_output=True, text=True).stdout
    for command in ("up", "serve", "fetch", "load"):
        done = subprocess.run([PROA, command, "--help"], capture_output=True, text=True)
        assert done.returncode == 0 and "--" in done.stdout + done.stderr, (command, done)
    done = subprocess.run([PROA, "up", "--no-such-flag"], capture_output=True, text=True)
    assert done.returncode == 1 and "--no-such-flag" in done.stderr, done
    done = subprocess.run([PROA, "nonsense"], capture_output=True, text=True)
    assert done.returncode == 2 and "nonsense" in done.stderr, done


def test_an_unwritable_folder_is_one_clear_line():
    done = subprocess.run([PROA, "up", "--data-dir", "/proc/nowhere"], capture_output=True, text=True)
    assert done.returncode == 1 and "/proc/nowhere" in done.stderr and len(done.stderr.strip().splitlines()) == 1, done
