"""Compares Braid with PyTorch on the inputs that PyTorch's own tests make: OpInfo (samples,
reference inputs and inputs that must be refused), ModuleInfo and OptimizerInfo.

    python spec/support/torch_opinfo.py build/braid [ops] [modules] [optimizers] [ONLY=regex]

torch_names.py translates the calls to Braid, torch_opinfo.lua makes them. Prints how many
agree, which Braid refuses (with reasons) and which differ. KNOWN has the accepted differences with
their reasons; the exit code is 1 if there is another one."""
import collections
import json
import re
import struct
import subprocess
import sys
import tempfile
import warnings

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db
from torch.testing._internal.common_optimizers import optim_db
from torch.utils._pytree import tree_leaves, tree_map

import torch_names as names
from torch_names import Refused

warnings.simplefilter("ignore")
TYPES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.int32: "I32",
         torch.uint8: "U8", torch.bool: "BOOL"}
OF_NAME = {name: t for t, name in TYPES.items()}
SCRIPT = "spec/support/torch_opinfo.lua"
TOLERANCE = {torch.float32: 2e-4, torch.float64: 1e-7}

# Accepted differences: operator, message and reason.
KNOWN = [
    (r"^(abs|sign|floor|ceil|round|trunc|nn.functional.elu) ", r"\[nan",
     "Braid keeps NaN: PyTorch has 0 for sign(NaN), and a gradient of 0 at NaN (or dy for elu)"),
    (r"^(minimum|maximum|min.binary|max.binary|logical_\w+|rsub|eq|ne|lt|le|gt|ge|pow|remainder|"
     r"clamp_min|clamp_max|__r\w+__) error", "refuses",
     "numbers may stand where PyTorch wants tensors"),
    (r"^cat error", "refuses", "a nil at the end of a list cannot be seen in Lua"),
    (r"^narrow error", "refuses", "torch_names.py makes a number of a start that is a tensor"),
    (r"^nn.functional.group_norm error", "refuses", "groups without elements are empty"),
]


def write_tensors(path, tensors):
    header, at, parts = {}, 0, []
    for name, t in tensors.items():
        data = t.detach().contiguous().reshape(-1).numpy().tobytes()
        header[name] = {"dtype": TYPES[t.dtype], "shape": list(t.shape),
                        "data_offsets": [at, at + len(data)]}
        at += len(data)
        parts.append(data)
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_tensors(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = bytearray(f.read())
    header.pop("__metadata__", None)
    result = {}
    for name, row in header.items():
        a, b = row["data_offsets"]
        t = torch.frombuffer(data[a:b], dtype=OF_NAME[row["dtype"]]) if b > a else \
            torch.empty(0, dtype=OF_NAME[row["dtype"]])
        result[name] = t.reshape(row["shape"])
    return result


def weights_like(o):
    w = torch.cos(torch.arange(o.numel(), dtype=torch.float32)) + 0.25
    return w.to(o.dtype).reshape(o.shape)


class Batch:
    """Cases for one run of Braid: the calls, and PyTorch's results."""

    def __init__(self):
        self.cases, self.tensors, self.wanted = [], {}, []

    def encode(self, v, own):
        if isinstance(v, torch.Tensor):
            if v.dtype not in TYPES or v.dim() > 8:
                raise Refused("a type that Braid lacks, or more than 8 dimensions")
            for t, key in own:
                if t is v:
                    return {"t": key}
            key = f"{len(self.cases)}.{len(own)}"
            own.append((v, key))
            return {"t": key}
        if isinstance(v, bool) or v is None or isinstance(v, str):
            return {"nil": True} if v is None else v
        if isinstance(v, float):
            return v if abs(v) < float("inf") else {"n": str(v)}
        if isinstance(v, int):
            if abs(v) >= 2 ** 63:
                raise Refused("an integer beyond 64 bits")
            return v
        if isinstance(v, (list, tuple)):
            return {"list": [self.encode(i, own) for i in v]}
        if isinstance(v, dict):
            return {k: self.encode(i, own) for k, i in v.items()}
        raise Refused(f"an argument that is {type(v).__name__}")

    def add(self, what, call, expected, grads=(), before=None, exact=None, **more):
        """expected: PyTorch's results (a list) or "error"; before: by id, tensors as they were
        before PyTorch wrote into them; exact: gives results and gradients in float64."""
        own = []
        case = {"f": call["f"], "args": [self.encode(a, own) for a in call["args"]],
                "options": {k: self.encode(v, own) for k, v in call["options"].items()},
                "out": call["out"]}
        case.update({k: self.encode(v, own) for k, v in more.items()})
        keys = {key: t for t, key in own}
        case["grads"] = [key for key, t in keys.items() if any(t is g for g in grads)]
        total, case["weights"], found = 0, [], []
        for i, o in enumerate(expected if case["grads"] else []):
            if o.requires_grad and call["out"][i] == "v":
                w = weights_like(o)
                keys[f"{len(self.cases)}.w{i}"] = w
                case["weights"].append(i)
                total = total + (o * w).sum()
        if case["weights"]:
            inputs = [keys[k] for k in case["grads"]]
            found = torch.autograd.grad(total, inputs, allow_unused=True)
            found = [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found)]
        self.tensors.update({k: (before or {}).get(id(t), t) for k, t in keys.items()})
        self.cases.append(case)
        self.wanted.append((what, call["out"], expected, found, exact))
        return [keys[k] for k in case["grads"]]

    def run(self, braid):
        """Gives (what, call, verdict, message) of each case."""
        with tempfile.TemporaryDirectory() as room:
            write_tensors(room + "/in.safetensors", self.tensors)
            with open(room + "/cases.json", "w") as f:
                f.write("\n".join(json.dumps(c) for c in self.cases))
            p = subprocess.run([braid, SCRIPT, room], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            if p.returncode != 0:
                sys.exit("braid failed:\n" + p.stdout[-2000:])
            got = read_tensors(room + "/out.safetensors")
            status = json.load(open(room + "/status.json"))["status"]
        for i, wanted in enumerate(self.wanted):
            yield wanted[0], self.cases[i], *verdict(status[i], *wanted[1:], got, i)


def verdict(status, out, expected, grads, exact, got, i):
    if expected == "error":
        return ("agrees", "") if status != "ok" else ("accepts", "what PyTorch refuses")
    if status != "ok":
        return "refused", status
    wanted = [(f"o{k}", e + 1 if out[k] == "i" else e) for k, e in enumerate(expected)
              if k < len(out) and out[k] != "-"]
    for name, e in wanted + [(f"g{k}", g) for k, g in enumerate(grads)]:
        message = compare(e.detach(), got[f"{i}.{name}"]) if f"{i}.{name}" in got else "missing"
        if message and not (exact and e.is_floating_point() and message.startswith("values") and
                            nearer(name, e, got[f"{i}.{name}"], exact)):
            return "differs", f"{'gradient' if name[0] == 'g' else 'result'} {name[1:]}: {message}"
    return "agrees", ""


def nearer(name, e, g, exact):
    """Whether Braid's float32 is as near to the float64 result as PyTorch's, or within four
    times PyTorch's largest error."""
    results, grads = exact()
    truth = (results if name[0] == "o" else grads)[int(name[1:])].detach()

    def far(t):
        same = torch.isnan(t) & torch.isnan(truth) | (t == truth)
        return torch.where(same, 0, (t.double() - truth).abs()).nan_to_num(nan=float("inf"))
    ours, theirs = far(g), far(e.detach())
    slack = TOLERANCE[g.dtype] * truth.abs().nan_to_num(nan=0)
    return bool((ours <= theirs + slack).all() or ours.max() <= 4 * theirs.max() < float("inf"))


def compare(e, g):
    if e.dtype != g.dtype:
        return f"type {g.dtype} for {e.dtype}"
    if e.shape != g.shape:
        return f"shape {list(g.shape)} for {list(e.shape)}"
    if not e.is_floating_point():
        return None if torch.equal(e, g) else f"values: {shown(g)} for {shown(e)}"
    finite = e[torch.isfinite(e)]
    top = float(finite.abs().max()) if finite.numel() else 1
    tolerance = TOLERANCE[e.dtype]
    bad = ~torch.isclose(g, e, rtol=tolerance, atol=tolerance * min(max(top, 1e-3), 1.0),
                         equal_nan=True)
    if not bad.any():
        return None
    return f"values: {shown(g[bad])} for {shown(e[bad])}"


def shown(t):
    return "[" + ", ".join(f"{v:.7g}" for v in t.reshape(-1)[:3].tolist()) + (
        ", ...]" if t.numel() > 3 else "]")


def as_list(result):
    if isinstance(result, (tuple, list)):
        return list(result)
    return [result if isinstance(result, torch.Tensor) else torch.tensor(result)]


# ---- operators ----------------------------------------------------------------------------
def full_name(op):
    return op.name + ("." + op.variant_test_name if op.variant_test_name else "")


def samples(op, dtype):
    grad = dtype.is_floating_point and op.supports_autograd
    makers = [op.sample_inputs]
    if dtype in (torch.float32, torch.int64) and op.reference_inputs_func:
        makers.append(op.reference_inputs)
    for make in makers:
        for wanted in dict.fromkeys((grad, False)):  # some makers ask for gradients of integers
            try:
                yield from list(make("cpu", dtype, requires_grad=wanted))
                break
            except ValueError:
                pass


def leaf(t):
    """A tensor of its own for each sample. Some samples are views, which get no gradient."""
    return t.detach().requires_grad_(t.requires_grad) if isinstance(t, torch.Tensor) else t


def add_sample(batch, op, mapped, sample, what):
    x, args, kwargs = tree_map(leaf, (sample.input, sample.args, sample.kwargs))
    call = mapped(x, *args, **kwargs)
    before = {id(t): t.detach().clone() for t in tree_leaves((x, args, kwargs))
              if isinstance(t, torch.Tensor)}
    result = as_list(op.op(x, *args, **kwargs))
    if any(not isinstance(r, torch.Tensor) or r.dtype not in TYPES for r in result):
        raise Refused("a type that Braid lacks")
    inputs = [t for t in tree_leaves((x, args, kwargs))
              if isinstance(t, torch.Tensor) and t.requires_grad]

    def exact():
        wanted = {id(t) for t in inputs}
        wide = {i: t.double().requires_grad_(i in wanted) if t.is_floating_point() else t
                for i, t in before.items()}
        more = tree_map(lambda t: wide[id(t)] if isinstance(t, torch.Tensor) else t,
                        (x, args, kwargs))
        outs = as_list(op.op(more[0], *more[1], **more[2]))
        total = sum((o * weights_like(o)).sum() for o in outs
                    if o.requires_grad and o.is_floating_point())
        return outs, torch.autograd.grad(total, [wide[id(t)] for t in asked],
                                         allow_unused=True) if asked else []
    asked = batch.add(what, call, result, inputs, before, exact)


def operators(report, braid, only):
    for op in sorted(op_db, key=full_name):
        name = full_name(op)
        if name not in names.OPS or not re.search(only, name):
            report.lacking(name, name in names.OPS)
            continue
        mapped, batch = names.OPS[name], Batch()
        mapped.name = name
        for dtype in TYPES:
            if not op.supports_dtype(dtype, "cpu"):
                continue
            torch.manual_seed(1)
            for sample in samples(op, dtype):
                try:
                    add_sample(batch, op, mapped, sample, f"{name} {str(dtype)[6:]}")
                except Refused as e:
                    report.put(name, None, "refused", str(e))
                except (RuntimeError, TypeError, IndexError, NotImplementedError) as e:
                    report.put(name, None, "skipped", str(e))
        errors = list(op.error_inputs("cpu")) if op.error_inputs_func else []
        for e in errors:
            s = e.sample_input
            try:
                batch.add(name + " error", mapped(s.input, *s.args, **s.kwargs), "error")
            except Exception as problem:
                report.put(name, None, "refused", f"error input: {problem}")
        report.take(batch, braid)


# ---- modules and optimizers -----------------------------------------------------------------
def module_case(batch, info, made, inputs, what):
    args, kwargs = tree_map(leaf, (inputs.forward_input.args, inputs.forward_input.kwargs))
    theirs = inputs.constructor_input
    call = names.MODULES[info.name](made, *args, *theirs.args, **theirs.kwargs)
    named = {n: p for n, p in made.named_parameters()}
    state = {n: named.get(n, t.detach().clone()) for n, t in made.state_dict().items()}
    result = as_list(made(*args, **kwargs))
    more = {}
    if call["f"].startswith("nn."):
        buffers = [t.detach().clone() for n, t in sorted(made.named_buffers())]
        call["out"] = "v" * (len(result) + len(buffers))
        inputs = [names.index(a) if info.name == "nn.Embedding" else a for a in args]
        more = {"state": state, "inputs": inputs, "training": made.training}
        result += buffers
    wanted = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor) and
              t.requires_grad] + list(named.values())
    batch.add(what, call, result, wanted, **more)


def modules(report, braid, only):
    for info in module_db:
        if info.name not in names.MODULES or not re.search(only, info.name):
            report.lacking(info.name, info.name in names.MODULES)
            continue
        batch = Batch()
        for dtype in (torch.float32, torch.float64):
            for training in (True, False):
                torch.manual_seed(1)
                for inputs in info.module_inputs_func(info, "cpu", dtype, True, training):
                    what = f"{info.name} {str(dtype)[6:]} {inputs.desc}"
                    try:
                        theirs = inputs.constructor_input
                        made = info.module_cls(*theirs.args, **theirs.kwargs).to(dtype)
                        made.train(training)
                        module_case(batch, info, made, inputs, what)
                    except (Refused, TypeError, RuntimeError) as e:
                        report.put(info.name, None, "refused", str(e))
        report.take(batch, braid)


def bowl(params, targets):
    return sum(((p - t) ** 2 * 0.7).sum() + torch.exp(p * 0.5).sum() for p, t in zip(params, targets))


def optimizers(report, braid, only):
    batch = Batch()
    for info in optim_db:
        name = info.optim_cls.__name__
        for given in info.optim_inputs_func(device="cpu"):
            if not re.search(only, name):
                continue
            try:
                options = names.optimizer(name, given.kwargs)
            except Refused as e:
                report.put(name, None, "refused", str(e))
                continue
            torch.manual_seed(3)
            params = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((3, 4), (5,))]
            targets = [torch.randn_like(p) for p in params]
            start = [p.detach().clone() for p in params]
            opt = info.optim_cls(params, **given.kwargs)

            def closure():
                opt.zero_grad()
                loss = bowl(params, targets)
                loss.backward()
                return loss
            for _ in range(12):
                opt.step(closure)
            call = names.call("special.optimize", name, start, targets, 12, options, out="vv")
            batch.add(f"{name} {given.desc}", call, [p.detach() for p in params])
    report.take(batch, braid)


class Report:
    def __init__(self):
        self.count, self.reasons, self.found = collections.Counter(), {}, []
        self.known = collections.Counter()
        self.lack = []

    def lacking(self, name, known):
        if not known:
            self.lack.append(name)

    def put(self, what, case, verdict, message):
        name = what.split(" ")[0]
        if verdict in ("differs", "accepts"):
            for i, (pattern, text, _) in enumerate(KNOWN):
                if re.search(pattern, what) and re.search(text, message):
                    self.known[i] += 1
                    self.count["known"] += 1
                    return
            self.found.append((what, case, verdict, message))
        self.count[verdict] += 1
        if verdict == "refused":
            reason = re.sub(r"-?\d[\d.e+-]*", "N", re.sub(r"^\S+:\d+: ", "", message))[:100]
            self.reasons.setdefault(reason, collections.Counter())[name] += 1

    def take(self, batch, braid):
        if batch.cases:
            for what, case, verdict, message in batch.run(braid):
                self.put(what, case, verdict, message)

    def show(self, refused):
        if refused:
            for reason, ops in sorted(self.reasons.items(), key=lambda r: -sum(r[1].values())):
                print(f"refused {sum(ops.values()):5d}  {reason}  ({', '.join(sorted(ops)[:6])})")
        for i, n in sorted(self.known.items()):
            print(f"known   {n:5d}  {KNOWN[i][0]}: {KNOWN[i][2]}")
        for what, case, verdict, message in self.found[:400]:
            print(f"{verdict.upper()} {what}: {message}\n    {json.dumps(case)[:300]}")
        print(", ".join(f"{n} {verdict}" for verdict, n in sorted(self.count.items())))
        return 1 if self.found else 0


def main(args):
    words = [a for a in args[1:] if "=" not in a]
    given = dict(a.split("=", 1) for a in args[1:] if "=" in a)
    report, only = Report(), given.get("ONLY", "")
    for name, run in dict(ops=operators, modules=modules, optimizers=optimizers).items():
        if not words or name in words:
            run(report, args[0], only)
    return report.show("REFUSED" in given)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main(sys.argv[1:]))
