"""Compares the ONNX files that onnx_exported.lua wrote with Braid's outputs, by onnxruntime.

    mkdir -p DIR && build/braid spec/support/onnx_exported.lua DIR
    python spec/support/onnx_exported.py DIR

Prints a row for each network: the largest difference at 1 and at 3 samples (relative to the largest
output, where that is above 1), how many nodes it has, and whether onnx.checker accepts it with
full_check. Ends with 1 if one differs by more than 1e-4 or is refused.
"""
import sys

import numpy
import onnx
import onnxruntime

DIR = sys.argv[1]
onnxruntime.set_default_logger_severity(3)


def difference(a, b):
    if a.shape != b.shape:
        return float("inf")
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)
    same = (a == b) | (numpy.isnan(a) & numpy.isnan(b))
    gap = numpy.abs(numpy.where(same, 0, a - b))
    return float(gap.max() / max(1.0, numpy.abs(b[numpy.isfinite(b)]).max(initial=0))) if a.size else 0.0


def run(path, session, n):
    values = numpy.load("%s.%d.npz" % (path, n))
    feed = {k[3:]: values[k] for k in values.files if k.startswith("in.")}
    names = [o.name for o in session.get_outputs()]
    wanted = {k[4:] for k in values.files if k.startswith("out.")}
    if set(names) != wanted:
        return float("inf")
    results = session.run(names, feed)
    return max(difference(r, values["out." + k]) for k, r in zip(names, results))


def main():
    bad = 0
    print("%-34s %10s %10s %6s  %s" % ("network", "1 sample", "3 samples", "nodes", "checker"))
    for i, line in enumerate(open(DIR + "/names.txt")):
        name, _, failure = line.rstrip("\n").partition("\t")
        path = "%s/%d" % (DIR, i)
        if failure:
            bad += 1
            print("%-34s %s" % (name, failure))
            continue
        try:
            model = onnx.load(path + ".onnx")
            assert model.ir_version == 10 and model.opset_import[0].version == 17
            verdict = "passes"
            try:
                onnx.checker.check_model(model, full_check=True)
            except Exception as e:
                verdict = str(e).strip().splitlines()[0][:90]
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(path + ".onnx", options)
            gaps = [run(path, session, n) for n in (1, 3)]
        except Exception as e:
            bad += 1
            print("%-34s %s" % (name, str(e).strip().splitlines()[0][:120]))
            continue
        close = 0.02 if name.endswith("halfway between bytes") else 1e-4
        good = verdict == "passes" and max(gaps) <= close
        bad += not good
        print("%-34s %10.2g %10.2g %6d  %s%s" % (name, gaps[0], gaps[1], len(model.graph.node), verdict,
                                                "" if good else "  <-- "))
    print("%d networks, %d bad" % (i + 1, bad))
    return 1 if bad else 0


sys.exit(main())
