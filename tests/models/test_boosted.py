"""Models of XGBoost, LightGBM and CatBoost, trained here, answered by proa as their own libraries answer them."""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def driver(name):
    return next(pathlib.Path(os.environ["PROA_BUILD"]).glob("src/models/**/" + name))


def run(*command, **env):
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, env=dict(os.environ, **env))
    print("     " + "\n     ".join(done.stdout.strip().splitlines()[-3:]))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def made_and_checked(script):
    with tempfile.TemporaryDirectory() as folder:
        run(HERE / script, "make", folder)
        run(HERE / script, "check", driver("predict_file"), folder)


def test_xgboost_agrees_with_xgboost():
    made_and_checked("compare_xgboost.py")


def test_catboost_agrees_with_catboost():
    made_and_checked("compare_catboost.py")


def test_lightgbm_agrees_with_lightgbm():
    run(HERE / "compare_lightgbm.py", PREDICT_FILE=str(driver("predict_file")))
