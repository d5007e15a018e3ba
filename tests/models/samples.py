"""Random data and fitted estimators for the files cases_*.py."""

import warnings

import numpy as np
from scipy import sparse

from compare_estimators import all_classes


class Data:
    """Matrices and targets of one seed."""

    def __init__(self, seed):
        rng = np.random.RandomState(seed)
        n, f = 60, 5
        self.x = rng.randn(n, f)
        self.y = self.x.dot(rng.randn(f)) + 0.3 * rng.randn(n) + 1.5
        self.y2 = np.c_[self.y, self.x.dot(rng.randn(f)) - 2]
        self.positive = np.exp(self.y / 3)
        self.two = (self.y > np.median(self.y)).astype(int)
        self.three = np.digitize(self.y, np.percentile(self.y, [30, 65]))
        self.five = np.digitize(self.y, np.percentile(self.y, [20, 40, 60, 80]))
        self.texts = np.array(["neg", "mid", "p\xf6s"])[self.three]
        self.two_texts = np.array(["no", "yes"])[self.two]
        self.several = np.c_[self.two, self.x[:, 0] > 0, self.x[:, 1] > 0.5].astype(int)
        self.rows = np.r_[
            self.x[:5], rng.randn(12, f) * 2, np.zeros((1, f)), np.full((1, f), 50.0), rng.randn(6, f) * 1e-3
        ]
        self.counts = rng.poisson(2, (n, f))
        self.count_rows = np.r_[self.counts[:4], rng.poisson(3, (8, f)), np.zeros((1, f), int)]
        self.bits = (rng.rand(n, f) > 0.5).astype(int)
        self.bit_rows = (rng.rand(14, f) > 0.5).astype(int)
        self.wide = sparse.random(80, 3000, density=0.01, random_state=seed, format="csr")
        self.noise = rng.randn(n)


def fitted(label, name, x, y, rows, **parameters):
    """One case, or none where this release has no such class or parameter."""
    found = all_classes().get(name)
    if found is None:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator = found(**parameters)
            estimator.fit(x) if y is None else estimator.fit(x, y)
    except Exception:  # an option, or a solver, that this release or its numpy does not have
        return
    yield name + (" " + label if label else ""), estimator, rows, None
