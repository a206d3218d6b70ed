# Checks that Python's safetensors reads what Braid wrote:
#
#     build/braid spec/support/safetensors_python.lua build/check
#     python spec/support/safetensors_python.py build/check
#
# Compares each .safetensors file with an .npz of the same values, and prints the metadata's
# names.
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open

for path in sorted(Path(sys.argv[1]).glob("*.safetensors")):
    wanted = np.load(path.with_suffix(".npz"))
    with safe_open(path, framework="np") as found:
        assert sorted(found.keys()) == sorted(wanted.files), path
        for name in wanted.files:
            a, b = found.get_tensor(name), wanted[name]
            assert a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b), (path, name)
        print(path.name, len(wanted.files), "tensors;", *sorted(found.metadata() or {}))
