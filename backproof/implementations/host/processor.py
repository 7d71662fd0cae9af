"""The machine, as far as it decides what code a framework runs: versions, processor, settings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Instruction sets that frameworks have code of their own for, by how their names begin.
EXTENSIONS = ("sse4", "avx", "amx", "fma", "f16c", "asimd", "bf16", "fphp", "sve", "i8mm")
# What else chooses between their codes.
SETTINGS = (
    *("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS"),
    *("MKL_ENABLE_INSTRUCTIONS", "ONEDNN_DEFAULT_FPMATH_MODE", "TF_XLA_FLAGS"),
)


def software(packages: Iterable[str]) -> str:
    """The versions of a framework's packages, found without importing them."""
    return ", ".join(f"{package} {found}" for package in packages if (found := installed(package)))


def installed(package: str) -> str:
    """A package's version, or nothing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def hardware() -> str:
    """The processor's vendor and instruction sets, with the settings; "unknown" if it is not told.

    Linux tells it. What is unknown equals nothing, not even itself.
    """
    settings = [f"{name}={os.environ[name]}" for name in SETTINGS if name in os.environ]
    return " ".join([processor(), *settings])


@cache
def processor() -> str:
    """Vendor and instruction sets as Linux tells them, or "unknown"."""
    cpuinfo = Path("/proc/cpuinfo")
    told: dict[str, str] = {}
    for line in (
        cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        if cpuinfo.exists()
        else ()
    ):
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    vendor = told.get("vendor_id") or told.get("CPU implementer")
    extensions = (told.get("flags") or told.get("Features") or "").split()
    chosen = sorted(name for name in extensions if name.startswith(EXTENSIONS))
    return " ".join([vendor, *chosen]) if vendor and chosen else "unknown"
