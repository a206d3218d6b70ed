"""Writes spec/golden/optim.safetensors and losses.safetensors, with PyTorch.

    python3 spec/support/golden_optim.py

A developer runs it; the suite only reads what it wrote. The names of the optimizers'
cases and their options stand in spec/optim/golden_optim_spec.lua, those of the losses in
spec/loss/golden_losses_spec.lua.
"""

import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent.parent / "golden"
KINDS = {torch.float64: ("F64", "d"), torch.int64: ("I64", "q"), torch.bool: ("BOOL", "?")}


def save(path, tensors):
    header, parts, at = {}, [], 0
    for name in sorted(tensors):
        t = tensors[name].detach().contiguous()
        kind, code = KINDS[t.dtype]
        data = struct.pack(f"<{t.numel()}{code}", *t.flatten().tolist())
        header[name] = {"dtype": kind, "shape": list(t.shape),
                        "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<q", len(text)) + text + b"".join(parts))
    print(path, len(text) + 8 + at, "bytes,", len(tensors), "tensors")


# ---- optimizers minimise sum c (x - t)^2 / 2 + (x - t)^4 / 4 over two tensors a and b -------

STEPS = 20
START = {"a": [[1.5, -0.25, 0.75], [2.0, -1.0, 0.5]], "b": [0.3, -1.2, 0.9, 0.1]}
GOAL = {"a": [[0.5, 0.25, -0.5], [1.0, 0.5, 0.0]], "b": [-0.4, 0.2, 1.1, 0.7]}
SCALE = {"a": [[1.0, 3.0, 0.5], [2.0, 0.25, 1.0]], "b": [0.1, 2.0, 1.5, 4.0]}


def optimizers():
    o = torch.optim
    yield "sgd_plain", lambda p: o.SGD(p, lr=0.05)
    yield "sgd_momentum", lambda p: o.SGD(p, lr=0.02, momentum=0.9, dampening=0.2,
                                          weight_decay=0.01)
    yield "sgd_nesterov", lambda p: o.SGD(p, lr=0.02, momentum=0.8, nesterov=True)
    yield "adam", lambda p: o.Adam(p, lr=0.05)
    yield "adam_amsgrad", lambda p: o.Adam(p, lr=0.1, betas=(0.7, 0.9), eps=1e-4,
                                           weight_decay=0.05, amsgrad=True)
    yield "adamw", lambda p: o.AdamW(p, lr=0.05)
    yield "adamw_amsgrad", lambda p: o.AdamW(p, lr=0.1, betas=(0.8, 0.95),
                                             weight_decay=0.2, amsgrad=True)
    yield "rmsprop", lambda p: o.RMSprop(p)
    yield "rmsprop_centered", lambda p: o.RMSprop(
        p, lr=0.02, alpha=0.9, eps=1e-6, momentum=0.5, weight_decay=0.1, centered=True)
    yield "rmsprop_momentum", lambda p: o.RMSprop(p, lr=0.005, momentum=0.9)
    yield "adagrad", lambda p: o.Adagrad(p)
    yield "adagrad_decay", lambda p: o.Adagrad(p, lr=0.3, lr_decay=0.1, weight_decay=0.05,
                                               initial_accumulator_value=0.5, eps=1e-6)
    yield "adadelta", lambda p: o.Adadelta(p)
    yield "adadelta_fast", lambda p: o.Adadelta(p, lr=2.0, rho=0.7, eps=1e-3,
                                                weight_decay=0.1)
    yield "adamax", lambda p: o.Adamax(p)
    yield "adamax_decay", lambda p: o.Adamax(p, lr=0.1, betas=(0.8, 0.9), eps=1e-4,
                                             weight_decay=0.1)
    yield "lbfgs", lambda p: o.LBFGS(p, lr=0.1, max_iter=3, history_size=2)
    yield "lbfgs_wolfe", lambda p: o.LBFGS(p, max_iter=4, history_size=5,
                                           line_search_fn="strong_wolfe")
    yield "lbfgs_wolfe_long", lambda p: o.LBFGS(p, lr=8, max_iter=2,
                                                line_search_fn="strong_wolfe")
    yield "groups", lambda p: o.SGD([{"params": p[:1]}, {"params": p[1:], "lr": 0.005}],
                                    lr=0.05, momentum=0.5)


def value(p):
    total = 0
    for name, x in p.items():
        d = x - torch.tensor(GOAL[name])
        total = total + (torch.tensor(SCALE[name]) * d * d / 2 + d ** 4 / 4).sum()
    return total


def trajectories():
    out = {}
    for name in START:
        out["start/" + name] = torch.tensor(START[name])
        out["goal/" + name] = torch.tensor(GOAL[name])
        out["scale/" + name] = torch.tensor(SCALE[name])
    for case, make in optimizers():
        p = {name: torch.tensor(START[name], requires_grad=True) for name in START}
        opt, rows = make(list(p.values())), []
        for _ in range(STEPS):
            def closure():
                opt.zero_grad()
                loss = value(p)
                loss.backward()
                return loss
            opt.step(closure)
            rows.append(torch.cat([x.detach().flatten() for x in p.values()]))
        out["run/" + case] = torch.stack(rows)
    return out


# ---- losses -------------------------------------------------------------------------------

def wave(*shape, low=-2.0, high=2.0, salt=1):
    n = math.prod(shape)
    values = [low + (high - low) * (((i * 37 + salt * 101) * 61 % 199) / 199) for i in range(n)]
    return torch.tensor(values).reshape(shape)


def focal_sigmoid(x, t, gamma, alpha):
    p = torch.sigmoid(x)
    ce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    loss = ce * (1 - (p * t + (1 - p) * (1 - t))) ** gamma
    return (loss * (alpha * t + (1 - alpha) * (1 - t)) if alpha else loss).mean()


def focal_softmax(x, labels, gamma, alpha):
    log_p = F.log_softmax(x, 1).gather(1, labels[:, None])[:, 0]
    return -((1 - log_p.exp()) ** gamma * log_p * alpha[labels]).mean()


def wing(x, t, w, eps):
    d = (x - t).abs()
    c = w - w * math.log(1 + w / eps)
    return torch.where(d < w, w * torch.log(1 + d / eps), d - c).mean()


def losses():
    x, t, s = wave(4, 5), wave(4, 5, salt=7), wave(4, 5, low=0.2, high=2, salt=3)
    x[0, 0] = t[0, 0]  # a kink
    far = x * 8
    p, q = wave(4, 5, low=0, high=1, salt=2), wave(4, 5, low=0, high=1, salt=9)
    p[0, :4] = torch.tensor([0.0, 1.0, 0.0, 1.0])
    q[0, :4] = torch.tensor([0.0, 1.0, 1.0, 0.0])
    hot = (q > 0.5).double()
    sign = hot * 2 - 1
    yield "mse", x, t, {}, lambda a, b: F.mse_loss(a, b)
    yield "mse_weight", x, t, {"weight": s}, lambda a, b: F.mse_loss(a, b, weight=s)
    yield "l1", x, t, {}, lambda a, b: F.l1_loss(a, b)
    yield "l1_weight", x, t, {"weight": s}, lambda a, b: F.l1_loss(a, b, weight=s)
    yield "l1_none", x, t, {}, lambda a, b: F.l1_loss(a, b, reduction="none")
    for beta in (0.0, 0.7, 1.0):
        yield f"smooth_l1_{beta}", x, t, {}, lambda a, b: F.smooth_l1_loss(a, b, beta=beta)
    for delta in (0.5, 1.0):
        yield f"huber_{delta}", x, t, {}, lambda a, b: F.huber_loss(a, b, delta=delta)
    yield "huber_weight", x, t, {"weight": s}, lambda a, b: F.huber_loss(a, b, weight=s)
    yield "wing", far, t, {}, lambda a, b: wing(a, b, 10, 2)
    yield "wing_narrow", x, t, {}, lambda a, b: wing(a, b, 1.5, 0.25)
    yield "bce", p, q, {}, lambda a, b: F.binary_cross_entropy(a, b)
    yield "bce_weight_sum", p, q, {"weight": s}, lambda a, b: F.binary_cross_entropy(
        a, b, weight=s, reduction="sum")
    yield "bce_logits", far, q, {}, lambda a, b: F.binary_cross_entropy_with_logits(a, b)
    yield "bce_logits_extreme", far * 50, hot, {}, lambda a, b: \
        F.binary_cross_entropy_with_logits(a, b)
    pw = torch.tensor([1.0, 3.0, 0.5, 2.0, 0.0])
    yield "bce_logits_weights", x, q, {"weight": s, "pos_weight": pw}, lambda a, b: \
        F.binary_cross_entropy_with_logits(a, b, weight=s, pos_weight=pw)
    logp, probs = F.log_softmax(x, 1), F.softmax(t, 1)
    holes = probs * hot
    yield "kl_div", logp, probs, {}, lambda a, b: F.kl_div(a, b)
    yield "kl_div_zeros", logp, holes, {}, lambda a, b: F.kl_div(a, b, reduction="sum")
    yield "kl_div_batchmean", logp, probs, {}, lambda a, b: F.kl_div(
        a, b, reduction="batchmean")
    yield "kl_div_log_target", logp, probs.log(), {}, lambda a, b: F.kl_div(
        a, b, reduction="batchmean", log_target=True)
    yield "hinge", x, sign, {}, lambda a, b: F.relu(1 - a * b).mean()
    yield "hinge_margin", x, sign, {}, lambda a, b: F.relu(0.5 - a * b).mean()
    yield "focal", x, hot, {}, lambda a, b: focal_sigmoid(a, b, 2, None)
    yield "focal_alpha", x, hot, {}, lambda a, b: focal_sigmoid(a, b, 1.5, 0.25)
    yield "focal_soft", far, q, {}, lambda a, b: focal_sigmoid(a, b, 0.5, 0.25)

    labels = torch.tensor([2, 0, 4, 2, 1, 3])
    c, w = wave(6, 5, salt=5), torch.tensor([0.5, 1.0, 2.0, 0.0, 1.5])
    yield "cross_entropy", c, labels, {}, lambda a, b: F.cross_entropy(a, b)
    yield "cross_entropy_extreme", c * 200, labels, {}, lambda a, b: F.cross_entropy(a, b)
    yield "cross_entropy_all", c, labels, {"weight": w}, lambda a, b: F.cross_entropy(
        a, b, weight=w, label_smoothing=0.1)
    yield "cross_entropy_missing", c, torch.tensor([2, -1, 4, -1, 1, 3]), {"weight": w}, \
        lambda a, b: F.cross_entropy(a, b, weight=w, ignore_index=-1, label_smoothing=0.2)
    soft = F.softmax(wave(6, 5, salt=8), 1)
    yield "cross_entropy_soft", c, soft, {}, lambda a, b: F.cross_entropy(a, b)
    yield "cross_entropy_soft_all", c, soft, {"weight": w}, lambda a, b: F.cross_entropy(
        a, b, weight=w, label_smoothing=0.1)
    grid = torch.tensor([[[0, 1], [2, -1]], [[-1, 2], [0, 0]]])
    image = wave(2, 3, 2, 2, salt=4)
    yield "cross_entropy_image", image, grid, {}, lambda a, b: F.cross_entropy(
        a, b, ignore_index=-1)
    yield "nll", F.log_softmax(c, 1), labels, {}, lambda a, b: F.nll_loss(a, b)
    yield "nll_weight", F.log_softmax(c, 1), torch.tensor([2, -1, 4, -1, 1, 3]), \
        {"weight": w}, lambda a, b: F.nll_loss(a, b, weight=w, ignore_index=-1)
    yield "nll_image", image, grid, {}, lambda a, b: F.nll_loss(
        a, b, ignore_index=-1, reduction="none")
    yield "focal_classes", c, labels, {"alpha": w}, lambda a, b: focal_softmax(a, b, 2, w)

    y = torch.tensor([1, -1, -1, 1])
    yield "cosine", x, y, {"second": t}, lambda a, b: F.cosine_embedding_loss(a, t, b)
    yield "cosine_margin", x, y, {"second": t - 3 * x}, lambda a, b: \
        F.cosine_embedding_loss(a, t - 3 * x.detach(), b, margin=-0.95, reduction="sum")
    small = x.clone()
    small[1] = 0
    yield "cosine_zero", small, y, {"second": t}, lambda a, b: F.cosine_embedding_loss(
        a, t, b, margin=0.1)


def loss_values():
    out = {}
    for case, x, target, extra, f in losses():
        x = x.clone().requires_grad_()
        value = f(x, target)
        value.sum().backward()
        labels = target.dtype == torch.int64 and not case.startswith("cosine")
        out[case + "/x"] = x
        out[case + "/target"] = target + 1 if labels else target
        out[case + "/value"], out[case + "/grad"] = value, x.grad
        for name, t in extra.items():
            out[f"{case}/{name}"] = t
    return out


if __name__ == "__main__":
    save(HERE / "optim.safetensors", trajectories())
    save(HERE / "losses.safetensors", loss_values())
