"""Compares the pictures of transforms_torchvision.lua with torchvision's of the same settings."""
import colorsys
import sys

import numpy as np
import torch
import torchvision
from torchvision.transforms import functional as F

torch.set_num_threads(1)
d = {k: torch.from_numpy(v) for k, v in np.load(sys.argv[1]).items()}
x = d["picture"].float()


def report(name, setting, ours, theirs, inside=None):
    e = (ours.float() - theirs.float()).abs()
    e = e if inside is None else e[:, inside]
    print(f"{name:12s} {setting:28s} mean difference {e.mean():.4f}, largest {e.max():.3f} of 255")


mid = (x > 60) & (x < 200)
g = (torch.log(d["gamma"] / 255) / torch.log(x / 255))[mid].median().item()
report("gamma", f"exponent {g:.4f}", d["gamma"], F.adjust_gamma(x / 255, g) * 255)

# The turn, from a pixel of strong colour.
v, u = divmod(int((x.max(0).values - x.min(0).values).argmax()), x.shape[2])
hue = lambda t: colorsys.rgb_to_hsv(*(t[:, v, u] / 255).tolist())[0]
best = (hue(d["hue"]) - hue(x) + 0.5) % 1 - 0.5
report("hue", f"turn {best:.5f}", d["hue"], F.adjust_hue(x / 255, best) * 255)

inner = torch.zeros(x.shape[1:], dtype=torch.bool)
inner[10:-10, 10:-10] = True
blur = lambda s: F.gaussian_blur(x, 2 * int(np.ceil(3 * s)) + 1, s)
miss = lambda s: (blur(s) - d["blur"])[:, inner].abs().mean().item()
s, step = 1.0, 0.5
while step > 1e-4:
    s = min((t for t in (s - step, s, s + step) if t > 0.05), key=miss)
    step /= 1.5
report("blur", f"sigma {s:.4f}, inside", d["blur"], blur(s), inner)
report("blur", f"sigma {s:.4f}, with edges", d["blur"], blur(s))

packed = torchvision.io.encode_jpeg(d["picture"], 35)
report("jpeg", "quality 35", d["jpeg"], torchvision.io.decode_jpeg(packed))

h, w = x.shape[1:]
start = [[0, 0], [w, 0], [w, h], [0, h]]
for ours, corners, how in (("skipping", "corners2", "without means, inside"),
                           ("perspective", "corners", "with means, inside")):
    end = d[corners].tolist()
    theirs = F.perspective(x, start, end, F.InterpolationMode.BILINEAR)
    there = F.perspective(torch.ones_like(x), start, end, F.InterpolationMode.BILINEAR)[0] > 0.9999
    near = torch.nn.functional.max_pool2d((~there).float()[None], 3, 1, 1)[0] == 0
    report("perspective", how, d[ours], theirs, near)
