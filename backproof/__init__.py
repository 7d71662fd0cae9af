"""Prove hand-written backpropagation against Keras and PyTorch, within derived bounds."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backproof.network import Dense, GradientDescent, Loss, Network, Penalty
    from backproof.pairing import Pairing, Waiver
    from backproof.parameters import Batch, Parameters

__all__ = [
    "Batch",
    "Dense",
    "GradientDescent",
    "Loss",
    "Network",
    "Pairing",
    "Parameters",
    "Penalty",
    "Waiver",
]
__version__ = "0.1.0"

# Every pytest session imports this package for its plugin, and the command line starts its workers
# before NumPy is there: so a name is imported when it is first asked for.
_HOMES = {
    "backproof.network": ("Dense", "GradientDescent", "Loss", "Network", "Penalty"),
    "backproof.pairing": ("Pairing", "Waiver"),
    "backproof.parameters": ("Batch", "Parameters"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            found = globals()[name] = getattr(importlib.import_module(home), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
