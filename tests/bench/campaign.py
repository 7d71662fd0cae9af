"""A campaign on two processes against one, by Dask: wall time, so the machine must be idle."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

CASES = "400"


def ratios() -> Iterator[tuple[str, float, str]]:
    """How many times as fast two processes are; what starts them is counted."""
    one, two = (took(workers) for workers in ("1", "2"))
    yield f"fuzz of {CASES} networks, 1 worker, {one:.1f} s / 2, {two:.1f} s", one / two, ">= 1.8"


def took(workers: str) -> float:
    """Seconds of the command."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "backproof", "fuzz", "--reference", "torch"]
        begun = time.perf_counter()
        subprocess.run(
            [*command, "--cases", CASES, "--workers", workers],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - begun
