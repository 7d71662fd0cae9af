"""What an audit costs: a suite of gradient checks with ``--backproof-audit``, beside it without."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SUITE = """
import numpy as np, pytest

def forward(x, w, b):
    return np.tanh(x @ w + b)

def backward(dout, x, w, out):
    dz = dout * (1 - out**2)
    return dz @ w.T, x.T @ dz, dz.sum(0)

def numeric(f, x, d, h=1e-5):
    found = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = f()
        x[i] = kept - h
        found[i] = np.sum((above - f()) * d) / (2 * h)
        x[i] = kept
    return found

@pytest.mark.parametrize("seed", range(1200))
def test_gradients(seed):
    rng = np.random.default_rng(seed)
    n, i, o = rng.integers(2, 9, 3)
    x, w, b, d = (rng.normal(size=s) for s in ((n, i), (i, o), o, (n, o)))
    dx, dw, db = backward(d, x, w, forward(x, w, b))
    f = lambda: forward(x, w, b)
    np.testing.assert_allclose(dx, numeric(f, x, d), rtol=1e-5, atol=1e-7)
    assert np.allclose(dw, numeric(f, w, d), atol=1e-6)
    np.testing.assert_allclose(db, numeric(f, b, d), rtol=1e-5, atol=1e-7)
"""
TIMES = 3


def ratios() -> Iterator[tuple[str, float, str]]:
    """The fastest of interleaved sessions."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_layer.py").write_text(SUITE)
        sides: dict[str, list[float]] = {"": [], "--backproof-audit": []}
        for _ in range(TIMES):
            for option, took in sides.items():
                took.append(seconds(folder, *filter(None, [option])))
        plain, audited = (min(took) for took in sides.values())
        label = f"1200 tests of gradients audited, {audited:.2f} s / without, {plain:.2f} s"
        yield label, audited / plain, "<= 1.2"


def seconds(folder: str, *options: str) -> float:
    """The processor time that one session takes; it passes."""
    begun = sum(os.times()[2:4])  # of the children that have ended
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return sum(os.times()[2:4]) - begun
