"""Compares weightings with torchjd's, on random gradients.

    pip install torchjd qpsolvers quadprog cvxpy clarabel ecos
    python spec/support/weightings_torchjd.py build/braid [count] [seed]    # compares and prints
    python spec/support/weightings_torchjd.py --golden                      # spec/golden/weightings

T goes from 2 to 40; rows are independent, in conflict, parallel, zero or of very different sizes.
Everything is in double. Random methods are compared in distribution.
"""
import os
import subprocess
import sys
import tempfile
import warnings

import cvxpy as cp
import numpy as np
import torch
import torchjd.aggregation as A
import torchjd.scalarization as S
from scipy.optimize import nnls
from safetensors.torch import load_file, save_file

import cagrad_exact

warnings.filterwarnings("ignore")
solve = cp.Problem.solve
# CAGrad's solver stops at a tolerance of 1e-8. Only the method is compared, so it is set lower
# here.
cp.Problem.solve = lambda self, solver=None, **options: solve(
    self, solver=solver, **options, **(dict(tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
                                       if solver == cp.CLARABEL else {}))
torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 5  # for methods with a memory


def jacobian(rng, kind, t, d):
    j = rng.standard_normal((t, d))
    if kind == "conflict":
        j = j - 2 * rng.standard_normal((1, d)) * (np.arange(t) % 2 * 2 - 1)[:, None]
    elif kind == "agree":
        j = j + rng.standard_normal((1, d))
    elif kind == "parallel":
        j[t // 2] = 2 * j[0]
    elif kind == "zero":
        j[rng.integers(t)] = 0
    elif kind == "scaled":
        j = j * 10 ** rng.uniform(-2, 2, (t, 1))
    return j


KINDS = ["plain", "conflict", "agree", "parallel", "zero", "scaled"]


def cases(count, seed, largest):
    rng = np.random.default_rng(seed)
    for k in range(count):
        t = int(rng.integers(2, largest + 1)) if k % 3 else int(rng.integers(2, 6))
        d = t + int(rng.integers(1, 30)) if k % 7 else max(2, t // 2)
        kind = KINDS[k % len(KINDS)]
        j = np.stack([jacobian(rng, kind, t, d) for _ in range(STEPS)])
        yield kind, torch.from_numpy(j), torch.from_numpy(rng.uniform(0.1, 3, (STEPS, t)))


def first(aggregator):
    """For a method without memory: the direction of the first Jacobian."""
    return lambda j, losses: aggregator(j[0].shape[0])(j[0])[None]


def scalarized(make, after=None):
    """For a scalarizer: the directions of several steps, by its slopes."""
    def run(j, losses):
        s = make(j[0].shape[0])
        out = []
        for k in range(STEPS):
            v = losses[k].clone().requires_grad_()
            s(v).backward()
            out.append(v.grad @ j[k])
            if after:
                after(s, losses, k)
        return torch.stack(out)
    return run


def trained(make):
    """For a scalarizer with its own parameters, which Adam trains with lr 1e-3."""
    def run(j, losses):
        s = make(j[0].shape[0])
        opt = torch.optim.Adam(s.parameters(), lr=1e-3)
        out = []
        for k in range(STEPS):
            v = losses[k].clone().requires_grad_()
            opt.zero_grad()
            s(v).backward()
            out.append(v.grad @ j[k])
            opt.step()
        return torch.stack(out)
    return run


def along(make):
    """For an aggregator with a memory: the directions of several steps."""
    def run(j, losses):
        a = make(j[0].shape[0])
        return torch.stack([a(j[k]) for k in range(STEPS)])
    return run


def sdmgrad(j, losses):
    w = A.SDMGradWeighting(lr=0.1)  # with lr 10, rounding errors grow from step to step for large T
    return torch.stack([w(j[k] @ j[k].T) @ j[k] for k in range(STEPS)])


def famo_after(s, losses, k):
    s.update(losses[(k + 1) % STEPS])


# By the names that spec/support/weightings.lua gives them.
REFERENCE = {
    "equal": first(lambda t: A.Sum()),
    "equal mean": first(lambda t: A.Mean()),
    "fixed": first(lambda t: A.Constant(torch.arange(1.0, t + 1))),
    "upgrad": first(lambda t: A.UPGrad()),
    "upgrad preference": first(lambda t: A.UPGrad(pref_vector=torch.arange(1.0, t + 1))),
    "dualproj": first(lambda t: A.DualProj()),
    "mgda frank-wolfe": first(lambda t: A.MGDA()),
    "cagrad": first(lambda t: A.CAGrad(c=0.4)),
    "imtl gradients": first(lambda t: A.IMTLG()),
    "aligned": first(lambda t: A.AlignedMTL()),
    "aligned median": first(lambda t: A.AlignedMTL(scale_mode="median")),
    "aligned rmse": first(lambda t: A.AlignedMTL(scale_mode="rmse")),
    "config": first(lambda t: A.ConFIG()),
    "fairgrad": first(lambda t: A.FairGrad(alpha=1)),
    "fairgrad 2": first(lambda t: A.FairGrad(alpha=2)),
    "nash": first(lambda t: A.NashMTL(n_tasks=t)),
    "sdmgrad": sdmgrad,
    # With a step size of 1, a weight below 1e-308 stays 0 in torchjd; Braid keeps logarithms.
    "excess": along(lambda t: A.ExcessMTL(robust_step_size=1e-3)),
    "excess warmup": along(lambda t: A.ExcessMTL(robust_step_size=1e-3, n_warmup_steps=2)),
    "gls": scalarized(lambda t: S.GeometricMean()),
    "stch": scalarized(lambda t: S.STCH(mu=0.5)),
    "dwa": scalarized(lambda t: S.DWA(), lambda s, losses, k: s.step()),
    "famo": scalarized(lambda t: S.FAMO(t), famo_after),
    "uncertainty": trained(lambda t: S.UW(t)),
    "imtl losses": trained(lambda t: S.IMTLL(t)),
}
# Solvers of torchjd that stop short of the tolerance, and why another measure is used below.
LOOSE = {"nash": "its convex approximations stop at a residual of 1e-3",
         "fairgrad": "scipy's least_squares stops at 1e-8 of its cost",
         "fairgrad 2": "scipy's least_squares stops at 1e-8 of its cost"}


def difference(a, b, j):
    """The largest difference over steps, relative to the direction; if it is 0, to the gradients."""
    scale = np.maximum(np.linalg.norm(b, axis=1), 1e-9 * np.linalg.norm(j, axis=(1, 2))[:len(b)])
    return float((np.linalg.norm(a - b, axis=1) / np.maximum(scale, 1e-300)).max())


def is_stationary(j):
    """Whether some mixture of the gradients is 0."""
    t = len(j)
    scaled = np.vstack([j.T / np.maximum(np.linalg.norm(j, axis=1), 1e-300), np.ones(t)])
    return nnls(scaled, np.append(np.zeros(j.shape[1]), 1))[1] < 1e-6


def run_braid(braid, tensors, *words):
    with tempfile.TemporaryDirectory() as folder:
        given, made = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
        save_file(tensors, given)
        subprocess.run([braid, os.path.join(HERE, "weightings_torchjd.lua"), given, made, *words],
                       check=True)
        return load_file(made)


def compare(braid, count, seed):
    tensors, all_cases = {}, list(cases(count, seed, 40))
    for k, (_, j, losses) in enumerate(all_cases):
        tensors["j.%d" % k], tensors["losses.%d" % k] = j.contiguous(), losses.contiguous()
    ours = run_braid(braid, tensors, "steps")
    print("%-20s %10s %10s %8s   worst at" % ("method", "median", "largest", "failed"))
    for name, reference in REFERENCE.items():
        found, failed = [], 0
        for k, (kind, j, losses) in enumerate(all_cases):
            try:
                theirs = reference(j, losses).numpy()
            except Exception:  # their solver failed
                failed += 1
                continue
            own = ours["%s.%d" % (name, k)].numpy()[:len(theirs)]
            if name in LOOSE and is_stationary(j[0].numpy()):
                continue  # their equations have no solution
            found.append((difference(own, theirs, j.numpy()), kind, tuple(j.shape[1:])))
        found.sort(key=lambda f: f[0])
        print("%-20s %10.1e %10.1e %8d   %s %s %s" % (
            name, found[len(found) // 2][0], found[-1][0], failed, found[-1][1], found[-1][2],
            LOOSE.get(name, "")))
    equations(all_cases, ours)
    exact(all_cases, ours)
    random(braid, all_cases)


def equations(all_cases, ours):
    """Where torchjd's solvers are inexact: the residuals of the papers' equations."""
    worst = {}
    for k, (kind, j, _) in enumerate(all_cases):
        g = (j[0] @ j[0].T).numpy()
        rank = np.linalg.matrix_rank(g)
        t = len(g)
        if rank == t:
            for name, power in (("fairgrad", 1), ("fairgrad 2", 0.5)):
                w = ours["w.%s.%d" % (name, k)].numpy()[0]
                left = np.abs(g @ w * w ** power - 1).max() / np.linalg.cond(g)
                worst[name] = max(worst.get(name, 0), left)
        w = ours["w.mgda exact.%d" % k].numpy()[0]
        gw = g @ w
        size = np.abs(g) @ w
        over = np.where(w > 0, np.abs(gw - w @ gw), np.maximum(w @ gw - gw, 0)) / size.max()
        worst["mgda exact"] = max(worst.get("mgda exact", 0), over.max())
    for name, left in worst.items():
        print("%-20s residual of its equation: %.1e" % (name, left))


def exact_cagrad(j, losses):
    theirs = REFERENCE["cagrad"](j, losses)
    if not theirs.any():
        return theirs  # some mixture is 0: no direction serves all tasks
    start = A.CAGradWeighting(c=0.4)(j[0] @ j[0].T) - 1 / len(j[0])
    d = cagrad_exact.direction(j[0].numpy(), 0.4, start / start.sum())
    return torch.tensor([[float(x) for x in d]])


def exact(all_cases, ours):
    """CAGrad in Braid and in torchjd, compared with the minimum in 60 digits."""
    here, there = [], []
    for k, (_, j, losses) in enumerate(all_cases):
        d = exact_cagrad(j, losses)
        if d.any():
            here.append(((ours["cagrad.%d" % k][:1] - d).norm() / d.norm()).item())
            there.append(((REFERENCE["cagrad"](j, losses) - d).norm() / d.norm()).item())
    print("%-20s from the exact minimum, in %d cases: Braid %.1e, torchjd %.1e (medians %.1e, %.1e)"
          % ("cagrad", len(here), max(here), max(there), np.median(here), np.median(there)))


DRAWS = 2000


def random(braid, all_cases):
    """Random methods: differences of the means of many draws, in standard errors."""
    chosen = [k for k, c in enumerate(all_cases) if 3 <= c[1].shape[1] <= 8][:6]
    tensors = {"j.%d" % i: all_cases[k][1].contiguous() for i, k in enumerate(chosen)}
    tensors["draws"] = torch.tensor([DRAWS])
    ours = run_braid(braid, tensors, "random")
    makers = {"pcgrad": A.PCGrad, "graddrop": A.GradDrop, "rlw": A.Random,
              "gradvac": lambda: A.GradVac(beta=0.0)}
    for name, make in makers.items():
        worst, spread = 0, 0
        for i, k in enumerate(chosen):
            j, a = all_cases[k][1][0], make()
            theirs = torch.stack([a(j) for _ in range(DRAWS)])
            own = ours["%s.%d" % (name, i)]
            error = ((theirs.var(0) + own.var(0)) / DRAWS).sqrt() + 1e-12 * j.norm()
            worst = max(worst, ((theirs.mean(0) - own.mean(0)).abs() / error).max().item())
            ratio = (own.std(0) + 1e-9) / (theirs.std(0) + 1e-9)
            spread = max(spread, ratio.log().abs().max().item())
        print("%-20s means differ by at most %.1f standard errors, deviations by %.0f%%" % (
            name, worst, 100 * (np.exp(spread) - 1)))


def golden():
    out = {}
    for k, (_, j, losses) in enumerate(cases(24, 7, 12)):
        out["j.%d" % k], out["losses.%d" % k] = j.contiguous(), losses.contiguous()
        for name, reference in REFERENCE.items():
            if name in LOOSE:
                continue
            try:
                made = exact_cagrad if name == "cagrad" else reference
                out["%s.%d" % (name, k)] = made(j, losses).detach().contiguous()
            except Exception:
                pass
    save_file(out, os.path.join(HERE, "../golden/weightings.safetensors"))


if __name__ == "__main__":
    torch.manual_seed(1)
    if sys.argv[1:] == ["--golden"]:
        golden()
    else:
        compare(sys.argv[1], int((sys.argv[2:] or [200])[0]), int((sys.argv[3:] or [1])[0]))
