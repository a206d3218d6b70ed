"""Compares Braid's detector with facenet-pytorch's, on one picture and with the same weights:
    python3 spec/support/mtcnn_facenet.py WEIGHTS PICTURE [ROUNDS]
(needs the packages torch, torchvision, pillow, requests, tqdm, safetensors and, with
--no-deps, facenet-pytorch; WEIGHTS holds det1, det2 and det3.caffemodel). Runs alternate;
times are medians of detections on two threads. PICTURE may also be path/to/mtfl:12 or :48: a
collage of 640x480 pixels of 12 or 48 of MTFL's test faces.
"""
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image
from safetensors.torch import load_file

THREADS, TIMES = 2, 10
weights, picture = sys.argv[1:3]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
torch.set_num_threads(THREADS)
theirs = MTCNN(keep_all=True)


def collage(directory, count):
    across = round((count * 4 / 3) ** 0.5)
    size = 640 // across
    names = [line.split()[0].replace("\\", "/") for line in open(f"{directory}/testing.txt")
             if line.strip()]
    whole = Image.new("RGB", (640, 480))
    for i, name in enumerate(names[:across * (480 // size)]):
        face = Image.open(f"{directory}/{name}").convert("RGB").resize((size, size),
                                                                       Image.BILINEAR)
        whole.paste(face, (i % across * size, i // across * size))
    return whole


made = tempfile.TemporaryDirectory()
if ":" in picture:
    directory, count = picture.rsplit(":", 1)
    picture = f"{made.name}/collage.png"
    collage(directory, int(count)).save(picture)
image = Image.open(picture).convert("RGB")

# facenet-pytorch's names of our layers, by network: of the last block and of the heads.
FC, FACE, BOX = {"R": "dense4", "O": "dense5"}, {"P": "conv4_1", "R": "dense5_1", "O": "dense6_1"}, \
    {"P": "conv4_2", "R": "dense5_2", "O": "dense6_2"}


def layer_of(stage, name):
    kind, block, *rest = name.split(".")
    if kind == "head":
        table = {"face": FACE, "box": BOX}.get(block)
        return table and f"{table[stage]}.{rest[0]}"
    if block == "fc":
        number = FC[stage][-1]
        return f"{'dense' if rest[0] == '2' else 'prelu'}{number}.{rest[1]}"
    return f"{block if rest[0] == '1' else 'prelu' + block[-1]}.{rest[1]}"


def compare_weights(directory):
    for stage, net in (("P", theirs.pnet), ("R", theirs.rnet), ("O", theirs.onet)):
        own, state = net.state_dict(), load_file(f"{directory}/{stage}.safetensors")
        worst = 0
        for name, ours in state.items():
            if layer_of(stage, name) is None:
                continue  # the landmarks' head, whose rows have another order
            other = own[layer_of(stage, name)]
            if name == "trunk.fc.2.weight":  # theirs reads columns, rows, channels
                other = other.reshape(len(other), 3, 3, -1).permute(0, 3, 2, 1).flatten(1)
            worst = max(worst, (ours - other).abs().max().item())
        print(f"{stage}: {len(state)} tensors, largest difference of weights {worst:.2g}")


def run_theirs():
    times = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        theirs.detect(image, landmarks=True)
        times.append(time.perf_counter() - begun)
    return times


def run_ours(directory):
    output = subprocess.run(
        ["build/braid", "spec/support/mtcnn_facenet.lua", weights, picture, str(TIMES),
         str(THREADS), directory], check=True, capture_output=True, text=True).stdout
    return [float(line) for line in output.split()]


with tempfile.TemporaryDirectory() as directory:
    boxes, scores, points = theirs.detect(image, landmarks=True)
    if boxes is None:
        sys.exit(f"{picture}: facenet-pytorch finds no face to compare")
    times = {"facenet-pytorch": [], "braid": []}
    for _ in range(rounds):
        times["facenet-pytorch"] += run_theirs()
        times["braid"] += run_ours(directory)
    compare_weights(directory)
    found = load_file(f"{directory}/found.safetensors")

print(f"faces: {len(boxes)} by facenet-pytorch, {len(found['boxes'])} by braid")
# Our nearest face for each of theirs, because faces of equal scores come in any order.
nearest = [int(np.abs(found["boxes"].numpy() - box).max(1).argmin()) for box in boxes
           if len(found["boxes"])]
if sorted(nearest) == list(range(len(boxes))) and len(boxes) == len(found["boxes"]):
    def apart(theirs_found, name):
        return np.abs(theirs_found.astype(float) - found[name].numpy()[nearest]).max()
    print(f"largest differences: boxes {apart(boxes, 'boxes'):.2g} pixels, points "
          f"{apart(points, 'points'):.2g} pixels, probabilities {apart(scores, 'scores'):.2g}")
else:
    print("the two detectors find different faces")
for name, seconds in times.items():
    print(f"{name:16s} median {1e3 * statistics.median(seconds):6.1f} ms, least "
          f"{1e3 * min(seconds):6.1f} ms of {len(seconds)}, {image.width}x{image.height}")
