"""Runs a network that braid.export(net, "net.onnx", ...) wrote, with nothing of Braid:

    python3 examples/embed/run_onnx.py net.onnx x.npy

x.npy has the input (n,c,h,w), float32. Prints a line for each output: its name, shape and values.
Takes onnxruntime (pip) or else OpenCV (Debian: python3-opencv), whichever is there.
"""
import sys

import numpy

path, x = sys.argv[1], numpy.load(sys.argv[2]).astype(numpy.float32)
try:
    import onnxruntime

    net = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in net.get_outputs()]
    values = net.run(names, {net.get_inputs()[0].name: x})
except ImportError:
    import cv2

    net = cv2.dnn.readNetFromONNX(path)
    net.setInput(x)
    names = net.getUnconnectedOutLayersNames()
    values = net.forward(names)
for name, value in zip(names, values):
    print(name, *value.shape, ":", *(f"{v:.9g}" for v in value.ravel()))
