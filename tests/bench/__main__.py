"""``python -m tests.bench [NAME …]``: every benchmark's ratios, beside their bars.

Times depend on the machine, so no test asserts them; ratios of one run on one machine are printed,
and the exit status is 1 if one misses its bar.
"""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import tests.bench as benches


def meets(ratio: float, bar: str) -> bool:
    """Whether a ratio is on the right side of a bar like ">= 6"."""
    relation, limit = bar.split()
    return {
        ">=": ratio >= float(limit),
        ">": ratio > float(limit),
        "<=": ratio <= float(limit),
        "<": ratio < float(limit),
    }[relation]


def main() -> int:
    """Run the benchmarks named, or all; each in a process of its own, which no other has warmed."""
    every = [m.name for m in pkgutil.iter_modules(benches.__path__) if m.name[0] != "_"]
    names = sys.argv[1:] or every
    if unknown := set(names) - set(every):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(every)}")
    if len(names) > 1:
        runs = [subprocess.run([sys.executable, "-m", "tests.bench", name]) for name in names]
        return max(run.returncode for run in runs)
    missed = 0
    for label, ratio, bar in importlib.import_module(f"tests.bench.{names[0]}").ratios():
        met = meets(ratio, bar)
        missed += not met
        print(f"{'met   ' if met else 'MISSED'} {ratio:9.2f}  {bar:8} {label}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
