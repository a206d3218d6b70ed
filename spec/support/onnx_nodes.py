"""Writes ONNX's own node tests where onnx_nodes.lua reads them, each as a model with its inputs and
expected outputs:  python3 spec/support/onnx_nodes.py DIR  (needs onnx, numpy, safetensors).
"""
import json
import os
import sys
import warnings

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from safetensors.numpy import save_file

KNOWN = {"float32", "float64", "int64", "int32", "uint8", "bool"}


def array(value):
    if isinstance(value, onnx.TensorProto):
        value = numpy_helper.to_array(value)
    if isinstance(value, numpy.generic):
        value = numpy.asarray(value)
    return value if isinstance(value, numpy.ndarray) else None


def main(directory):
    warnings.simplefilter("ignore")
    os.makedirs(directory, exist_ok=True)
    cases, tensors, other = [], {}, 0
    for test in collect_testcases(None):
        if test.model is None or not test.data_sets:
            other += 1
            continue
        graph = test.model.graph
        inputs, outputs = test.data_sets[0]
        given = [array(v) for v in inputs]
        wanted = [array(v) for v in outputs]
        if any(v is None or v.dtype.name not in KNOWN for v in given + wanted):
            other += 1
            continue
        names = {"in": [], "out": []}
        for kind, values in (("in", given), ("out", wanted)):
            for i, value in enumerate(values):
                name = f"{test.name}/{kind}/{i}"
                names[kind].append(name)
                tensors[name] = numpy.ascontiguousarray(value).reshape(value.shape)
        with open(f"{directory}/{test.name}.onnx", "wb") as file:
            file.write(test.model.SerializeToString())
        cases.append({
            "name": test.name, "op": graph.node[0].op_type, "single": len(graph.node) == 1,
            "inputs": names["in"], "outputs": names["out"],
            "names": [value.name for value in graph.output],
            "rtol": float(test.rtol), "atol": float(test.atol),
        })
    save_file(tensors, directory + "/tensors.safetensors")
    with open(directory + "/cases.json", "w", encoding="utf-8") as file:
        json.dump({"cases": cases, "other": other}, file)
    print(f"{len(cases)} cases written; {other} with values of other types left out")


main(sys.argv[1])
