#!/usr/bin/env python3
"""Hostile model files, read by `hostile_file` in children that may only read, write and exit: all are
refused, none runs anything, none ends a child.

    hostile.py HOSTILE_FILE [--mutations N] [--seed N] [--folder DIR]

 * every name on the deny-lists of picklescan and fickling (where they are installed, else a list here), by
   each opcode that can name a class, alone and inside a real estimator;
 * files with something before, between and after pickles, recursive and exponential structures;
 * ten real estimators cut at every byte, and N mutations of each;
 * other files in DIR, as the test data of scanners: none may load unless its name says benign.

The ten estimators themselves must load: there is no false refusal.
"""
import argparse
import glob
import io
import os
import pickle
import subprocess
import sys
import tempfile
import warnings
import zipfile

warnings.simplefilter("ignore")
import joblib
import numpy as np

NAMES = """os.system posix.system nt.system os.popen os.execv os.spawnl subprocess.Popen subprocess.call
subprocess.check_output builtins.eval builtins.exec builtins.compile builtins.open builtins.__import__
builtins.getattr builtins.setattr builtins.globals builtins.breakpoint builtins.input __builtin__.eval
__builtin__.apply __builtin__.execfile sys.exit sys.modules socket.socket socket.create_connection
urllib.request.urlopen http.client.HTTPSConnection requests.api.get webbrowser.open shutil.rmtree runpy.run_path
runpy._run_code importlib.import_module imp.load_source code.InteractiveInterpreter pty.spawn ctypes.CDLL
ctypes.cdll.LoadLibrary multiprocessing.util.spawnv_passfds asyncio.create_subprocess_shell pdb.run profile.run
cProfile.run timeit.timeit trace.Trace.run bdb.Bdb.run doctest.debug_script pydoc.pipepager venv.create
distutils.file_util.write_file _io.FileIO io.open codecs.open tempfile.mktemp logging.config.listen
pickle.loads _pickle.loads cloudpickle.loads dill.loads joblib.load numpy.load numpy.f2py.crackfortran.getlincoef
numpy.testing._private.utils.runstring numpy.f2py.crackfortran._eval_length numpy.lib.format.read_array
sklearn.utils._joblib.load sklearn.externals.joblib.load sklearn.datasets.load_files sklearn.utils.fixes.parse_version
sklearn.datasets.fetch_openml torch.load torch.hub.load torch.utils.collect_env.run pip.main pip._internal.main
operator.attrgetter operator.methodcaller functools.reduce types.CodeType types.FunctionType copyreg.add_extension
copyreg.__newobj__ marshal.loads lib2to3.pgen2.grammar.Grammar.loads idlelib.pyshell.ModifiedInterpreter.runcode
ssl.get_server_certificate aiohttp.client.ClientSession pandas.read_pickle pandas.io.pickle.read_pickle
smtplib.SMTP ftplib.FTP telnetlib.Telnet antigravity.geohash this.s zipimport.zipimporter site.main
signal.alarm threading.Thread thread.start_new_thread linecache.getline fileinput.input""".split()


def names():
    found = {tuple(n.rsplit(".", 1)) for n in NAMES}
    try:
        from picklescan.scanner import _unsafe_globals
        for module, listed in _unsafe_globals.items():
            found |= {(module, n) for n in (["system", "run", "main"] if listed == "*" else listed)}
    except ImportError:
        print("     picklescan is not installed: its list is left out")
    try:
        from fickling import fickle
        from fickling.analysis import UnsafeImportsML
        found |= {(module, "run") for module in list(fickle.UNSAFE_IMPORTS) + list(UnsafeImportsML.UNSAFE_MODULES)}
        for module, listed in UnsafeImportsML.UNSAFE_IMPORTS.items():
            found |= {(module, n) for n in listed}
    except ImportError:
        print("     fickling is not installed: its lists are left out")
    return sorted((m, n) for m, n in found if n and "\n" not in m + n)


def payloads(module, name):
    """One call of module.name('true') by each opcode that names a class."""
    m, n = module.encode(), name.encode()
    short = lambda t: b"\x8c" + bytes([len(t)]) + t
    yield "global", b"c" + m + b"\n" + n + b"\n(S'true'\ntR"
    yield "inst", b"(S'true'\ni" + m + b"\n" + n + b"\n"
    yield "obj", b"(c" + m + b"\n" + n + b"\nS'true'\no"
    yield "stack", short(m) + short(n) + b"\x93(S'true'\nt\x81"
    yield "keywords", b"c" + m + b"\n" + n + b"\n(S'true'\nt}\x92"
    yield "build", b"c" + m + b"\n" + n + b"\n)\x81}S'__setstate__'\nS'x'\nsb"
    yield "alone", b"c" + m + b"\n" + n + b"\n"


def estimators():
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeRegressor
    from sklearn.cluster import KMeans
    random = np.random.RandomState(0)
    X, y = random.randn(24, 3), random.randint(3, size=24)
    yield "logistic", LogisticRegression(solver="lbfgs").fit(X, y)
    yield "svc", SVC(gamma="scale").fit(X, y)
    yield "ridge", Ridge().fit(X, y)
    yield "bayes", GaussianNB().fit(X, np.array(["a", "b", "c"])[y])
    yield "tree", DecisionTreeRegressor(max_depth=3).fit(X, y)
    yield "forest", RandomForestClassifier(n_estimators=3, max_depth=2, random_state=0).fit(X, y)
    yield "neighbours", KNeighborsClassifier(algorithm="kd_tree").fit(X, y)
    yield "pipeline", make_pipeline(StandardScaler(), LogisticRegression(solver="lbfgs")).fit(X, y)
    yield "kmeans", KMeans(2, n_init=1, random_state=0).fit(X)
    columns = ColumnTransformer([("s", StandardScaler(), [0]), ("o", OneHotEncoder(handle_unknown="ignore"), [1])])
    yield "columns", columns.fit(np.c_[X[:, :1], y])


def inside(estimator, payload):
    """The pickle of an estimator with the payload as one more attribute."""
    whole = pickle.dumps(estimator, 2)
    assert whole.endswith(b"ub.")
    return whole[:-3] + b"S'zz'\n" + payload + whole[-3:]


def structures(estimator):
    whole = pickle.dumps(estimator, 2)
    evil = b"cposix\nsystem\n(S'true'\ntR."
    yield "second", whole + evil
    yield "second-first", evil + whole
    yield "list-then-evil", pickle.dumps(["a", "b"]) + evil
    yield "newline-after", whole + b"\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("archive/data.pkl", evil)
    yield "zip", archive.getvalue()
    yield "pickle-and-zip", whole + archive.getvalue()
    yield "persistent", b"Pposix.system\n."
    yield "binary-persistent", b"S'posix.system'\nQ."
    for code in (b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00"):
        yield "extension%d" % code[0], code + b")R."
    yield "laughs", b"(lp0\n" + b"".join(b"0(g%d\ng%d\ntp%d\n" % (i, i, i + 1) for i in range(2000)) + b"."
    yield "doubling", b"]" + b"2a" * 100 + b"."
    yield "marks", b"(" * 1000000
    yield "lists", b"]" * 6000000
    yield "memo", b"Nr\xff\xff\xff\x7f."
    yield "huge-text", b"X\xff\xff\xff\x7fabc."
    yield "huge-bytes8", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc."
    yield "huge-int", b"\x8b\xff\xff\xff\x7fabc."
    yield "frame", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN."
    yield "straddle", b"\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00X\x05\x00\x00\x00abcde."
    yield "missing-mark", b"I1\nt."
    yield "cycle", b"]p0\ng0\na."
    yield "setattr", b"cnumpy\nndarray\n}S'__reduce__'\nS'x'\nsb."
    yield "getattr", b"cbuiltins\ngetattr\ncnumpy\nndarray\nS'tofile'\n\x86R."
    yield "partial", b"cfunctools\npartial\ncposix\nsystem\n\x85R."
    yield "dotted", b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__class__\x93."
    yield "bomb", __import__("zlib").compress(b"]" * 80000000, 9)
    yield "nothing", b""


def injected(estimator):
    """What fickling puts into the pickle of an estimator."""
    try:
        from fickling import fickle
    except ImportError:
        return
    for protocol in (2, 3, 4):
        for how in ("insert_python_exec", "insert_python_eval"):
            for first in (True, False):
                pickled = fickle.Pickled.load(pickle.dumps(estimator, protocol))
                getattr(pickled, how)("print(1)", run_first=first)
                yield "fickling-%d-%s-%d" % (protocol, how, first), pickled.dumps()


def ask(program, options, paths):
    done = subprocess.run([program] + options + paths, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    return done.returncode, [line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("hostile_file")
    arguments.add_argument("--mutations", type=int, default=10000, help="of each of the ten estimators")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--folder", default="")
    o = arguments.parse_args()
    failures, hostile, harmless, cut, mutated = [], 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        def put(name, data):
            path = os.path.join(folder, name)
            with open(path, "wb") as f:
                f.write(data)
            return path

        models = list(estimators())
        good = [put(n + ".pkl", pickle.dumps(m, p % (pickle.HIGHEST_PROTOCOL + 1))) for p, (n, m) in enumerate(models)]
        bad = []
        for i, (module, name) in enumerate(names()):
            for how, payload in payloads(module, name):
                bad.append(put("bad-%d-%s.pkl" % (i, how), payload + b"."))
                bad.append(put("bad-%d-%s-inside.pkl" % (i, how), inside(models[0][1], payload)))
        bad += [put("structure-%s.pkl" % n, data) for n, data in structures(models[0][1])]
        for n, m in models:
            bad += [put("%s-%s.pkl" % (n, how), data) for how, data in injected(m)]
        if o.folder:
            every = sorted(glob.glob(os.path.join(o.folder, "**", "*"), recursive=True))
            bad += [f for f in every if os.path.isfile(f) and "benign" not in os.path.basename(f)]
        for at in range(0, len(bad), 500):
            code, lines = ask(o.hostile_file, [], bad[at:at + 500])
            hostile += len(lines)
            failures += [line for line in lines if not line[1].startswith("refused")]
        code, lines = ask(o.hostile_file, [], good)
        harmless = len(lines)
        failures += [line for line in lines if line[1] != "loaded"]
        code, lines = ask(o.hostile_file, ["--cuts"], good)
        failures += [line for line in lines if not line[1].startswith("0 of ")]
        cut = sum(int(line[1].split()[2]) for line in lines if line[1].endswith("loaded"))
        code, lines = ask(o.hostile_file, ["--mutate", str(o.mutations), str(o.seed)], good)
        failures += [line for line in lines if not line[1].endswith("loaded")]
        mutated = sum(int(line[1].split()[2]) for line in lines if line[1].endswith("loaded"))
        still = sum(int(line[1].split()[0]) for line in lines if line[1].endswith("loaded"))
    for f in failures[:50]:
        print("FAIL %s: %s" % (os.path.basename(f[0]), f[1][:200]))
    print("%d hostile files refused, %d real ones loaded, %d cuts refused, %d mutations survived (%d of them still load; seed %d), "
          "%d failures" % (hostile, harmless, cut, mutated, still, o.seed, len(failures)))
    return 1 if failures or harmless != 10 or not hostile or not cut or not mutated else 0


if __name__ == "__main__":
    sys.exit(main())
