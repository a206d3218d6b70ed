"""Writes spec/golden/functions.safetensors: what PyTorch gives for the functions of networks
in awkward settings, with gradients. Run by a developer who has PyTorch:

    python spec/support/golden_functions.py

A case is a name, how Braid is called ("$x" stands for the tensor x), the same call in
PyTorch, and its tensors. All is float64; dimensions and labels count from 1 in Braid."""

import json
import struct

import torch
import torch.nn.functional as F

PATH = "spec/golden/functions.safetensors"
TYPES = {torch.float64: "F64", torch.int64: "I64"}

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
tensors, cases = {}, []


def real(*shape):
    return torch.rand(*shape) * 2 - 1


def positive(*shape):
    return torch.rand(*shape) + 0.5


def labels(count, *shape):
    return torch.randint(1, count + 1, shape)


def put(name, t):
    tensors[name] = t.detach().clone().contiguous()


def add(kind, name, args, call, given):
    case = {"kind": kind, "name": name, "args": args, "grads": []}
    case["key"] = "%02d" % len(cases)
    leaves = {}
    for key, t in given.items():
        put(case["key"] + "." + key, t)
        leaves[key] = t.detach().clone()
        if t.is_floating_point():
            leaves[key].requires_grad_()
            case["grads"].append(key)
    y = call(**leaves)
    dy = torch.rand(y.shape) + 0.5
    put(case["key"] + ".y", y)
    if y.requires_grad:
        put(case["key"] + ".dy", dy)
        y.backward(dy)
        for key in case["grads"]:
            put(case["key"] + ".d." + key, leaves[key].grad)
    cases.append(case)


def function(name, args, call, **given):
    add("function", name, args, call, given)


def layer(name, args, module, **given):
    """The module's parameters become tensors of the case, under their names in its state."""
    state = {key: real(*t.shape) for key, t in module.state_dict().items()}
    inputs = list(given)

    def call(**t):
        return torch.func.functional_call(
            module, {key: t["state." + key] for key in state}, tuple(t[i] for i in inputs))

    add("layer", name, args, call, {**given, **{"state." + k: v for k, v in state.items()}})
    cases[-1]["inputs"] = inputs
    cases[-1]["state"] = sorted(state)


# ---- convolution ----------------------------------------------------------------------------

function("conv2d", ["$x", "$w", "$b", {"stride": 3, "dilation": 2, "groups": 2, "padding": 1}],
         lambda x, w, b: F.conv2d(x, w, b, stride=3, dilation=2, groups=2, padding=1),
         x=real(2, 4, 8, 9), w=real(6, 2, 3, 2), b=real(6))
function("conv2d", ["$x", "$w", {"padding": "same"}],
         lambda x, w: F.conv2d(x, w, padding="same"), x=real(1, 2, 5, 6), w=real(3, 2, 4, 2))
function("conv2d", ["$x", "$w", {"padding": "same", "dilation": [1, 3]}],
         lambda x, w: F.conv2d(x, w, padding="same", dilation=(1, 3)),
         x=real(1, 2, 4, 7), w=real(3, 2, 2, 4))
function("conv2d", ["$x", "$w", {"stride": [4, 1], "padding": [0, 2]}],
         lambda x, w: F.conv2d(x, w, stride=(4, 1), padding=(0, 2)),
         x=real(2, 5, 9, 4), w=real(3, 5, 2, 3))
function("conv1d", ["$x", "$w", "$b", {"stride": 2, "padding": 2, "dilation": 2, "groups": 2}],
         lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=2, dilation=2, groups=2),
         x=real(2, 4, 9), w=real(6, 2, 3), b=real(6))
function("conv1d", ["$x", "$w", {"padding": "same"}],
         lambda x, w: F.conv1d(x, w, padding="same"), x=real(2, 3, 6), w=real(2, 3, 4))
function("conv_transpose2d",
         ["$x", "$w", "$b", {"stride": [3, 2], "padding": 1, "output_padding": [2, 1]}],
         lambda x, w, b: F.conv_transpose2d(x, w, b, stride=(3, 2), padding=1,
                                            output_padding=(2, 1)),
         x=real(2, 3, 3, 4), w=real(3, 4, 3, 3), b=real(4))
function("conv_transpose2d",
         ["$x", "$w", {"stride": 2, "dilation": [3, 2], "groups": 2, "padding": [2, 0],
                       "output_padding": [2, 0]}],
         lambda x, w: F.conv_transpose2d(x, w, stride=2, dilation=(3, 2), groups=2,
                                         padding=(2, 0), output_padding=(2, 0)),
         x=real(1, 4, 3, 3), w=real(4, 3, 2, 3))
function("conv_transpose2d", ["$x", "$w", {"stride": 4, "output_padding": 3}],
         lambda x, w: F.conv_transpose2d(x, w, stride=4, output_padding=3),
         x=real(2, 3, 2, 2), w=real(3, 2, 2, 2))

# ---- pooling --------------------------------------------------------------------------------

function("max_pool2d", ["$x", 3, {"stride": 2, "padding": 1, "ceil_mode": True}],
         lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), x=real(2, 2, 6, 7))
function("max_pool2d", ["$x", [2, 3], {"stride": [3, 1], "dilation": [2, 1], "ceil_mode": True}],
         lambda x: F.max_pool2d(x, (2, 3), (3, 1), dilation=(2, 1), ceil_mode=True),
         x=real(1, 2, 7, 6))
for include in (True, False):
    function("avg_pool2d", ["$x", 3, {"stride": 2, "padding": 1, "ceil_mode": True,
                                      "count_include_pad": include}],
             lambda x: F.avg_pool2d(x, 3, 2, 1, True, include), x=real(2, 2, 6, 7))
    function("avg_pool2d", ["$x", [4, 3], {"stride": [3, 4], "padding": [2, 1],
                                           "ceil_mode": True, "count_include_pad": include}],
             lambda x: F.avg_pool2d(x, (4, 3), (3, 4), (2, 1), True, include),
             x=real(1, 2, 7, 6))
function("lp_pool2d", ["$x", 3, [2, 3], {"stride": 2}],
         lambda x: F.lp_pool2d(x, 3, (2, 3), 2), x=positive(2, 2, 5, 6))
function("lp_pool2d", ["$x", 2, 2, {"ceil_mode": True}],
         lambda x: F.lp_pool2d(x, 2, 2, ceil_mode=True), x=real(1, 2, 5, 4))
function("adaptive_avg_pool2d", ["$x", [3, 2]], lambda x: F.adaptive_avg_pool2d(x, (3, 2)),
         x=real(2, 2, 7, 5))
function("adaptive_avg_pool2d", ["$x", [5, 7]], lambda x: F.adaptive_avg_pool2d(x, (5, 7)),
         x=real(1, 2, 3, 4))
function("adaptive_max_pool2d", ["$x", [3, 4]], lambda x: F.adaptive_max_pool2d(x, (3, 4)),
         x=real(2, 2, 7, 5))
function("global_avg_pool", ["$x"], lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
         x=real(2, 3, 4, 5))

# ---- normalisation --------------------------------------------------------------------------

function("batch_norm", ["$x", "$w", "$b", {"training": True, "eps": 1e-3}],
         lambda x, w, b: F.batch_norm(x, None, None, w, b, True, 0.1, 1e-3),
         x=real(3, 2, 2, 3), w=real(2), b=real(2))
function("layer_norm", ["$x", [3, 4], "$w", "$b", {"eps": 1e-3}],
         lambda x, w, b: F.layer_norm(x, (3, 4), w, b, 1e-3), x=real(2, 3, 3, 4), w=real(3, 4),
         b=real(3, 4))
function("layer_norm", ["$x", 5], lambda x: F.layer_norm(x, (5,)), x=real(2, 3, 5))
function("group_norm", ["$x", 3, "$w", "$b", {"eps": 1e-3}],
         lambda x, w, b: F.group_norm(x, 3, w, b, 1e-3), x=real(2, 6, 2, 3), w=real(6), b=real(6))
function("group_norm", ["$x", 2], lambda x: F.group_norm(x, 2), x=real(2, 4, 5))
function("instance_norm", ["$x", "$w", "$b"],
         lambda x, w, b: F.instance_norm(x, weight=w, bias=b), x=real(2, 3, 3, 2), w=real(3),
         b=real(3))
for size in (1, 3, 4):
    function("local_response_norm", ["$x", size, {"alpha": 0.7, "beta": 0.6, "k": 1.5}],
             lambda x: F.local_response_norm(x, size, 0.7, 0.6, 1.5), x=real(2, 5, 2, 3))
function("local_response_norm", ["$x", 8], lambda x: F.local_response_norm(x, 8),
         x=real(1, 5, 3, 2))
for p in (1, 2, 3.5):
    function("normalize", ["$x", {"p": p, "dim": 3}], lambda x: F.normalize(x, p, dim=2),
             x=real(2, 3, 4))

# ---- the rest -------------------------------------------------------------------------------

function("bilinear", ["$a", "$b", "$w", "$c"], lambda a, b, w, c: F.bilinear(a, b, w, c),
         a=real(2, 3, 2), b=real(2, 3, 4), w=real(3, 2, 4), c=real(3))
function("embedding", ["$i", "$w", {"padding_index": 3}],
         lambda i, w: F.embedding(i - 1, w, padding_idx=2), i=labels(4, 3, 5), w=real(4, 3))
function("glu", ["$x", 2], lambda x: F.glu(x, 1), x=real(2, 6, 3))
function("crelu", ["$x"], lambda x: torch.cat([x.relu(), (-x).relu()], 1), x=real(2, 3, 2, 2))
function("prelu", ["$x", "$w"], lambda x, w: F.prelu(x, w), x=real(2, 3, 4), w=real(3))
function("softmax", ["$x", -2], lambda x: F.softmax(x, -2), x=real(2, 3, 4))
function("log_softmax", ["$x", 1], lambda x: F.log_softmax(x, 0), x=real(4, 3))
function("pixel_shuffle", ["$x", 3], lambda x: F.pixel_shuffle(x, 3), x=real(2, 18, 2, 3))
for align in (True, False):
    function("affine_grid", ["$t", [2, 1, 3, 4], {"align_corners": align}],
             lambda t: F.affine_grid(t, (2, 1, 3, 4), align_corners=align), t=real(2, 2, 3))
    for padding in ("zeros", "border"):
        function("grid_sample", ["$x", "$g", {"padding_mode": padding, "align_corners": align}],
                 lambda x, g: F.grid_sample(x, g, padding_mode=padding, align_corners=align),
                 x=real(2, 3, 4, 5), g=real(2, 3, 4, 2) * 1.6)
    function("grid_sample", ["$x", "$g", {"mode": "nearest", "align_corners": align}],
             lambda x, g: F.grid_sample(x, g, mode="nearest", align_corners=align),
             x=real(2, 3, 4, 5), g=real(2, 3, 4, 2) * 1.6)
    for size in ([7, 3], [1, 1], [4, 9]):
        function("interpolate", ["$x", {"size": size, "mode": "bilinear",
                                        "align_corners": align}],
                 lambda x: F.interpolate(x, size, mode="bilinear", align_corners=align),
                 x=real(1, 2, 4, 5))
    function("interpolate", ["$x", {"scale_factor": [1.7, 0.6], "mode": "bilinear",
                                    "align_corners": align}],
             lambda x: F.interpolate(x, scale_factor=(1.7, 0.6), mode="bilinear",
                                     align_corners=align), x=real(1, 2, 4, 5))
for size in ([7, 3], [1, 11]):
    function("interpolate", ["$x", {"size": size}], lambda x: F.interpolate(x, size),
             x=real(1, 2, 4, 5))
function("interpolate", ["$x", {"scale_factor": [2.3, 0.7]}],
         lambda x: F.interpolate(x, scale_factor=(2.3, 0.7)), x=real(1, 2, 4, 5))

# ---- layers ---------------------------------------------------------------------------------

nn = torch.nn
layer("Conv1d", [4, 6, {"kernel": 3, "stride": 2, "padding": 2, "dilation": 2, "groups": 2}],
      nn.Conv1d(4, 6, 3, 2, 2, 2, 2), x=real(2, 4, 9))
layer("Conv2d", [4, 6, {"kernel": [3, 2], "stride": 3, "dilation": 2, "groups": 2}],
      nn.Conv2d(4, 6, (3, 2), 3, dilation=2, groups=2), x=real(2, 4, 8, 9))
layer("ConvTranspose2d",
      [4, 6, {"kernel": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2}],
      nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), x=real(2, 4, 3, 4))
layer("Bilinear", [2, 4, 3], nn.Bilinear(2, 4, 3), a=real(5, 2), b=real(5, 4))
layer("AdaptiveAvgPool2d", [[2, 3]], nn.AdaptiveAvgPool2d((2, 3)), x=real(2, 2, 5, 4))
layer("LayerNorm", [[3, 4], {"eps": 0.01}], nn.LayerNorm((3, 4), 0.01), x=real(2, 3, 4))
layer("LayerNorm", [4, {"bias": False}], nn.LayerNorm(4, bias=False), x=real(2, 3, 4))
layer("GroupNorm", [2, 6], nn.GroupNorm(2, 6), x=real(2, 6, 3, 2))
layer("InstanceNorm2d", [3, {"affine": True}], nn.InstanceNorm2d(3, affine=True),
      x=real(2, 3, 3, 2))
layer("InstanceNorm2d", [3], nn.InstanceNorm2d(3), x=real(2, 3, 3, 2))
layer("LocalResponseNorm", [4, {"alpha": 0.3, "k": 2}], nn.LocalResponseNorm(4, 0.3, k=2),
      x=real(2, 5, 2, 3))
layer("PReLU", [3], nn.PReLU(3), x=real(2, 3, 4))
layer("PReLU", [], nn.PReLU(), x=real(2, 3))
layer("Softmax", [2], nn.Softmax(1), x=real(2, 3, 2))
layer("Upsample", [{"scale_factor": 1.5, "mode": "bilinear"}],
      nn.Upsample(scale_factor=1.5, mode="bilinear"), x=real(1, 2, 4, 3))
layer("Upsample", [{"size": [5, 7]}], nn.Upsample((5, 7)), x=real(1, 2, 4, 3))

# ---- batch norm that averages over all batches ----------------------------------------------

norm = nn.BatchNorm2d(3, momentum=None)
for i in range(3):
    x = real(2 + i, 3, 2, 2) + i
    put("average.x%d" % (i + 1), x)
    put("average.y%d" % (i + 1), norm(x))
put("average.running_mean", norm.running_mean)
put("average.running_var", norm.running_var)

# ---- the file -------------------------------------------------------------------------------

header, values, at = {"__metadata__": {"cases": json.dumps(cases)}}, [], 0
for key in sorted(tensors):
    t = tensors[key]
    code = "d" if t.dtype == torch.float64 else "q"
    data = struct.pack("<%d%s" % (t.numel(), code), *t.flatten().tolist())
    header[key] = {"dtype": TYPES[t.dtype], "shape": list(t.shape),
                   "data_offsets": [at, at + len(data)]}
    values.append(data)
    at += len(data)
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(PATH, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + b"".join(values))
print("%d cases, %d bytes" % (len(cases), 8 + len(text) + at))
