"""Writes networks of torchvision with random weights, an input and their outputs, for
torchvision_weights.lua:  python3 spec/support/torchvision_weights.py DIR  (needs the packages
torch, torchvision, safetensors).
"""
import sys

import torch
import torchvision
from safetensors.torch import save_file

directory = sys.argv[1]
torch.manual_seed(1)
for name in ("resnet18", "alexnet", "vgg16"):
    net = getattr(torchvision.models, name)(weights=None)
    for module in net.modules():  # statistics like those after training
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    net.eval()
    x = torch.randn(2, 3, 224, 224)
    features = getattr(net, "features", torch.nn.Sequential(*list(net.children())[:-2]))
    with torch.no_grad():
        y = net(x)
        maps = features(x[:1, :, :96, :96])
    save_file(net.state_dict(), f"{directory}/{name}.safetensors")
    torch.save(net.state_dict(), f"{directory}/{name}.pth")
    save_file({"x": x, "y": y, "maps": maps}, f"{directory}/{name}_values.safetensors")
    print(name, sum(p.numel() for p in net.parameters()), "parameters")
