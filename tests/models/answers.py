"""What predict_file says of a model's file; for the scripts compare_*.py of boosted trees. Needs numpy only."""
import json
import subprocess

import numpy as np


def arrays(text):
    """Its answer as an array, of texts where they are texts; its error as a text."""
    answer = json.loads(text)
    if "error" in answer:
        return answer["error"]
    first = answer["arrays"][0]
    kind = str if first["type"] == "BYTES" else float
    return np.array(first["data"], dtype=kind).reshape(first["shape"])


def ask(tool, model, method, rows):
    """One question to predict_file; a text if it has no answer."""
    done = subprocess.run([tool, model, method], input=json.dumps(rows, ensure_ascii=False).encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        return arrays(done.stdout.decode())
    except ValueError:
        return (done.stdout + done.stderr).decode(errors="replace").strip()[:200]
