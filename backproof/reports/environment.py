"""The environment of a run: versions, processor, BLAS, threads, dtype; no times and no paths."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from backproof.implementations.host import threads

PACKAGES = ("backproof", "numpy", "scipy", "pandas", "python-flint", "scikit-learn", "safetensors")
FRAMEWORKS = ("keras", "tensorflow", "tensorflow-cpu", "torch", "jax")


def environment(dtype: str, versions: dict[str, str]) -> dict[str, Any]:
    """What two runs must have in common to write the same bytes."""
    import numpy as np

    built: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": processor(),
        "cores": os.cpu_count(),
        "packages": {name: installed(name) for name in PACKAGES},
        "references": versions,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "simd": " ".join(built.get("SIMD Extensions", {}).get("found", [])),
        "threads": {name: os.environ.get(name, "not set") for name in threads.VARIABLES},
        "worker_threads": 1,
        "dtype": dtype,
        "probe_seeds": "CRC-32 of the probe's name, for numpy.random.default_rng",
    }


def installed(package: str) -> str:
    """A package's version, found without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def versions() -> str:
    """What a report of something wrong should name, in a few lines; nothing is imported for it."""
    own, *others = (f"{name} {installed(name)}" for name in (*PACKAGES, *FRAMEWORKS))
    python = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return "\n".join((own, python, ", ".join(others)))


def processor() -> str:
    """The processor's model, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        return told.stdout.strip() or platform.machine()
    return platform.processor() or platform.machine()
