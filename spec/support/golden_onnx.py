"""Writes spec/golden/onnx.safetensors: a small model of each of ONNX's operators that Braid has, with
inputs and outputs. onnxruntime computes the outputs, or ONNX's reference if onnxruntime cannot.
    python3 spec/support/golden_onnx.py spec/golden/onnx.safetensors
Needs the packages numpy, onnx, onnxruntime and safetensors.
"""
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import save_file

R = np.random.default_rng(7)


def f(*shape):
    return R.normal(size=shape).astype(np.float32)


def positive(*shape):
    return (np.abs(R.normal(size=shape)) + 0.1).astype(np.float32)


def i(*values):
    return np.array(values, dtype=np.int64)


def b(*values):
    return np.array(values, dtype=bool)


CASES = []


def case(op, *inputs, outputs=1, opset=20, domain="", **attributes):
    CASES.append((op, inputs, outputs, opset, domain, attributes))


def fill():
    x, y = f(2, 3, 4), f(2, 3, 4)
    for op in ("Abs Ceil Cos Erf Exp Floor Neg Relu Round Sigmoid Sign Sin Softplus Tan Tanh HardSwish "
               "Sinh Cosh Asinh Softsign Mish Identity Gelu Elu Celu Selu LeakyRelu HardSigmoid "
               "ThresholdedRelu Shrink").split():
        case(op, x)
    case("Swish", x, opset=24)
    for op in ("Log", "Sqrt", "Reciprocal"):
        case(op, positive(5))
    case("Acosh", positive(4) + 1)
    case("Atanh", f(4) / 10)
    case("Gelu", x, approximate="tanh")
    case("Atan", np.array([-9e9, -3, -1, -0.1, 0, 0.5, 2, np.inf], np.float32))
    for op in ("Asin", "Acos"):
        case(op, np.array([-1, -0.7, 0, 0.2, 1], np.float32))
    case("Not", b(True, False))
    case("IsNaN", np.array([1, np.nan, np.inf], np.float32))
    case("IsInf", np.array([1, -np.inf, np.inf], np.float32))
    case("IsInf", np.array([1, -np.inf, np.inf], np.float32), detect_negative=0)
    for op in ("Add", "Sub", "Mul", "Div", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Max",
               "Min", "Sum", "Mean"):
        case(op, x, f(3, 1))
    case("Equal", i(1, 2, 3), i(1, 5, 3))
    case("Div", i(7, -7, 8), i(2, 2, -3))
    case("Mod", i(7, -7, 8), i(3, 3, -3))
    case("Mod", f(5), f(5), fmod=1)
    for op in ("And", "Or", "Xor"):
        case(op, b(True, True, False, False), b(True, False, True, False))
    case("Pow", positive(2, 3), np.float32(1.5))
    case("Pow", positive(2, 3), f(3))
    case("Where", b(True, False, True), f(2, 3), f(3))
    case("Clip", x, np.float32(-0.5), np.float32(0.5))
    case("Clip", x, np.float32(-0.5), None)
    case("PRelu", f(2, 3, 4), f(3, 1))
    case("Dropout", x, outputs=2)
    case("Cast", f(4) * 3, to=T.INT64)
    case("Cast", f(4), to=T.DOUBLE)
    case("Cast", i(0, 2), to=T.BOOL)
    case("CastLike", f(4) * 3, i(1))
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
               "ReduceSumSquare", "ReduceLogSumExp"):
        case(op, x, i(1, -1), keepdims=0)
        case(op, x)
    case("ReduceLogSum", positive(2, 3), i(1))
    for op in ("ArgMax", "ArgMin"):
        case(op, x, axis=1)
        case(op, np.ones((2, 3), np.float32), axis=-1, keepdims=0, select_last_index=1)
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        case(op, x, axis=1)
        case(op, x, axis=1, opset=11)
    case("CumSum", x, np.int64(1))
    case("CumSum", x, np.int64(-1), exclusive=1, reverse=1)
    case("CumProd", x, np.int64(1), opset=26)
    case("TopK", x, i(2), outputs=2, axis=-1)
    case("TopK", x, i(2), outputs=2, axis=1, largest=0)
    case("Shape", x)
    case("Shape", x, start=1, end=-1)
    case("Size", x)
    case("Reshape", x, i(0, -1))
    case("Flatten", f(2, 3, 4, 5), axis=2)
    case("Squeeze", f(1, 3, 1), i(0))
    case("Squeeze", f(1, 3, 1))
    case("Unsqueeze", x, i(0, -1))
    case("Transpose", x, perm=[2, 0, 1])
    case("Transpose", x)
    case("Expand", f(3, 1), i(2, 1, 4))
    case("Tile", f(2, 3), i(2, 2))
    case("Concat", f(2, 3), f(2, 1), axis=1)
    case("Split", f(2, 7), outputs=3, axis=1, num_outputs=3)
    case("Split", f(2, 7), i(5, 2), outputs=2, axis=-1)
    case("Slice", f(5, 6), i(1, -5), i(4, 100), i(0, 1), i(2, 1))
    case("Slice", f(5, 6), i(-1), i(-100), i(1), i(-2))
    case("Pad", f(2, 3), i(1, 0, 0, 2), np.float32(1.5))
    for mode in ("reflect", "edge", "wrap"):
        case("Pad", f(1, 2, 4, 5), i(0, 0, 1, 2, 0, 0, 2, 1), mode=mode)
    case("Pad", f(2, 3), i(1, 2), None, i(1))
    case("CenterCropPad", f(5, 4), i(3, 7))
    for mode in ("DCR", "CRD"):
        case("DepthToSpace", f(1, 8, 2, 3), blocksize=2, mode=mode)
    case("SpaceToDepth", f(1, 2, 4, 6), blocksize=2)
    case("ConstantOfShape", i(2, 3), value=numpy_helper.from_array(np.array([3], np.int64)))
    case("Range", np.int64(3), np.int64(10), np.int64(3))
    case("Range", np.float32(1), np.float32(-1), np.float32(-0.3))
    case("EyeLike", f(3, 4), k=1)
    case("Trilu", f(2, 3, 4), np.int64(1))
    case("Trilu", f(3, 4), upper=0)
    case("Gather", f(4, 3), np.array([[0, -1], [2, 1]]), axis=0)
    case("Gather", f(4, 3), np.int64(1), axis=1)
    case("GatherElements", f(3, 3), np.array([[0, 2, -1]]), axis=0)
    case("GatherND", f(2, 3, 4), np.array([[0, 1], [1, -1]]))
    case("GatherND", f(2, 3, 4), np.array([[1], [2]]), batch_dims=1)
    for how in ("none", "add", "mul", "max", "min"):
        case("ScatterElements", f(3, 3), np.array([[0, 2, -1]]), f(1, 3), axis=0, reduction=how)
        case("ScatterND", f(3, 4), np.array([[0], [2]]), f(2, 4), reduction=how)
    case("Scatter", f(3, 3), np.array([[0, 2, 1]]), f(1, 3), opset=10)
    case("Compress", f(3, 4), b(True, False, True), axis=0)
    case("Compress", f(3, 4), b(False, True, True))
    case("NonZero", np.array([[1, 0], [0, 2]], np.float32))
    case("OneHot", i(0, -1, 7), np.int64(4), np.array([0.5, 2], np.float32))
    case("ReverseSequence", f(4, 3), i(1, 3, 4))
    case("TensorScatter", f(2, 1, 4, 3), f(2, 1, 2, 3), i(1, 2), opset=24)
    conv()
    others()


def conv():
    x = f(2, 4, 7, 8)
    case("Conv", x, f(6, 4, 3, 3), f(6), pads=[1, 2, 1, 2], strides=[2, 1])
    case("Conv", x, f(6, 2, 3, 2), pads=[0, 1, 2, 0], group=2, dilations=[2, 1])
    case("Conv", x, f(6, 4, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])
    case("Conv", f(2, 4, 9), f(6, 4, 3), f(6), pads=[1, 0], strides=[2])
    case("Conv", f(1, 2, 4, 5, 6), f(3, 2, 2, 3, 3), f(3), pads=[1, 1, 0, 0, 1, 1], strides=[1, 2, 1])
    case("ConvTranspose", x, f(4, 3, 3, 3), f(3), pads=[1, 1, 1, 1], strides=[2, 2],
         output_padding=[1, 1])
    case("ConvTranspose", x, f(4, 3, 3, 2), pads=[0, 1, 1, 0], strides=[2, 2])
    case("ConvTranspose", f(1, 2, 5), f(2, 3, 4), f(3), pads=[1, 1], strides=[2])
    case("ConvTranspose", x, f(4, 3, 3, 3), strides=[2, 2], output_shape=[14, 16])
    for op in ("MaxPool", "AveragePool", "LpPool"):
        case(op, x, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])
        case(op, f(2, 3, 9), kernel_shape=[3], strides=[2])
    case("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    case("MaxPool", x, outputs=2, kernel_shape=[2, 2], strides=[2, 2])
    case("MaxPool", f(1, 2, 5, 6, 7), kernel_shape=[2, 3, 2], pads=[1, 0, 0, 0, 1, 0])
    case("AveragePool", x, kernel_shape=[3, 3], pads=[0, 1, 1, 0], count_include_pad=1)
    case("AveragePool", x, kernel_shape=[3, 3], pads=[0, 1, 1, 0])
    case("AveragePool", x, kernel_shape=[2, 2], dilations=[2, 1])
    for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        case(op, x)
    case("MaxUnpool", f(1, 1, 2, 2), np.array([[[[0, 3], [9, 14]]]]), kernel_shape=[2, 2],
         strides=[2, 2])
    resize(f(1, 2, 4, 5))


def resize(x):
    for mode in ("nearest", "linear", "cubic"):
        for how in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
            case("Resize", x, None, np.array([1, 1, 2, 1.6], np.float32), mode=mode,
                 coordinate_transformation_mode=how, opset=18)
        case("Resize", x, None, None, i(1, 2, 3, 9), mode=mode, opset=18)
    case("Resize", x, None, np.array([1, 1, 0.6, 0.5], np.float32), mode="linear", antialias=1,
         opset=18)
    case("Resize", x, np.array([0, 0, 0.2, 0.1, 1, 1, 0.9, 0.8], np.float32), None, i(1, 2, 3, 4),
         mode="linear", coordinate_transformation_mode="tf_crop_and_resize", opset=18)
    for nearest in ("floor", "ceil", "round_prefer_ceil"):
        case("Resize", x, None, np.array([1, 1, 1.7, 0.7], np.float32), mode="nearest",
             nearest_mode=nearest, opset=18)
    case("Upsample", x, np.array([1, 1, 2, 3], np.float32), mode="nearest", opset=9)
    case("Resize", x, np.array([1, 1, 2, 2], np.float32), mode="linear", opset=10)


def others():
    x, s, o = f(2, 4, 5, 6), positive(4), f(4)
    case("BatchNormalization", x, s, o, f(4), positive(4), epsilon=1e-3)
    case("BatchNormalization", f(3, 4), s, o, f(4), positive(4))
    case("InstanceNormalization", x, s, o)
    case("GroupNormalization", x, s, o, num_groups=2, opset=21)
    case("LayerNormalization", x, f(5, 6), f(5, 6), axis=-2)
    case("LayerNormalization", x, f(6), outputs=3)
    case("RMSNormalization", x, f(6), opset=23)
    case("LRN", x, size=3)
    case("LpNormalization", x, axis=1)
    case("MeanVarianceNormalization", x)
    case("MatMul", f(2, 3, 4), f(4, 5))
    whole = np.array([[0, 3, 255], [7, 8, 9]], np.uint8)
    case("DequantizeLinear", whole, positive(3), np.array([1, 2, 3], np.uint8), axis=1)
    case("DequantizeLinear", whole.astype(np.int8), np.float32(0.1), np.int8(-3))
    case("QuantizeLinear", f(2, 3) * 9, positive(3), np.array([1, 2, 3], np.uint8), axis=1)
    case("DynamicQuantizeLinear", f(2, 3), outputs=3)
    case("Gemm", f(4, 3), f(5, 4), f(5), transA=1, transB=1, alpha=0.5, beta=2.0)
    case("Gemm", f(3, 4), f(4, 5))
    case("Einsum", f(2, 3, 4), f(2, 4, 5), equation="bij, bjk -> bik")
    case("Det", f(2, 3, 3))
    case("GridSample", f(1, 2, 4, 5), f(1, 3, 3, 2), opset=16)
    case("AffineGrid", f(1, 2, 3), i(1, 1, 3, 4))
    boxes = np.array([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11]]], np.float32)
    case("NonMaxSuppression", boxes, np.array([[[0.9, 0.75, 0.6]]], np.float32), np.int64(3),
         np.float32(0.5), np.float32(0.0))
    for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
        more = [None, f(2, 2, 5)] + ([f(2, 2, 5)] if op == "LSTM" else [])
        case(op, f(6, 2, 3), f(2, 5 * gates, 3), f(2, 5 * gates, 5), f(2, 10 * gates), *more,
             outputs=3 if op == "LSTM" else 2, hidden_size=5, direction="bidirectional")
    case("GRU", f(6, 2, 3), f(1, 15, 3), f(1, 15, 5), f(1, 30), outputs=2, hidden_size=5,
         linear_before_reset=1)
    labels = np.array([[0, 2, 1], [1, 1, 2]])
    for reduction in ("mean", "sum", "none"):
        case("SoftmaxCrossEntropyLoss", f(2, 3, 3), labels, positive(3), reduction=reduction)
        case("NegativeLogLikelihoodLoss", f(2, 3, 3), labels, reduction=reduction, ignore_index=1)
    case("Attention", f(2, 3, 8), f(2, 4, 8), f(2, 4, 8), q_num_heads=2, kv_num_heads=2, opset=23)
    case("Attention", f(1, 4, 3, 6), f(1, 2, 3, 6), f(1, 2, 3, 6), is_causal=1, opset=23)
    case("RotaryEmbedding", f(1, 2, 3, 4), f(3, 2), f(3, 2), np.array([[0, 1, 2]]), opset=23)
    graphs()


def graphs():
    value = helper.make_tensor_value_info
    def branch(op):
        return helper.make_graph([helper.make_node(op, ["in0"], ["o"])], op, [],
                                 [value("o", T.FLOAT, None)])
    case("If", f(3), b(True), then_branch=branch("Abs"), else_branch=branch("Neg"))
    body = helper.make_graph(
        [helper.make_node("Add", ["h", "h"], ["h2"]), helper.make_node("Identity", ["go"], ["go2"]),
         helper.make_node("Identity", ["h2"], ["row"])], "body",
        [value("turn", T.INT64, []), value("go", T.BOOL, []), value("h", T.FLOAT, [2])],
        [value("go2", T.BOOL, []), value("h2", T.FLOAT, [2]), value("row", T.FLOAT, [2])])
    case("Loop", np.int64(3), np.array(True), f(2), outputs=2, body=body)
    step = helper.make_graph(
        [helper.make_node("Add", ["h", "x"], ["h2"]), helper.make_node("Identity", ["h2"], ["row"])],
        "step", [value("h", T.FLOAT, [2]), value("x", T.FLOAT, [2])],
        [value("h2", T.FLOAT, [2]), value("row", T.FLOAT, [2])])
    case("Scan", f(2), f(4, 2), outputs=2, body=step, num_scan_inputs=1)
    edges()


def edges():
    wild = np.array([[np.inf, -np.inf, np.nan, 3], [1, 2, -np.inf, np.inf]], np.float32)
    for op in ("ThresholdedRelu", "Shrink"):
        case(op, wild)
    case("Trilu", wild)
    case("Trilu", np.ones((3, 3), bool), upper=0)
    case("Trilu", np.arange(9).reshape(3, 3))
    case("Hardmax", np.array([[np.inf, 1], [-np.inf, 2]], np.float32))
    case("LpNormalization", np.array([[0, 0], [3, 4]], np.float32))
    wide = np.array([-1e30, -88.9, -3, -1e-6, 0, 1e-6, 0.9, 1.1, 88.9, 1e30], np.float32)
    for op in ("Sinh", "Cosh", "Asinh"):
        case(op, wide)
    case("Acosh", np.abs(wide) + 1)
    for size in (2, 4):
        case("LRN", f(5, 5, 1, 2), size=size)  # the reference takes as many channels as samples
    case("BatchNormalization", f(3, 4, 2, 2), positive(4), f(4), f(4), positive(4), training_mode=1)
    case("DynamicQuantizeLinear", np.zeros((2, 2), np.float32), outputs=3)
    case("QuantizeLinear", f(2, 3) * 9, np.float32(0.1), output_dtype=T.UINT8, opset=21)
    case("Slice", f(5), i(-9), i(-100), i(0), i(-2))
    case("Slice", f(0, 2), i(-1), i(-100), i(0), i(-1))
    for mode in ("linear", "cubic"):
        case("Resize", f(5, 9), None, np.array([1, 1.7], np.float32), mode=mode, opset=18)
        case("Resize", f(5, 9), None, np.array([0.6, 0.4], np.float32), mode=mode, antialias=1,
             opset=18)
    case("Resize", f(2, 3, 9), None, np.array([1, 1, 2.5], np.float32), mode="linear", opset=18)
    case("Resize", f(1, 2, 3, 4, 5), None, np.array([1, 1, 2, 2, 0.6], np.float32), mode="linear",
         opset=18)
    case("GRU", f(6, 2, 3), f(1, 15, 3), f(1, 15, 5), f(1, 30), np.array([6, 2], np.int32),
         outputs=2, hidden_size=5)
    case("ConvTranspose", f(2, 4, 3, 4, 2), f(4, 3, 2, 3, 3), f(6), group=2,
         pads=[1, 0, 1, 0, 1, 1], strides=[2, 1, 2], dilations=[2, 1, 1], output_padding=[1, 0, 1])
    case("ConvTranspose", f(1, 2, 5), f(2, 3, 4), f(3), strides=[3], output_padding=[2])
    case("Col2Im", f(2, 12, 6), i(5, 6), i(3, 2), strides=[2, 2], pads=[0, 1, 1, 0],
         dilations=[1, 2])
    case("Col2Im", f(1, 6, 4), i(9), i(3), pads=[0, 0], strides=[2])
    for mode in ("linear", "cubic", "nearest"):
        case("Resize", f(1, 2, 4, 5), None, np.array([1, 1, 0.7, 1.7], np.float32), mode=mode,
             coordinate_transformation_mode="align_corners", opset=18)
        case("Resize", f(1, 1, 10, 15), None, np.array([1, 1, 1.4, 0.6], np.float32), mode=mode,
             nearest_mode="floor", coordinate_transformation_mode="asymmetric", opset=18)
    boxes, images = np.array([[1, 1, 5, 6], [-3, 2.5, 3, 9], [2, 2, 2.1, 2.1]], np.float32), i(0, 1, 0)
    case("RoiAlign", f(2, 3, 7, 8), boxes, images, output_height=2, output_width=3)
    case("RoiAlign", f(2, 3, 7, 8), boxes, images, output_height=3, output_width=2,
         sampling_ratio=2, spatial_scale=0.5, coordinate_transformation_mode="output_half_pixel")
    case("RoiAlign", f(2, 3, 7, 8), boxes, images, output_height=2, sampling_ratio=1, opset=10)
    case("BatchNormalization", f(2, 3, 2, 3, 4), positive(3), f(3), f(3), positive(3))
    case("ReduceMean", np.array([[-7, 2], [8, 3]], np.int32), i(0), keepdims=0)
    case("ReduceMean", np.int32(3))
    case("ReduceL2", np.array([[-3, 2], [4, 3]], np.int32), i(0))
    case("Flatten", f(0, 3, 2))


def model_of(op, inputs, outputs, opset, domain, attributes):
    names = [f"in{k}" if v is not None else "" for k, v in enumerate(inputs)]
    used = names[1:] if op == "If" else names
    node = helper.make_node(op, used, [f"out{k}" for k in range(outputs)], domain=domain,
                            **attributes)
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
             for n, v in zip(names, inputs) if n]
    outs = [helper.make_empty_tensor_value_info(f"out{k}") for k in range(outputs)]
    graph = helper.make_graph([node], op, infos, outs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, opset)],
                             ir_version=10)


def computed(model, feed):
    try:
        inferred = onnx.shape_inference.infer_shapes(model)
        session = onnxruntime.InferenceSession(inferred.SerializeToString())
        return session.run(None, feed), "onnxruntime"
    except Exception:
        return ReferenceEvaluator(model).run(None, feed), "reference"


def main(path):
    warnings.simplefilter("ignore")
    onnxruntime.set_default_logger_severity(4)
    fill()
    tensors, counts, by = {}, {}, {}
    for given in CASES:
        op, inputs = given[0], [v if v is None else np.asarray(v) for v in given[1]]
        counts[op] = counts.get(op, 0) + 1
        name = f"{op}.{counts[op]}"
        model = model_of(op, inputs, *given[2:])
        feed = {f"in{k}": v for k, v in enumerate(inputs) if v is not None}
        results, who = computed(model, feed)
        by[who] = by.get(who, []) + [name]
        tensors[name + ".model"] = np.frombuffer(model.SerializeToString(), np.uint8)
        for k, v in enumerate(feed.values()):
            tensors[f"{name}.in.{k + 1}"] = np.ascontiguousarray(v).reshape(v.shape)
        for k, v in enumerate(results):
            v = np.asarray(v)
            tensors[f"{name}.out{k}"] = np.ascontiguousarray(v).reshape(v.shape)
    save_file(tensors, path)
    print(len(CASES), "cases of", len(counts), "operators;", "by ONNX's reference:", by.get("reference", []))


main(sys.argv[1])
