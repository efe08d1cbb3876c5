"""Runs the public package softspot, in its own Python, on a Hessian from a file.

It prints seconds and costs as JSON.

    python benchmarks/softspot_peer.py hessian.npz

softspot 1.0.0 needs numpy < 1.25 and setuptools < 60.
"""

import json
import sys
import time

import numpy as np
import scipy.sparse as sp
from softspot.softspot import SoftSpot

data = np.load(sys.argv[1])
hessian = sp.csr_matrix((data["data"], data["indices"], data["indptr"]))
finder = SoftSpot(
    ndim=int(data["dim"]),
    npart=hessian.shape[0] // int(data["dim"]),
    hessian=hessian,
    pair_lookup=data["pairs"],
)
out = {}
for mode in ("cg", "mapping"):
    runs = []
    for start in data["starts"]:
        begin = time.perf_counter()
        result = finder.find(start.copy(), mode=mode)
        runs.append((time.perf_counter() - begin, float(result["cost_function"])))
    out[mode] = runs
print(json.dumps(out))
