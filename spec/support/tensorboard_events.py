#!/usr/bin/env python3
"""Reads event files with TensorBoard's own EventAccumulator, and compares them with what was written.

    build/braid spec/support/tensorboard_events.lua DIR && python3 spec/support/tensorboard_events.py DIR

needs `pip install tensorboard`. Prints what differs, or how many values agree.
"""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
import struct
import zlib


def png_pixels(data):
    """The pixels of a PNG of 8 bits as libpng writes them: rows of bytes."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, body, head = 8, b"", None
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        chunk = data[at + 8:at + 8 + n]
        assert zlib.crc32(kind + chunk) == struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0]
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", chunk)
        if kind == b"IDAT":
            body += chunk
        at += 12 + n
    return head, zlib.decompress(body)


def main(folder):
    wanted = json.load(open(folder + "/wanted.json"))
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    events.Reload()
    checked = 0

    def same(name, got, want, tolerance=1e-6):
        nonlocal checked
        checked += 1
        if abs(got - want) > tolerance * max(1, abs(want)):
            raise SystemExit(f"{name}: {got} is not {want}")

    tags = events.Tags()
    for tag, points in wanted["scalars"].items():
        got = events.Scalars(tag)
        same(tag + " count", len(got), len(points))
        for event, (step, value) in zip(got, points):
            same(tag + " step", event.step, step)
            same(tag, event.value, value)
    if sorted(tags["scalars"]) != sorted(wanted["scalars"]):
        raise SystemExit(f"scalars: {sorted(tags['scalars'])}")
    for tag, want in wanted["histograms"].items():
        got = events.Histograms(tag)[0].histogram_value
        for field in ("min", "max", "num", "sum", "sum_squares"):
            same(tag + " " + field, getattr(got, field), want[field], 1e-9)
        same(tag + " buckets", sum(got.bucket), want["num"])
        same(tag + " last limit", got.bucket_limit[-1], want["max"])
    for tag, want in wanted["images"].items():
        got = events.Images(tag)[0]
        head, rows = png_pixels(got.encoded_image_string)
        same(tag + " width", got.width, want["width"])
        same(tag + " height", got.height, want["height"])
        same(tag + " PNG width", head[0], want["width"])
        same(tag + " PNG height", head[1], want["height"])
        same(tag + " bytes", len(rows), want["height"] * (1 + want["width"] * want["channels"]))
    plugin = events.SummaryMetadata("_hparams_/session_start_info").plugin_data
    start = plugin_data_pb2.HParamsPluginData.FromString(plugin.content).session_start_info
    for name, want in wanted["hparams"].items():
        value = start.hparams[name]
        got = getattr(value, value.WhichOneof("kind"))
        checked += 1
        if got != want:
            raise SystemExit(f"hparams: {name}: {got!r} is not {want!r}")
    plugin = events.SummaryMetadata("_hparams_/experiment").plugin_data
    experiment = plugin_data_pb2.HParamsPluginData.FromString(plugin.content).experiment
    names = {info.name for info in experiment.hparam_infos}
    if names != set(wanted["hparams"]):
        raise SystemExit(f"hparams: columns {names}")
    same("metrics", len(experiment.metric_infos), 1)
    plugin = events.SummaryMetadata("_hparams_/session_end_info").plugin_data
    same("end", plugin_data_pb2.HParamsPluginData.FromString(plugin.content).session_end_info.status, 1)
    print(f"{checked} values agree")


main(sys.argv[1])
