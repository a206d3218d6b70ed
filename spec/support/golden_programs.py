"""Writes spec/golden/programs.safetensors: small optimization programs for weights, by scipy.

    python3 spec/support/golden_programs.py

A developer runs it; the suite only reads what it wrote. h = x x'. Instead of a solution w, the file
has x' w, which is unique also where w is not.
"""

import os

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.optimize import nnls

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(3)
out = {}


def simplex(x):
    """The shortest mixture of the rows of x, by nnls of a scaled system and its sum."""
    # min |x' w|^2, sum w = 1: w = y / sum y, y >= 0 where |x' y|^2 + (sum y - 1)^2 is least.
    y, _ = nnls(np.vstack([x.T, np.ones(len(x))]), np.append(np.zeros(x.shape[1]), 1))
    return y / y.sum()


for k, (t, d) in enumerate([(2, 2), (3, 5), (5, 3), (8, 30), (20, 12), (20, 25), (40, 60), (64, 70),
                            (64, 20)]):
    x = rng.standard_normal((t, d)) + (0.4 if k % 2 else 0) * rng.standard_normal((1, d))
    if k == 4:
        x[3] = 2 * x[0]
        x[5] = 0
    if k == 6:
        x *= 10 ** rng.uniform(-2, 2, (t, 1))
    u = rng.uniform(0, 1, t)
    y, _ = nnls(x.T, -x.T @ u)
    out["x.%d" % k], out["u.%d" % k] = torch.from_numpy(x), torch.from_numpy(u)
    out["nonnegative.%d" % k] = torch.from_numpy(x.T @ (u + y))
    out["simplex.%d" % k] = torch.from_numpy(x.T @ simplex(x))

save_file(out, os.path.join(HERE, "../golden/programs.safetensors"))
