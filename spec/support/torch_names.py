"""Translates calls of PyTorch's operators, modules and optimizers to Braid: for each there is a
function that takes a sample's arguments and returns Braid's call. Dimensions, indices and labels
count from 1 in Braid. A sample that Braid cannot express raises Refused."""
import torch


class Refused(Exception):
    pass


def call(name, *args, out="v", **options):
    """name "F.relu", "braid.cat", ":sum" (a method) or "special.x"; out says of each result
    whether it is (v)alues, (i)ndices, one higher than PyTorch's, or (-) not compared."""
    return {"f": name, "args": list(args), "out": out,
            "options": {k: v for k, v in options.items() if v is not None}}


def need(condition, what):
    if not condition:
        raise Refused(what)


def dim(d):
    return d if d is None or d < 0 else d + 1


def dims(d):
    if d is None or isinstance(d, int):
        return dim(d)
    return [dim(i) for i in d]


def index(t):
    return t if t.dtype in (torch.bool, torch.uint8) else torch.where(t < 0, t, t + 1)


def listed(v):
    return list(v) if isinstance(v, (tuple, list, torch.Size)) else v


def sizes(given):
    return listed(given[0]) if len(given) == 1 and not isinstance(given[0], int) else listed(given)


def number(v):
    if isinstance(v, torch.Tensor):
        need(v.dim() == 0 and not v.requires_grad, "a tensor in a number's place")
        v = v.item()
    need(not isinstance(v, complex), "a complex number")
    return v


def dtype(d):
    names = {torch.float32: "float32", torch.float64: "float64", torch.int64: "int64",
             torch.int32: "int32", torch.uint8: "uint8", torch.bool: "bool"}
    need(d in names, "a type that Braid lacks")
    return names[d]


def no_out(k, *allowed):
    for name in k:
        need(name in allowed or k[name] is None, f"the option {name}")


OPS, MODULES = {}, {}


def op(*names):
    def put(f):
        for name in names:
            OPS[name] = f
        return f
    return put


for name in """abs neg sign exp expm1 log log1p sqrt rsqrt reciprocal sin cos tan tanh erf sigmoid
        floor ceil trunc square isnan isfinite logical_not clone contiguous t""".split():
    OPS[name] = lambda x, _n=name, **k: (no_out(k), call(":" + _n, x))[1]
for name in "relu silu hardswish".split():
    OPS["nn.functional." + name] = lambda x, _n=name, **k: call(":" + _n, x)
for theirs, ours in dict(mul="mul", true_divide="div", floor_divide="floordiv", remainder="mod",
                         pow="pow", minimum="minimum", maximum="maximum", lt="lt", le="le", gt="gt",
                         ge="ge", eq="eq", ne="ne", logical_and="logical_and",
                         logical_or="logical_or", logical_xor="logical_xor").items():
    OPS[theirs] = lambda x, y, _n=ours, **k: (no_out(k), call("ops." + _n, x, y))[1]
OPS["max.binary"], OPS["min.binary"] = OPS["maximum"], OPS["minimum"]
for theirs, ours in dict(add="add", mul="mul", div="div", mod="mod", pow="pow", matmul="matmul").items():
    OPS[f"__r{theirs}__"] = lambda x, y, _n=ours: call("ops." + _n, y, x)
for name, target in dict(float="float32", double="float64", long="int64", int="int32",
                         byte="uint8", bool="bool").items():
    OPS[name] = lambda x, _t=target, **k: (no_out(k), call(":to", x, _t))[1]
for name in "zeros ones".split():
    OPS[name] = lambda size, _n=name, dtype=torch.float32, device=None, **k: (
        no_out(k), call("braid." + _n, listed(size) if isinstance(size, (tuple, list)) else [size],
                        dtype=globals()["dtype"](dtype)))[1]
    OPS[name + "_like"] = lambda x, _n=name + "_like", dtype=None, device=None, **k: (
        no_out(k), call("braid." + _n, x, dtype=dtype and globals()["dtype"](dtype)))[1]


for name in ("add", "sub"):
    OPS[name] = lambda x, y, _n=name, alpha=None: call("ops." + _n, x, y, alpha=number(alpha) if
                                                       alpha is not None else None)
OPS["rsub"] = lambda x, y, alpha=None: call("ops.sub", y, x, alpha=alpha)
OPS["div.no_rounding_mode"] = lambda x, y, rounding_mode=None: call("ops.div", x, y)
OPS["div.floor_rounding"] = lambda x, y, rounding_mode=None: call("ops.floordiv", x, y)
OPS["round"] = lambda x: call(":round", x)
OPS["fill"] = lambda x, v: call(":fill_", x.detach().clone(), number(v))
OPS["full_like"] = lambda x, v, dtype=None, **k: (
    no_out(k, "device"), call("braid.full_like", x, v, dtype=dtype and globals()["dtype"](dtype)))[1]
OPS["full"] = lambda size, v, dtype=torch.float32, **k: call(
    "braid.full", listed(size), v, dtype=globals()["dtype"](dtype))
OPS["item"] = lambda x: call(":item", x)
OPS["where"] = lambda x, mask, y: call("braid.where", mask, x, y)
OPS["masked_fill"] = lambda x, mask, v: call(":masked_fill", x, mask, number(v))
OPS["lerp"] = lambda x, y, w: call(":lerp", x, y, w)
OPS["clamp"] = lambda x, low=None, high=None, min=None, max=None: call(
    ":clamp", x, number(low if low is not None else min), number(high if high is not None else max))
OPS["clamp_min"] = lambda x, v: call(":clamp", x, min=number(v))
OPS["clamp_max"] = lambda x, v: call(":clamp", x, max=number(v))
OPS["nn.functional.leaky_relu"] = lambda x, s=0.01, negative_slope=None: call(
    ":leaky_relu", x, negative_slope or s)
OPS["nn.functional.elu"] = lambda x, alpha=1.0: call(":elu", x, alpha)
OPS["nn.functional.gelu"] = lambda x, approximate="none": (
    need(approximate == "none", "gelu by tanh"), call(":gelu", x))[1]
OPS["nn.functional.softplus"] = lambda x, beta=1, threshold=20: (
    need(beta == 1 and threshold == 20, "softplus's beta"), call(":softplus", x))[1]
OPS["nn.functional.prelu"] = lambda x, weight: call(":prelu", x, weight)

# ---- shapes -----------------------------------------------------------------------------
OPS["cat"] = lambda xs, d=0, dim=None: call("braid.cat", listed(xs), dims(d if dim is None else dim))
OPS["stack"] = lambda xs, d=0: call("braid.stack", listed(xs), dims(d))
for name in ("reshape", "view", "expand", "tile"):
    OPS[name] = lambda x, *s, _n=name: call(":" + _n, x, sizes(s))
OPS["broadcast_to"] = OPS["expand"]
OPS["repeat"] = lambda x, *s: call(":repeat_", x, sizes(s))
OPS["flatten"] = lambda x, start_dim=0, end_dim=-1: call(":flatten", x, dim(start_dim), dim(end_dim))
OPS["unflatten"] = lambda x, d, s: call(":unflatten", x, dim(d), listed(s))
OPS["squeeze"] = lambda x, *d: call(":squeeze", x, *[dim(i) for i in d])
OPS["squeeze.multiple"] = lambda x, d: call(":squeeze", x, dims(d))
OPS["unsqueeze"] = lambda x, d: call(":unsqueeze", x, dim(d))
OPS["permute"] = lambda x, *d: call(":permute", x, [dim(i) for i in sizes(d)])
OPS["transpose"] = lambda x, a, b: call(":transpose", x, dim(a), dim(b))
OPS["narrow"] = lambda x, d, start, n: call(
    ":narrow", x, dim(d), (lambda s: s if s < 0 else s + 1)(int(start)), n)
OPS["select"] = lambda x, d, i: call(":select", x, dim(d), dim(i))
OPS["unfold"] = lambda x, d, size, step: call(":unfold", x, dim(d), size, step)
OPS["expand_as"] = lambda x, y: call(":expand_as", x, y)
OPS["view_as"] = lambda x, y: call(":view_as", x, y)
OPS["flip"] = lambda x, *d, dims=None: call(
    ":flip", x, [dim(i) for i in (dims if dims is not None else sizes(d))])
OPS["roll"] = lambda x, *a, shifts=None, dims=None: call(
    ":roll", x, listed(shifts if a == () else a[0]),
    globals()["dims"](dims if len(a) < 2 else a[1]) or None)
OPS["nn.functional.pixel_shuffle"] = lambda x, upscale_factor: call(":pixel_shuffle", x, upscale_factor)
OPS["nn.functional.one_hot"] = lambda x, num_classes=-1: call(
    ":one_hot", index(x), None if num_classes == -1 else num_classes)


@op("split", "split.list_args", "split_with_sizes", "chunk")
def split(x, size, d=0, dim=None):
    name = ":chunk" if split.name == "chunk" else ":split"
    return call(name, x, listed(size), dims(d if dim is None else dim), out="v" * 64)


@op("nn.functional.pad.constant", "nn.functional.pad.reflect", "nn.functional.pad.replicate",
    "nn.functional.pad.circular", "nn.functional.pad.replicate_negative", "constant_pad_nd")
def pad(x, pads=None, value=None, mode="constant", pad=None):
    if isinstance(value, str):  # F.pad(x, pads, mode, value)
        mode, value = value, mode if mode != "constant" else None
    return call(":pad", x, listed(pads if pads is not None else pad), mode=mode, value=value)


# ---- choosing -----------------------------------------------------------------------------
@op("__getitem__")
def getitem(x, key):
    def one(k):
        if isinstance(k, slice):
            n = k.indices(10 ** 9)
            need(k.step is None or k.step > 0, "a backward step")
            need((k.start or 0) >= 0 and (k.stop is None or k.stop >= 0), "ends from the end")
            return {"range": [n[0] + 1, None if k.stop is None else k.stop, n[2]]}
        if isinstance(k, int) and not isinstance(k, bool):
            return dim(k)
        need(isinstance(k, torch.Tensor), f"an index that is {type(k).__name__}")
        return index(k)
    keys = key if isinstance(key, tuple) else (key,)
    return call("special.read", x, [one(k) for k in keys])


OPS["masked_select"] = lambda x, mask: call(":masked_select", x, mask)
OPS["index_select"] = lambda x, d, i: call(":index_select", x, dim(d), index(i))
OPS["gather"] = lambda x, d, i, sparse_grad=False: call(":gather", x, dim(d), index(i))
OPS["take"] = lambda x, i: call(":take", x, index(i))
OPS["nonzero"] = lambda x: call(":nonzero", x, out="i")
OPS["index_add"] = lambda x, d, i, src, alpha=None: call(
    ":index_add", x, dim(d), index(i), src, alpha=alpha)
OPS["scatter_add"] = lambda x, d, i, src: call(":scatter_add", x, dim(d), index(i), src)


@op("scatter")
def scatter(x, d, i, src, reduce=None):
    need(reduce is None, "scatter's reduce")
    return call(":scatter", x, dim(d), index(i), src if isinstance(src, torch.Tensor) else number(src))


# ---- reductions -----------------------------------------------------------------------------
def reduction(name, out="v"):
    def f(x, *a, dim=None, keepdim=False, unbiased=None, correction=None, dtype=None):
        need(dtype is None, "a reduction's dtype")
        need(correction in (None, 0, 1), "a correction other than 0 and 1")
        if a and isinstance(a[0], bool):
            unbiased, a = a[0], a[1:]
        if len(a) > 0:
            dim = a[0]
        if len(a) > 1:
            keepdim = a[1]
        if correction is not None:
            unbiased = correction == 1
        need(dim != () and dim != [], "an empty list of dimensions")
        return call(":" + name, x, dim=dims(dim), keepdim=keepdim or None, unbiased=unbiased,
                    out=out)
    return f


for name in "sum mean prod var std any all count_nonzero".split():
    OPS[name] = reduction(name)
OPS["var.unbiased"], OPS["std.unbiased"] = OPS["var"], OPS["std"]
for name in ("max", "min"):
    OPS[name + ".reduction_no_dim"] = reduction(name)
    OPS[name + ".reduction_with_dim"] = reduction(name, "v-")
OPS["argmax"], OPS["argmin"] = reduction("argmax", "i"), reduction("argmin", "i")
OPS["median"] = reduction("median", "v-")
OPS["logsumexp"] = reduction("logsumexp")


@op("norm", "norm.inf", "norm.fro", "linalg.vector_norm")
def norm(x, p=2, dim=None, keepdim=False, dtype=None, ord=None):
    p = ord if ord is not None else p
    need(dtype is None and p not in ("nuc", "fro") or p == "fro", "norm's dtype or kind")
    need(dim is None or isinstance(dim, int) or len(dim) > 0, "an empty list of dimensions")
    return call(":norm", x, 2 if p in ("fro", None) else p, dims(dim), keepdim)


OPS["cumsum"] = lambda x, d, dtype=None: (need(dtype is None, "dtype"), call(":cumsum", x, dim(d)))[1]
OPS["sort"] = lambda x, d=-1, descending=False, dim=None, stable=None: call(
    ":sort", x, dims(d if dim is None else dim), descending, out="v-")
OPS["topk"] = lambda x, k, d=-1, largest=True, sorted=True, dim=None: call(
    ":topk", x, k, dims(d if dim is None else dim), largest, out="v-")
for name in ("softmax", "log_softmax"):
    OPS[name] = lambda x, d=None, _n=name, dim=None, dtype=None, _stacklevel=None: (
        need(dtype is None, "softmax's dtype"), call(":" + _n, x, dims(d if dim is None else dim)))[1]

# ---- products -----------------------------------------------------------------------------
for name in "matmul mm bmm mv dot outer".split():
    OPS[name] = lambda x, y, _n=name: call(":" + _n, x, y)
OPS["addmm"] = lambda x, a, b, alpha=1, beta=1: call(":addmm", x, a, b, alpha=alpha, beta=beta)
OPS["addmm.decomposed"] = OPS["addmm"]


@op("einsum")
def einsum(xs, equation):
    need("." not in equation, "einsum's dots")
    return call("braid.einsum", equation, *xs)


OPS["linalg.inv"] = lambda x: call(":inverse", x)
OPS["linalg.solve"] = lambda a, b, left=True: (need(left, "solve from the right"),
                                                 call(":solve", a, b))[1]
OPS["linalg.cholesky"] = lambda x, upper=False: (need(not upper, "the upper half"),
                                                   call(":cholesky", x))[1]
OPS["nn.functional.linear"] = lambda x, w, b=None: call("F.linear", x, w, b)
OPS["nn.functional.bilinear"] = lambda a, b, w, bias=None: call("F.bilinear", a, b, w, bias)
OPS["nn.functional.embedding"] = lambda x, weight, **k: (
    no_out({n: v for n, v in k.items() if v not in (False, None, 2.0)}, "padding_idx"),
    call("F.embedding", index(x), weight, padding_index=dim(k.get("padding_idx"))))[1]


# ---- images -----------------------------------------------------------------------------
def pair(v):
    v = listed(v)
    return v[0] if isinstance(v, list) and len(v) == 1 else v


for name in ("conv1d", "conv2d"):
    OPS["nn.functional." + name] = lambda x, w, b=None, stride=1, padding=0, dilation=1, groups=1, \
        _n=name: (need(x.dim() == w.dim(), "no batch"), need(padding != "valid", "padding = valid"), call(
            "F." + _n, x, w, b, stride=pair(stride), padding=pair(padding), dilation=pair(dilation),
            groups=groups))[-1]
OPS["nn.functional.conv_transpose2d"] = \
    lambda x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1: (
        need(x.dim() == 4, "no batch"), call(
            "F.conv_transpose2d", x, w, b, stride=pair(stride), padding=pair(padding),
            output_padding=pair(output_padding), groups=groups, dilation=pair(dilation)))[1]


@op("nn.functional.max_pool2d")
def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
               return_indices=False):
    need(x.dim() == 4, "no batch")
    return call("F.max_pool2d", x, pair(kernel_size), stride=pair(stride) or None,
                padding=pair(padding), dilation=pair(dilation), ceil_mode=ceil_mode, out="v-")


@op("nn.functional.avg_pool2d")
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    need(x.dim() == 4, "no batch")
    need(divisor_override is None, "divisor_override")
    return call("F.avg_pool2d", x, pair(kernel_size), stride=pair(stride) or None,
                padding=pair(padding), ceil_mode=ceil_mode, count_include_pad=count_include_pad)


for name in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
    OPS["nn.functional." + name] = lambda x, output_size, _n=name, return_indices=False: (
        need(x.dim() == 4, "no batch"), need(isinstance(output_size, int) or None not in output_size,
        "a size that is kept"), call("F." + _n, x, pair(output_size), out="v-"))[-1]


@op("nn.functional.interpolate.nearest", "nn.functional.interpolate.bilinear",
    "nn.functional.upsample_nearest", "nn.functional.upsample_bilinear")
def interpolate(x, size=None, scale_factor=None, mode=None, align_corners=None,
                recompute_scale_factor=None, antialias=False):
    need(x.dim() == 4, "other than images")
    need(not antialias and not recompute_scale_factor, "antialias")
    upsample = interpolate.name.startswith("nn.functional.upsample")
    if upsample and "bilinear" in interpolate.name:
        align_corners = True
    return call("F.interpolate", x, size=pair(size), scale_factor=pair(scale_factor),
                mode=mode or interpolate.name.rsplit("_", 1)[-1].rsplit(".", 1)[-1],
                align_corners=align_corners)


@op("nn.functional.grid_sample")
def grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    need(x.dim() == 4, "other than images")
    return call("F.grid_sample", x, grid, mode=mode, padding_mode=padding_mode,
                align_corners=align_corners)


# ---- normalisations -----------------------------------------------------------------------
@op("nn.functional.batch_norm")
def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1,
               eps=1e-5):
    return call("F.batch_norm", x, weight, bias, running_mean, running_var, training, momentum, eps)


OPS["nn.functional.layer_norm"] = lambda x, shape, weight=None, bias=None, eps=1e-5: call(
    "F.layer_norm", x, listed(shape), weight, bias, eps=eps)
OPS["nn.functional.group_norm"] = lambda x, groups, weight=None, bias=None, eps=1e-5: call(
    "F.group_norm", x, groups, weight, bias, eps=eps)
OPS["nn.functional.instance_norm"] = lambda x, running_mean=None, running_var=None, weight=None, \
    bias=None, use_input_stats=True, momentum=0.1, eps=1e-5: (
        need(running_mean is None and use_input_stats, "running statistics of instances"),
        call("F.instance_norm", x, weight, bias, eps=eps))[1]
OPS["nn.functional.local_response_norm"] = lambda x, size, alpha=1e-4, beta=0.75, k=1.0: call(
    "F.local_response_norm", x, size, alpha=alpha, beta=beta, k=k)
OPS["nn.functional.normalize"] = lambda x, p=2.0, dim=1, eps=1e-12: call(
    "F.normalize", x, p=p, dim=dims(dim), eps=eps)
OPS["nn.functional.glu"] = lambda x, d=-1, dim=None: call("F.glu", x, dims(d if dim is None else dim))


# ---- losses -----------------------------------------------------------------------------
def loss(name, **fixed):
    def f(x, target, reduction="mean", weight=None, size_average=None, reduce=None, **k):
        need(size_average is None and reduce is None, "size_average")
        no_out(k, "beta", "delta", "pos_weight", "log_target", "margin")
        return call("F." + name, x, target, reduction=reduction, weight=weight, **k)
    return f


for theirs, ours in dict(mse_loss="mse", l1_loss="l1", smooth_l1_loss="smooth_l1",
                         huber_loss="huber", binary_cross_entropy="bce",
                         binary_cross_entropy_with_logits="bce_with_logits", kl_div="kl_div").items():
    OPS["nn.functional." + theirs] = loss(ours)


@op("nn.functional.cross_entropy", "nn.functional.nll_loss")
def cross_entropy(x, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
                  reduction="mean", label_smoothing=None):
    soft = target.is_floating_point()
    need(x.dim() > 1, "no batch")
    if not soft:  # an ignored label keeps its mark; labels count from 1
        target = torch.where(target == ignore_index, -100, target + 1)
    name = "F.cross_entropy" if "cross" in cross_entropy.name else "F.nll"
    return call(name, x, target, reduction=reduction, weight=weight,
                label_smoothing=label_smoothing)


@op("nn.functional.cosine_embedding_loss")
def cosine(a, b, target, margin=0.0, reduction="mean", **k):
    no_out(k)
    return call("F.cosine", a, b, target, margin=margin, reduction=reduction)


# ---- modules ----------------------------------------------------------------------------
# The call consists of the constructor's arguments and those of forward. A name that begins with
# "nn." is a module in Braid, and gets the constructor's arguments.
def module(*theirs):
    def put(f):
        for name in theirs:
            MODULES["nn." + name] = f
        return f
    return put


def layer(name, *args, **options):
    return call("nn." + name, *args, **options)


@module("Conv1d", "Conv2d")
def conv(made, x, i, o, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
         padding_mode="zeros"):
    need(padding_mode == "zeros", "padding_mode")
    need(x.dim() == made.weight.dim(), "no batch")
    return layer(type(made).__name__, i, o, kernel=pair(kernel_size), stride=pair(stride),
                 padding=pair(padding), dilation=pair(dilation), groups=groups, bias=bias)


@module("ConvTranspose2d")
def conv_transpose(made, x, i, o, kernel_size, stride=1, padding=0, output_padding=0, groups=1,
                   bias=True, dilation=1, padding_mode="zeros"):
    need(x.dim() == 4, "no batch")
    return layer("ConvTranspose2d", i, o, kernel=pair(kernel_size), stride=pair(stride),
                 padding=pair(padding), output_padding=pair(output_padding), groups=groups,
                 bias=bias, dilation=pair(dilation))


@module("BatchNorm1d", "BatchNorm2d")
def batch_norm_layer(made, x, c, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True,
                     bias=True):
    need(bias, "a weight without a bias")
    need(momentum is not None and track_running_stats, "statistics of all batches, or of none")
    return layer(type(made).__name__, c, eps=eps, momentum=momentum, affine=affine)


@module("InstanceNorm2d")
def instance_norm_layer(made, x, c, eps=1e-5, momentum=0.1, affine=False,
                        track_running_stats=False):
    need(not track_running_stats, "running statistics of instances")
    need(x.dim() == 4, "no batch")
    return layer("InstanceNorm2d", c, eps=eps, affine=affine)


MODULES["nn.LayerNorm"] = lambda made, x, shape, eps=1e-5, elementwise_affine=True, bias=True: layer(
    "LayerNorm", listed(shape), eps=eps, affine=elementwise_affine, bias=bias)
MODULES["nn.GroupNorm"] = lambda made, x, g, c, eps=1e-5, affine=True: layer(
    "GroupNorm", g, c, eps=eps, affine=affine)
MODULES["nn.LocalResponseNorm"] = lambda made, x, size, alpha=1e-4, beta=0.75, k=1.0: layer(
    "LocalResponseNorm", size, alpha=alpha, beta=beta, k=k)
MODULES["nn.Linear"] = lambda made, x, in_features, out_features, bias=True: layer(
    "Linear", in_features, out_features, bias=bias)
MODULES["nn.Bilinear"] = lambda made, a, b, i, j, o, bias=True: layer("Bilinear", i, j, o, bias=bias)
MODULES["nn.PReLU"] = lambda made, x, n=1, init=0.25: layer("PReLU", n, start=init)
MODULES["nn.Embedding"] = lambda made, x, num_embeddings, embedding_dim: layer(
    "Embedding", num_embeddings, embedding_dim)
MODULES["nn.Softmax"] = lambda made, x, dim=None: layer("Softmax", dims(dim))
MODULES["nn.ELU"] = lambda made, x, alpha=1.0: layer("ELU", alpha)
MODULES["nn.LeakyReLU"] = lambda made, x, slope=0.01: layer("LeakyReLU", slope)
MODULES["nn.GELU"] = lambda made, x, approximate="none": (
    need(approximate == "none", "gelu by tanh"), layer("GELU"))[1]
for name in ("ReLU", "Sigmoid", "SiLU", "Tanh"):
    MODULES["nn." + name] = lambda made, x, _n=name: layer(_n)
for name in ("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"):
    MODULES["nn." + "".join(w.capitalize() for w in name.split("_")).replace("2d", "2d")] = \
        lambda made, x, *a, _n=name, **k: OPS["nn.functional." + _n](x, *a, **k)
MODULES["nn.GLU"] = lambda made, x, dim=-1: OPS["nn.functional.glu"](x, dim)
MODULES["nn.LogSoftmax"] = lambda made, x, dim=None: OPS["log_softmax"](x, dim)
MODULES["nn.Hardswish"] = lambda made, x: call(":hardswish", x)
MODULES["nn.Softplus"] = lambda made, x, beta=1, threshold=20: OPS["nn.functional.softplus"](
    x, beta, threshold)
for kind, mode in dict(Reflection="reflect", Replication="replicate", Zero="constant",
                       Circular="circular", Constant="constant").items():
    for n in (1, 2, 3):
        MODULES[f"nn.{kind}Pad{n}d"] = lambda made, x, pads, value=None, _m=mode, _n=n: call(
            ":pad", x, listed(pads) if not isinstance(pads, int) else [pads] * (2 * _n), mode=_m,
            value=value)
for theirs, ours in dict(MSELoss="mse_loss", L1Loss="l1_loss", SmoothL1Loss="smooth_l1_loss",
                         HuberLoss="huber_loss", BCELoss="binary_cross_entropy", KLDivLoss="kl_div",
                         BCEWithLogitsLoss="binary_cross_entropy_with_logits",
                         CosineEmbeddingLoss="cosine_embedding_loss").items():
    MODULES["nn." + theirs] = lambda made, *x, _n=ours, _on=(), **k: OPS["nn.functional." + _n](*x, **k)


@module("CrossEntropyLoss", "NLLLoss")
def class_loss(made, x, target, **k):
    f = OPS["nn.functional.cross_entropy"]
    f.name = "cross" if "Cross" in type(made).__name__ else "nll"
    return f(x, target, **k)


# ---- optimizers -----------------------------------------------------------------------------
def optimizer(cls, kwargs):
    known = "lr weight_decay rho eps lr_decay initial_accumulator_value betas amsgrad momentum " \
        "dampening nesterov alpha centered tolerance_grad line_search_fn".split()
    need(cls in "Adadelta Adagrad Adam Adamax AdamW LBFGS RMSprop SGD".split(), cls)
    for k, v in kwargs.items():
        need(k in known or not v, f"the option {k}")
    return {k: listed(number(v)) for k, v in kwargs.items() if k in known}
