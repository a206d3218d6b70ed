"""Writes the inputs and expected outputs of ONNX's own node tests where onnx_nodes.lua reads
them:  python3 spec/support/onnx_nodes.py DIR  (wants the packages onnx, numpy, safetensors).
"""
import json
import math
import sys
import warnings

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from safetensors.numpy import save_file

KNOWN = {"float32", "float64", "int64", "int32", "uint8", "bool"}


def finite(value):
    """What JSON can hold."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, onnx.TensorProto):
        return finite(numpy_helper.to_array(value).tolist())
    try:
        return [finite(v) for v in value]
    except TypeError:
        return "?"


def plain(attribute):
    return finite(onnx.helper.get_attribute_value(attribute))


def array(value):
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    if isinstance(value, numpy.generic):
        value = numpy.asarray(value)
    return value if isinstance(value, numpy.ndarray) else None


def main(directory):
    warnings.simplefilter("ignore")
    cases, tensors, other = [], {}, 0
    for test in collect_testcases(None):
        graph = test.model.graph if test.model is not None else None
        if graph is None or len(graph.node) != 1 or not test.data_sets:
            other += 1
            continue
        node, (inputs, outputs) = graph.node[0], test.data_sets[0]
        given = [array(v) for v in inputs]
        wanted = [array(v) for v in outputs]
        if any(v is None or v.dtype.name not in KNOWN for v in given + wanted):
            other += 1
            continue
        names = {}
        for kind, protos, values in (("in", graph.input, given), ("out", graph.output, wanted)):
            for proto, value in zip(protos, values):
                names[proto.name] = f"{test.name}/{kind}/{proto.name}"
                tensors[names[proto.name]] = numpy.ascontiguousarray(value).reshape(value.shape)
        cases.append({
            "name": test.name, "op": node.op_type,
            "attributes": {a.name: plain(a) for a in node.attribute},
            "inputs": [names.get(name, "") for name in node.input],
            "outputs": [names.get(name, "") for name in node.output],
            "rtol": float(test.rtol), "atol": float(test.atol),
        })
    save_file(tensors, directory + "/tensors.safetensors")
    with open(directory + "/cases.json", "w", encoding="utf-8") as file:
        json.dump({"cases": cases, "other": other}, file)
    print(f"{len(cases)} cases written; {other} of more than one node, or of other types, left out")


main(sys.argv[1])
