"""Writes files by torch.save, and their values for compare_pth.lua:

    python3 spec/support/compare_pth.py DIR && build/braid spec/support/compare_pth.lua DIR

NAME.pth is read by Braid; NAME.json has {"path of a tensor": {"shape", "values"}} and {"path": value} for
the rest. A file whose name begins with "refused" must be refused; its .json is the reason.
"""
import json
import sys
from collections import Counter, OrderedDict
from pathlib import Path

import torch

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)


def flat(value, path, tensors, others):
    if isinstance(value, torch.Tensor):
        t = value.detach()
        wide = torch.float64 if t.dtype.is_floating_point else torch.int64
        tensors[path] = {"shape": list(t.shape), "values": t.to(wide).reshape(-1).tolist()}
    elif isinstance(value, dict):
        for key, child in value.items():
            flat(child, f"{path}/{key}", tensors, others)
    elif isinstance(value, (list, tuple)):
        for i, child in enumerate(value):
            flat(child, f"{path}/{i + 1}", tensors, others)
    elif isinstance(value, torch.dtype):
        others[path] = str(value).removeprefix("torch.")
    elif value is not None:
        others[path] = value


def put(name, value, **options):
    torch.save(value, out / f"{name}.pth", **options)
    tensors, others = {}, {}
    flat(value, "", tensors, others)
    (out / f"{name}.json").write_text(json.dumps({"tensors": tensors, "others": others}))


def refused(name, value, reason, save=torch.save, **options):
    save(value, out / f"refused_{name}.pth", **options)
    (out / f"refused_{name}.json").write_text(json.dumps(reason))


dtypes = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32,
          torch.int16, torch.int8, torch.uint8, torch.bool, torch.uint16, torch.uint32, torch.uint64,
          torch.float8_e5m2, torch.float8_e4m3fn, torch.float8_e8m0fnu]
for dtype in dtypes:
    def made(*shape):
        x = torch.randn(*shape) * 3
        if dtype == torch.float8_e8m0fnu:
            x = 2 ** torch.randint(-9, 9, shape).float()
        if not dtype.is_floating_point:
            x = torch.randint(-100 if dtype.is_signed else 0, 100, shape)
        return x.to(dtype)

    big = made(4, 5, 6)
    put(str(dtype)[6:], {
        "plain": made(3, 4), "scalar": made(1)[0], "one": made(1, 1, 1), "empty": made(0, 3),
        "turned": made(3, 4).t(), "mixed": big.permute(2, 0, 1), "cut": big[1:3, :, 2:5],
        "stepped": big[::2, ::3, ::5], "row": big[2, 3], "value": big[1, 2, 3], "whole": big,
        "spread": made(3, 1).expand(3, 4), "spread scalar": made(1)[0].expand(2, 2),
        "windows": big.as_strided((5, 3), (1, 1), 7), "again": big, "empty cut": big[4:],
        "last": made(2, 3, 4, 5).to(memory_format=torch.channels_last)
        if dtype.itemsize > 1 and dtype not in (torch.uint16, torch.uint32, torch.uint64)
        else made(2, 3, 4, 5)})

net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(),
                          torch.nn.Linear(16, 2))
opt = torch.optim.Adam(net.parameters(), lr=0.01, amsgrad=True)
for _ in range(2):
    opt.zero_grad()
    net(torch.randn(3, 3, 4, 4)).sum().backward()
    opt.step()
schedule = torch.optim.lr_scheduler.StepLR(opt, 3)
for protocol in (2, 3, 4, 5):
    put(f"checkpoint_{protocol}", {
        "state_dict": net.state_dict(), "epoch": 3, "best": 0.25, "optimizer": opt.state_dict(),
        "names": ["a", "b", None, "ä" * 300], "shape": net[0].weight.shape, "type": torch.float16,
        "scheduler": schedule.state_dict(), "flags": (True, False), "big": [2**40, -2**62, -1, 255],
        "parameters": list(net.parameters()), "none": None, "nested": {"a": {"b": {1: [[], {}]}}}},
        pickle_protocol=protocol)
put("tensor", torch.randn(2, 3))
put("parameter", torch.nn.Parameter(torch.randn(2)))
put("state", net.state_dict())
tied = torch.randn(3, 4)
put("tied", OrderedDict(a=tied, b=tied.view(4, 3), c=tied))
put("a name with spaces and ä", {"x": torch.ones(2)})

refused("legacy", net.state_dict(), "before version 1.6", _use_new_zipfile_serialization=False)
refused("module", net, "names torch.nn.modules.container.Sequential, and only tensors")
refused("counter", {"a": Counter("aab")}, "names collections.Counter, and only tensors")
refused("sparse", torch.eye(3).to_sparse(), "names torch._utils._rebuild_sparse_tensor, and only")
refused("complex", torch.ones(2, dtype=torch.complex64), "values of type complex64")
refused("set", {"a": {1, 2}}, "set")
refused("large", [2**64], "does not fit into 64 bits")
refused("high", torch.full((2,), 2**64 - 1, dtype=torch.uint64), "a number of 2^63 or more")
refused("keys", {(1, 2): 3}, "a dict has a key that is neither text nor a number")
refused("script", torch.jit.script(net), "a TorchScript archive", save=torch.jit.save)
loop = []
loop.append(loop)
refused("loop", loop, "contains itself")
