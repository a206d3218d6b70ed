"""Writes spec/golden/mixers.safetensors: what mixers of columns compute, in plain PyTorch.

    python3 spec/support/golden_mixers.py

A developer runs it; the suite only reads what it wrote. Parameters have the names that the
mixers of lua/braid/mtl/mixers give them, for columns a, b, c.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from golden_optim import HERE, save

torch.set_default_dtype(torch.float64)
torch.manual_seed(4)
T, N, C, H, W = 3, 2, 4, 2, 3
NAMES = "abc"
out = {}


def record(case, xs, f, params):
    """f(xs) -> ys; gradients of sum_i (i+1) * sum(cos(k) * y_i), k counting elements."""
    for x in xs:
        x.requires_grad_(True)
    ys = f(xs)
    total = 0
    for i, y in enumerate(ys):
        total = total + (i + 1) * (y * torch.cos(torch.arange(y.numel())).reshape(y.shape)).sum()
    total.backward()
    for i in range(T):
        out[f"{case}/x{i + 1}"] = xs[i]
        out[f"{case}/y{i + 1}"] = ys[i]
        out[f"{case}/dx{i + 1}"] = xs[i].grad
    for name, p in params.items():
        out[f"{case}/param/{name}"] = p
        out[f"{case}/grad/{name}"] = p.grad


def inputs():
    return [torch.randn(N, C, H, W) for _ in range(T)]


for case, shape in ("cross_stitch", (T, C)), ("cross_stitch_scalar", (T,)):
    rows = [torch.randn(shape, requires_grad=True) for _ in range(T)]
    record(case, inputs(), lambda xs: [
        sum(rows[i][j].reshape(-1, 1, 1) * xs[j] for j in range(T)) for i in range(T)],
        {f"alpha.{NAMES[i]}.weight": rows[i] for i in range(T)})

betas = [torch.randn(T, requires_grad=True) for _ in range(T)]
record("ttc", inputs(), lambda xs: [
    xs[i] + sum(torch.sigmoid(betas[i][j]) * xs[j] for j in range(T) if j != i)
    for i in range(T)], {f"beta.{NAMES[i]}.weight": betas[i] for i in range(T)})


def shaken(module):
    """Gives every batch norm random scales and shifts."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.uniform_(m.bias, -0.5, 0.5)
    return module


def conv(c, o, k):
    return nn.Conv2d(c, o, k, padding=k // 2, bias=False)


m = C * T // 4
central = shaken(nn.Sequential(conv(C * T, m, 1), nn.BatchNorm2d(m), nn.ReLU(),
                               conv(m, m, 3), nn.BatchNorm2d(m), nn.ReLU()))
tasks = [shaken(nn.Sequential(conv(C + m, C, 1), nn.BatchNorm2d(C), nn.ReLU(),
                              conv(C, C, 3), nn.BatchNorm2d(C))) for _ in range(T)]


def block(xs):
    z = central(torch.cat(xs, 1))
    return [F.relu(x + f(torch.cat([x, z], 1))) for x, f in zip(xs, tasks)]


named = {}
for prefix, module in [("central", central)] + [
        (f"task.{NAMES[i]}", tasks[i]) for i in range(T)]:
    for name, p in module.named_parameters():
        place, rest = name.split(".")
        named[f"{prefix}.{int(place) + 1}.{rest}"] = p
record("collaborative", inputs(), block, named)

parts = [shaken(nn.Sequential(nn.Conv2d(C * T, C, 1, bias=False), nn.BatchNorm2d(C)))
         for _ in range(T)]
record("nddr", inputs(), lambda xs: [F.relu(f(torch.cat(xs, 1))) for f in parts], {
    f"task.{NAMES[i]}.{int(name[0]) + 1}.{name[2:]}": p
    for i in range(T) for name, p in parts[i].named_parameters()})

save(HERE / "mixers.safetensors", out)
