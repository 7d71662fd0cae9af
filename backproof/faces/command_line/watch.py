"""``backproof watch``: verify, again and again, as files are saved."""

from __future__ import annotations

import inspect
import sys
from functools import wraps

from backproof.faces.command_line.verify import WATCH, verify


def of_verify() -> inspect.Signature:
    """The options of verify, but for the one that goes without saying."""
    whole = inspect.signature(verify, eval_str=True)
    said = WATCH.removeprefix("--")
    return whole.replace(parameters=[p for p in whole.parameters.values() if p.name != said])


@wraps(verify, assigned=["__annotations__", "__module__"])
def watch(**options: object) -> None:
    """Stay, and judge again what each saved file concerns: verify --watch."""
    sys.argv[sys.argv.index("watch")] = "verify"  # as which each run is carried out
    verify(**options, watch=True)  # type: ignore[arg-type]


watch.__signature__ = of_verify()  # type: ignore[attr-defined]
