"""Exports torchvision's networks with random weights and statistics for onnx_torchvision.lua:
    python3 spec/support/onnx_torchvision.py DIR [name ...]
Each is written by both exporters of PyTorch, with a file of an input and onnxruntime's outputs.
A name such as timm/levit_128s is a network of timm, at the size that it is made for.
Needs the packages torch, torchvision, onnx, onnxscript, onnxruntime and safetensors, and timm for
its networks.
"""
import os
import sys
import warnings

import onnxruntime
import torch
import torchvision
from safetensors.torch import save_file

NETWORKS = {
    "resnet18": {}, "mobilenet_v2": {}, "mobilenet_v3_small": {}, "squeezenet1_1": {},
    "alexnet": {}, "efficientnet_b0": {}, "densenet121": {}, "shufflenet_v2_x1_0": {},
    "googlenet": {"aux_logits": False}, "regnet_y_400mf": {}, "mnasnet1_0": {},
    "vgg16": {}, "convnext_tiny": {}, "swin_t": {}, "vit_b_16": {},
}


def created(name):
    if not name.startswith("timm/"):
        return getattr(torchvision.models, name)(weights=None, **NETWORKS[name]), 224
    import timm
    net = timm.create_model(name[5:], pretrained=False, num_classes=100, exportable=True)
    return net, net.default_cfg["input_size"][-1]


def made(name):
    torch.manual_seed(1)
    net, side = created(name)
    if name == "vgg16":  # its own fully connected layers take half a gigabyte
        net.classifier = torch.nn.Sequential(
            torch.nn.Linear(512 * 49, 32), torch.nn.ReLU(), torch.nn.Dropout(),
            torch.nn.Linear(32, 100))
    if name == "vit_b_16":  # its last layer begins at 0
        torch.nn.init.normal_(net.heads.head.weight, std=0.02)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 1.5)
    return net.eval(), side


def export(net, x, path, dynamo):
    shapes = {"dynamic_shapes": ({0: torch.export.Dim("n")},)} if dynamo else {
        "dynamic_axes": {"image": {0: "n"}, "logits": {0: "n"}}}
    torch.onnx.export(net, (x,), path, input_names=["image"], output_names=["logits"],
                      dynamo=dynamo, external_data=False, verbose=False, **shapes)


def kept(net, x, path):
    """The classic exporter without folding batch norm, as for files that are trained further."""
    torch.onnx.export(net, (x,), path, input_names=["image"], output_names=["logits"],
                      dynamo=False, do_constant_folding=False, verbose=False,
                      training=torch.onnx.TrainingMode.PRESERVE,
                      dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}})


def main(directory, names):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in names or NETWORKS:
        net, side = made(name)
        x = torch.randn(2, 3, side, side)
        for kind in ("classic", "kept", "dynamo"):
            stem = os.path.join(directory, f"{name.replace('/', '_')}.{kind}")
            try:
                if kind == "kept":
                    kept(net, x, stem + ".onnx")
                else:
                    export(net, x, stem + ".onnx", kind == "dynamo")
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = 1
                session = onnxruntime.InferenceSession(stem + ".onnx", options)
                y, = session.run(None, {"image": x.numpy()})
                save_file({"image": x, "logits": torch.from_numpy(y)}, stem + ".safetensors")
                print(stem, "written", flush=True)
            except Exception as error:  # an exporter that does not know a network
                print(stem, "not written:", str(error).splitlines()[:1], flush=True)


main(sys.argv[1], sys.argv[2:])
