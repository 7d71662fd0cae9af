"""How long `backproof verify` takes over three pairings, against importing two frameworks."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from tests.project import ROOT

PAIRS = 5
IMPORT = [sys.executable, "-c", "import keras, torch"]
THREE = [f"--only={name}" for name in ("xor", "circles", "clusters")]
VERIFY = [sys.executable, "-m", "backproof", "verify", "comparisons", *THREE]


def seconds(command: list[str]) -> float:
    """The wall time of a command that must succeed."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ.copy())
    return time.perf_counter() - begun


def ratios() -> list[tuple[str, float, str]]:
    """The median ratio over interleaved pairs, after one of each to warm the file cache."""
    seconds(IMPORT)
    seconds(VERIFY)
    pairs = [(seconds(IMPORT), seconds(VERIFY)) for _ in range(PAIRS)]
    imports, verifies = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(verify / imported for imported, verify in pairs)
    label = f"verify of three pairings, {verifies:.2f} s / import keras, torch, {imports:.2f} s"
    return [(label, ratio, "<= 1.0")]


if __name__ == "__main__":
    for label, ratio, bar in ratios():
        print(f"{ratio:8.2f}  {bar:8}  {label}")
