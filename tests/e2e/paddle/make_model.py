"""Makes model.pdmodel, model.pdiparams and expected.json of this folder: a small network, and what PaddlePaddle 2.6.2 answers.

    python3 -m venv V && V/bin/pip install paddlepaddle==2.6.2 setuptools "numpy<2" && V/bin/python tests/e2e/paddle/make_model.py
"""
import json
import pathlib

import numpy as np
import paddle
from paddle.base.proto.framework_pb2 import ProgramDesc

here = pathlib.Path(__file__).resolve().parent
paddle.seed(7)
net = paddle.nn.Sequential(paddle.nn.Linear(4, 8), paddle.nn.ReLU(), paddle.nn.Linear(8, 3), paddle.nn.Softmax())
net.eval()
paddle.jit.save(net, str(here / "model"), input_spec=[paddle.static.InputSpec([None, 4], "float32", name="x")])
(here / "model.pdiparams.info").unlink()
program = ProgramDesc.FromString((here / "model.pdmodel").read_bytes())
for block in program.blocks:  # where on this machine each operation was written down does not belong into a file
    for op in block.ops:
        kept = [a for a in op.attrs if a.name != "op_callstack"]
        del op.attrs[:]
        op.attrs.extend(kept)
(here / "model.pdmodel").write_bytes(program.SerializeToString())
rows = np.random.default_rng(7).normal(size=(10, 4)).astype(np.float32)
answers = net(paddle.to_tensor(rows)).numpy()
(here / "expected.json").write_text(json.dumps({"paddle": paddle.__version__, "rows": rows.tolist(), "answers": answers.tolist()}) + "\n")
