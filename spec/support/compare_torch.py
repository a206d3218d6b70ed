"""Random calls of operators with PyTorch's results and gradients, for compare_torch.lua.

    python spec/support/compare_torch.py 2000 1 > cases.lua      # number of calls, seed
    lua5.4 spec/support/compare_torch.lua cases.lua              # with the specs' LUA_PATH
"""
import random
import sys

import torch
import torch.nn.functional as F

N, SEED = int(sys.argv[1]), int(sys.argv[2])
R = random.Random(SEED)
TYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64,
         "int32": torch.int32, "uint8": torch.uint8, "bool": torch.bool}
NAMES = {v: k for k, v in TYPES.items()}
FLOATS = ["float32", "float64"]
INTS = ["int64", "int32", "uint8"]
ANY = FLOATS + INTS + ["bool"]
NUMBERS = FLOATS + INTS


def text(v):
    """A number as Lua writes it."""
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, int):
        return str(v)
    if v != v:
        return "(0/0)"
    if v in (float("inf"), float("-inf")):
        return "math.huge" if v > 0 else "-math.huge"
    return "(%s)" % v.hex()


def dump(t):
    if not isinstance(t, torch.Tensor):
        return text(t)
    t = t.detach()
    return '{dtype="%s",shape={%s},%s}' % (
        NAMES.get(t.dtype, str(t.dtype)), ",".join(map(str, t.shape)),
        ",".join(text(v) for v in t.reshape(-1).tolist()))


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -0.5, 0.5, float("inf"), float("-inf"), float("nan")]


def values(n, dtype, low, high, odd):
    if dtype == "bool":
        return [R.random() < 0.5 for _ in range(n)]
    if dtype in INTS:
        lo, hi = max(low, 0) if dtype == "uint8" else low, high
        return [R.randint(int(lo), int(max(hi, lo))) for _ in range(n)]
    return [R.choice(SPECIAL) if odd and R.random() < 0.3 else R.uniform(low, high)
            for _ in range(n)]


def shape(least=0, most=4, zero=True):
    s = [R.choice([1, 2, 3, 4, 5]) for _ in range(R.randint(least, most))]
    if zero and s and R.random() < 0.07:
        s[R.randrange(len(s))] = 0
    return s


def tensor(s=None, types=ANY, low=-4, high=4, odd=None):
    s = shape() if s is None else s
    dtype = R.choice(types)
    n = 1
    for d in s:
        n *= d
    odd = R.random() < 0.2 if odd is None else odd
    return torch.tensor(values(n, dtype, low, high, odd), dtype=TYPES[dtype]).reshape(s)


def other(s):
    """A shape that broadcasts with s."""
    s = [d if R.random() < 0.7 else 1 for d in s]
    return s[R.randint(0, len(s)):] if R.random() < 0.5 else s


def index(n, s, types=("int64",)):
    """Random indices from 0 to n - 1 for PyTorch; compare_torch.lua adds 1."""
    return tensor(s, list(types), 0, n - 1)


CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


class Call:
    """name in Lua, its arguments as tensors, numbers or Lua text, and PyTorch's function."""

    def __init__(self, name, args, f, lua=None, grad=True):
        self.name, self.args, self.f, self.lua, self.grad = name, args, f, lua, grad


def number(types=("int", "float")):
    return R.randint(-3, 3) if R.choice(types) == "int" else R.choice([-1.5, 0.5, 2.0, 0.25])


BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "pow": torch.pow,
          "floordiv": torch.floor_divide, "mod": torch.remainder, "lt": torch.lt, "le": torch.le,
          "gt": torch.gt, "ge": torch.ge, "eq": torch.eq, "ne": torch.ne,
          "logical_and": torch.logical_and, "logical_or": torch.logical_or,
          "logical_xor": torch.logical_xor, "minimum": torch.minimum, "maximum": torch.maximum}


@case
def binary():
    name = R.choice(list(BINARY))
    a = tensor()
    if name not in ("logical_and", "logical_or", "logical_xor", "minimum", "maximum") \
            and R.random() < 0.3:
        b = number()
    else:
        b = tensor(other(list(a.shape)))
    return Call(name, [a, b], BINARY[name])


UNARY = ("abs neg sign exp log log1p expm1 sqrt rsqrt square reciprocal sin cos tan tanh sigmoid "
         "relu erf floor ceil round trunc isnan isfinite logical_not clone").split()


@case
def unary():
    name = R.choice(UNARY)
    return Call(name, [tensor()], getattr(torch, name))


ACTIVATION = {"elu": F.elu, "gelu": F.gelu, "silu": F.silu, "softplus": F.softplus,
              "hardswish": F.hardswish, "leaky_relu": F.leaky_relu}


@case
def activation():
    name = R.choice(list(ACTIVATION))
    return Call(name, [tensor()], ACTIVATION[name])


@case
def clamp():
    x = tensor(low=-3, high=3)
    lo, hi = sorted([number(), number()])
    which = R.randrange(3)
    if R.random() < 0.5 and x.dtype.is_floating_point:
        x = x.round()
    if which == 0:
        return Call("clamp", [x, lo, hi], torch.clamp)
    if which == 1:
        return Call("clamp", [x], lambda a: torch.clamp(a, min=lo), "{min=%s}" % text(lo))
    return Call("clamp", [x], lambda a: torch.clamp(a, max=hi), "{max=%s}" % text(hi))


@case
def where():
    m = tensor(types=["bool"])
    a, b = tensor(other(list(m.shape))), tensor(other(list(m.shape)))
    return Call("where", [m, a, b], torch.where)


@case
def masked_fill():
    x = tensor()
    m = tensor(other(list(x.shape)), ["bool"])
    return Call("masked_fill", [x, m, number()], torch.masked_fill)


@case
def lerp():
    t = [R.choice(FLOATS)]
    x = tensor(types=t)
    return Call("lerp", [x, tensor(other(list(x.shape)), t), 0.25], torch.lerp)


REDUCE = {"sum": torch.sum, "mean": torch.mean, "prod": torch.prod, "var": torch.var,
          "std": torch.std, "count_nonzero": torch.count_nonzero, "any": torch.any,
          "all": torch.all, "amax": torch.amax, "logsumexp": torch.logsumexp}


@case
def reduction():
    name = R.choice("sum mean prod var std count_nonzero any all logsumexp".split())
    x, f = tensor(), REDUCE[name]
    if R.random() < 0.3 and name != "logsumexp":
        return Call(name, [x], f)
    n = x.dim()
    if n == 0:
        return Call(name, [x], f) if name != "logsumexp" else None
    dims = R.sample(range(n), R.randint(1, n))
    if name == "prod":
        dims = dims[:1]
    keep = R.random() < 0.5
    lua = "{dim={%s},keepdim=%s}" % (",".join(str(d + 1) for d in dims), text(keep))
    if name == "count_nonzero":
        return Call(name, [x], lambda a: f(a, dim=dims), lua.replace(text(keep), "false"))
    d = dims[0] if name == "prod" else dims
    return Call(name, [x], lambda a: f(a, dim=d, keepdim=keep), lua)


@case
def choice():
    name = R.choice("max min argmax argmin median sort topk cumsum".split())
    x = tensor()
    if name in ("max", "min", "argmax", "argmin", "median") and R.random() < 0.4:
        return Call(name, [x], getattr(torch, name))
    if x.dim() == 0:
        return None
    d = R.randrange(x.dim())
    f = getattr(torch, name)
    if name == "sort":
        down = R.random() < 0.5
        return Call(name, [x], lambda a: torch.sort(a, dim=d, descending=down, stable=True),
                    "%d,%s" % (d + 1, text(down)))
    if name == "topk":
        k = R.randint(0, x.shape[d])
        return Call(name, [x], lambda a: torch.topk(a, k, d)[0], "%d,%d" % (k, d + 1))
    if name == "cumsum":
        return Call(name, [x], lambda a: f(a, d), "%d" % (d + 1))
    keep = R.random() < 0.5
    return Call(name, [x], lambda a: f(a, d, keepdim=keep), "%d,%s" % (d + 1, text(keep)))


@case
def norm():
    x = tensor()
    p = R.choice([0, 1, 2, 3, 0.5, -1, float("inf"), float("-inf")])
    if x.dim() == 0 or R.random() < 0.3:
        return Call("norm", [x], lambda a: torch.linalg.vector_norm(a, p), text(p))
    d = R.sample(range(x.dim()), R.randint(1, x.dim()))
    return Call("norm", [x], lambda a: torch.linalg.vector_norm(a, p, d),
                "%s,{%s}" % (text(p), ",".join(str(i + 1) for i in d)))


@case
def soft():
    name = R.choice(["softmax", "log_softmax"])
    x = tensor(shape(1), FLOATS)
    d = R.randrange(x.dim())
    return Call(name, [x], lambda a: getattr(torch, name)(a, d), str(d + 1))


@case
def product():
    t = [R.choice(FLOATS)]
    m, k, n, b = (R.choice([0, 1, 2, 3, 5]) for _ in range(4))
    left, right = R.choice([([m, k], [k, n]), ([k], [k]), ([m, k], [k]), ([k], [k, n]),
                            ([b, m, k], [k, n]), ([b, m, k], [b, k, n]), ([b, m, k], [k]),
                            ([m, k], [b, k, n]), ([2, 1, m, k], [3, k, n])])
    return Call("matmul", [tensor(left, t, odd=False), tensor(right, t, odd=False)], torch.matmul)


@case
def gathering():
    x = tensor(shape(1, 3, False))
    d = R.randrange(x.dim())
    s = [R.randint(1, n) for n in x.shape]
    s[d] = R.randint(0, 4)
    i = index(x.shape[d], s)
    name = R.choice(["gather", "scatter_add", "scatter"])
    if name == "gather":
        return Call(name, [x, i], lambda a, b: torch.gather(a, d, b), "d=%d" % (d + 1))
    src = tensor(s, [NAMES[x.dtype]])
    if name == "scatter":  # PyTorch leaves open which of several values counts
        flat = torch.zeros_like(i)
        seen = torch.zeros(x.shape).scatter_add(d, i, torch.ones(s)) if i.numel() else flat
        if (seen > 1).any():
            return None
    return Call(name, [x, i, src], lambda a, b, c: getattr(torch, name)(a, d, b, c),
                "d=%d" % (d + 1))


@case
def indexing():
    x = tensor(shape(1, 4, False))
    d = R.randrange(x.dim())
    how = R.randrange(4)
    if how == 0:
        i = index(x.shape[d], [R.randint(0, 4)], INTS[:2])
        return Call("index_select", [x, i], lambda a, b: torch.index_select(a, d, b),
                    "d=%d" % (d + 1))
    if how == 1:
        k = R.randint(1, x.dim())
        m = tensor(list(x.shape[:k]), ["bool"])
        return Call("[]", [x, m], lambda a, b: a[b])
    i = index(x.shape[d], shape(0, 2))
    if how == 2:
        return Call("[d]", [x, i], lambda a, b: a[(slice(None),) * d + (b,)], "d=%d" % (d + 1))
    e = R.randrange(x.dim())
    if e <= d:
        return None
    j = index(x.shape[e], other(list(i.shape)))
    return Call("[de]", [x, i, j],
                lambda a, b, c: a[(slice(None),) * d + (b,) + (slice(None),) * (e - d - 1) + (c,)],
                "d=%d,e=%d" % (d + 1, e + 1))


@case
def pool():
    t = [R.choice(ANY)]
    x = tensor([R.choice([0, 1, 2]), R.choice([1, 3]), R.randint(1, 8), R.randint(1, 8)], t,
               odd=False)
    k, s, p = R.randint(1, 4), R.randint(1, 3), R.randint(0, 2)
    ceil, dil = R.random() < 0.5, R.randint(1, 2)
    if R.random() < 0.5:
        return Call("max_pool2d", [x], lambda a: F.max_pool2d(a, k, s, p, dil, ceil),
                    "%d,{stride=%d,padding=%d,ceil_mode=%s,dilation=%d}" % (k, s, p, text(ceil),
                                                                           dil))
    inc = R.random() < 0.5
    return Call("avg_pool2d", [x], lambda a: F.avg_pool2d(a, k, s, p, ceil, inc),
                "%d,{stride=%d,padding=%d,ceil_mode=%s,count_include_pad=%s}" % (
                    k, s, p, text(ceil), text(inc)))


@case
def adaptive():
    t = [R.choice(FLOATS)]
    x = tensor([R.choice([0, 1, 2]), R.choice([1, 3]), R.randint(1, 8), R.randint(1, 8)], t,
               odd=False)
    h, w = R.randint(1, 5), R.randint(1, 5)
    name = R.choice(["adaptive_avg_pool2d", "adaptive_max_pool2d"])
    return Call(name, [x], lambda a: getattr(F, name)(a, (h, w)), "{%d,%d}" % (h, w))


@case
def conv():
    t, g = [R.choice(FLOATS)], R.choice([1, 1, 2])
    c, o = 2 * R.randint(1, 2), 2 * R.randint(1, 2)
    x = tensor([R.choice([0, 1, 2]), c, R.randint(1, 9), R.randint(1, 9)], t, odd=False)
    kh, kw = R.randint(1, 3), R.randint(1, 4)
    s, p, dil = R.randint(1, 3), R.randint(0, 2), R.randint(1, 2)
    if R.random() < 0.6:
        w = tensor([o, c // g, kh, kw], t, odd=False)
        return Call("conv2d", [x, w], lambda a, b: F.conv2d(a, b, None, s, p, dil, g),
                    "nil,{stride=%d,padding=%d,dilation=%d,groups=%d}" % (s, p, dil, g))
    w = tensor([c, o // g, kh, kw], t, odd=False)
    op = R.randint(0, max(s, dil) - 1)
    return Call("conv_transpose2d", [x, w],
                lambda a, b: F.conv_transpose2d(a, b, None, s, p, op, g, dil),
                "nil,{stride=%d,padding=%d,output_padding=%d,dilation=%d,groups=%d}" % (
                    s, p, op, dil, g))


@case
def rearrange():
    x = tensor(shape(1))
    d = R.randrange(x.dim())
    how = R.randrange(6)
    if how == 0:
        return Call("flip", [x], lambda a: torch.flip(a, [d]), str(d + 1))
    if how == 1:
        k = R.randint(-7, 7)
        return Call("roll", [x], lambda a: torch.roll(a, k, d), "%d,%d" % (k, d + 1))
    if how == 2:
        r = [R.randint(0, 2) for _ in range(x.dim() + R.randint(0, 1))]
        return Call("tile", [x], lambda a: a.tile(r), "{%s}" % ",".join(map(str, r)))
    if how == 3:
        y = tensor(list(x.shape[:d]) + [R.randint(0, 3)] + list(x.shape[d + 1:]))
        return Call("cat", [x, y], lambda a, b: torch.cat([a, b], d), "d=%d" % (d + 1))
    if how == 4:
        n, s = R.randint(1, max(1, x.shape[d])), R.randint(1, 3)
        return Call("unfold", [x], lambda a: a.unfold(d, n, s), "%d,%d,%d" % (d + 1, n, s))
    p = [R.randint(-1, 3) for _ in range(2 * R.randint(1, x.dim()))]
    return Call("pad", [x], lambda a: F.pad(a, p), "{%s}" % ",".join(map(str, p)))


@case
def cast():
    x = tensor(low=0)
    t = R.choice(ANY)
    return Call("to", [x], lambda a: a.to(TYPES[t]), '"%s"' % t)


def run(call):
    args = [a.clone().requires_grad_() if isinstance(a, torch.Tensor) and call.grad
            and a.dtype.is_floating_point else a for a in call.args]
    try:
        out = call.f(*args)
    except (RuntimeError, IndexError, TypeError, ValueError, NotImplementedError) as e:
        return "error=[==[%s]==]" % str(e).split("\n")[0][:90]
    out = out if isinstance(out, tuple) else (out,)
    first, grads = out[0], "false"
    if first.dtype.is_floating_point and first.requires_grad:
        w = torch.arange(1, first.numel() + 1).remainder(7).to(first.dtype).reshape(first.shape)
        try:
            first.backward(w)
            grads = "{%s}" % ",".join(
                dump(a.grad) if isinstance(a, torch.Tensor) and a.grad is not None else "false"
                for a in args)
        except RuntimeError:  # PyTorch has no gradient here
            pass
    return "wants={%s},grads=%s" % (",".join(dump(o) for o in out), grads)


def main():
    torch.manual_seed(SEED)
    made = 0
    while made < N:
        call = R.choice(list(CASES.values()))()
        if call is None:
            continue
        result = run(call)
        print('case{name="%s",args={%s},lua=[[%s]],%s}' % (
            call.name, ",".join(dump(a) for a in call.args), call.lua or "", result))
        made += 1


main()
