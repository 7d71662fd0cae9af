"""What it takes to judge ten million recorded numbers: seconds, and GiB of memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator

import numpy as np

from backproof import Dense, check

SAMPLES, WIDTH = 50_000, 100


def ratios() -> Iterator[tuple[str, float, str]]:
    """A layer's output and gradients, of a batch of fifty thousand, in float32."""
    rng = np.random.default_rng(0)
    x, dout = (rng.normal(size=(SAMPLES, WIDTH)).astype("float32") for _ in range(2))
    w = (rng.normal(size=(WIDTH, WIDTH)) / 10).astype("float32")
    b = rng.normal(size=WIDTH).astype("float32")
    y = np.maximum(x @ w + b, 0)
    dz = dout * (y > 0)
    given = {"inputs": dz @ w.T, "kernel": x.T @ dz, "bias": dz.sum(axis=0)}
    begun = time.process_time()
    report = check.recorded(
        Dense(WIDTH, WIDTH, "relu"),
        inputs=x,
        parameters={"kernel": w, "bias": b},
        upstream=dout,
        outputs=y,
        gradients=given,
    )
    took = time.process_time() - begun
    report.assert_match()
    elements = y.size + sum(each.size for each in given.values())
    yield f"{elements / 1e6:.1f} million recorded numbers, seconds of CPU", took, "<= 20"
    unit = 2**30 if sys.platform == "darwin" else 2**20
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    yield "their memory at its most, GiB", used, "<= 2"
