"""The same as worker.lua in PyTorch: worker.py contiguous|channels_last. Before it has run
anything it can also be told

  fork   -> ok, from a process that has loaded the same, and obeys until it quits
"""

import os
import sys
import time
import warnings

import torch

from networks import NETWORKS


def resident(field):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(field + ":"))


# PyTorch loads some modules only for an optimizer; they count as part of the library too.
torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], fused=True)
BASE = resident("VmRSS")
FORMAT = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}[sys.argv[1]]


forked = None  # VmRSS and RssFile of a forked process when it began


def peak():
    """A forked process does not count the library's files until it reads them."""
    if not forked:
        return resident("VmHWM")
    rss, files = forked
    return BASE + (resident("VmHWM") - rss) - (resident("RssFile") - files)


def training(name):
    n, image, make, labels, loss_of = NETWORKS[name]
    net = make(FORMAT == torch.channels_last).to(memory_format=FORMAT)
    opt = torch.optim.Adam(net.parameters(), lr=1e-4, fused=True)
    x = torch.randn(n, *image).to(memory_format=FORMAT)
    batch = labels(n)

    def step():
        loss = loss_of(net(x), batch)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        return loss.item()

    return net, step


METHODS = {"upgrad": ("UPGrad", "UPGradWeighting"), "pcgrad": ("PCGrad", "PCGradWeighting"),
           "nash": ("NashMTL", None)}


def weighing(name, way, method):
    """A training step by torchjd: its autojac engine, or autogram, which gives products alone."""
    import torchjd.aggregation
    from torchjd.autogram import Engine
    from torchjd.autojac import backward, jac_to_grad, mtl_backward
    warnings.filterwarnings("ignore")
    n, image, make, labels, loss_of = NETWORKS[name]
    net = make(FORMAT == torch.channels_last).to(memory_format=FORMAT)
    opt = torch.optim.Adam(net.parameters(), lr=1e-4, fused=True)
    x = torch.randn(n, *image).to(memory_format=FORMAT)
    batch, aggregator = labels(n), getattr(torchjd.aggregation, METHODS[method][way == "autogram"])
    aggregator = aggregator(n_tasks=5) if method == "nash" else aggregator()
    shared = [p for module in net.shared() for p in module.parameters()]
    known = set(shared)
    own = [p for p in net.parameters() if p not in known]
    engine = Engine(*net.shared(), batch_dim=None) if way == "autogram" else None

    def step():
        features, outputs = net.split(x)
        losses = loss_of(outputs, batch, each=True)
        opt.zero_grad(set_to_none=True)
        if engine:
            stacked = torch.stack(losses)
            stacked.backward(aggregator(engine.compute_gramian(stacked)))
        else:
            if len(features) == 1:
                mtl_backward(losses, features=features)
            else:  # some depend on others, which it does not support
                backward(losses, inputs=shared, retain_graph=True)
                torch.autograd.backward(losses, inputs=own)
            jac_to_grad(shared, aggregator)
        opt.step()
        return sum(losses).item()

    return net, step


def inference(name):
    _, image, make, _, _ = NETWORKS[name]
    net = make(FORMAT == torch.channels_last).to(memory_format=FORMAT).eval()
    x = torch.randn(1, *image).to(memory_format=FORMAT)

    def step():
        with torch.inference_mode():
            net(x)

    return net, step


def calls():
    """Microseconds of the calls of overhead.lua, in its order."""
    x, w = torch.ones(1), torch.ones(1, requires_grad=True)
    image, kernel = torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1)

    def per_call(f, grad=False):
        best = float("inf")
        with torch.set_grad_enabled(grad):
            for _ in range(20):
                start = time.perf_counter()
                for _ in range(2000):
                    f()
                best = min(best, (time.perf_counter() - start) / 2000 * 1e6)
        return best

    return [per_call(lambda: x.relu()), per_call(lambda: x + x), per_call(lambda: x * 2),
            per_call(lambda: torch.nn.functional.conv2d(image, kernel)),
            per_call(lambda: w.relu(), True),
            per_call(lambda: w.relu().backward(), True)]


def answer(command, words):
    global step
    if command == "build":
        torch.manual_seed(1)
        mode, *more = words[1].split(".")
        if mode == "weigh":
            net, step = weighing(words[0], *more)
        else:
            net, step = (inference if mode == "infer" else training)(words[0])
        return sum(p.numel() for p in net.parameters())
    if command == "run":
        times = []
        for _ in range(int(words[1]) if len(words) > 1 else 0):
            step()
        for _ in range(int(words[0])):
            start = time.perf_counter()
            step()
            times.append(f"{(time.perf_counter() - start) * 1e3:.4f}")
        return " ".join(times)
    if command == "threads":
        torch.set_num_threads(int(words[0]))
        return "ok"
    if command == "memory":
        return f"{peak():.1f} {BASE:.1f}"
    if command == "calls":
        return " ".join(f"{us:.4f}" for us in calls())
    raise ValueError("no command " + command)


print("ready", flush=True)
for line in sys.stdin:
    command, *words = line.split()
    if command == "fork":
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        forked = resident("VmRSS"), resident("RssFile")
        print("ok", flush=True)
        continue
    if command == "quit":
        if forked:
            print("ok", flush=True)
        break
    try:
        print(answer(command, words), flush=True)
    except Exception as e:
        print("error", " ".join(str(e).split()), flush=True)
