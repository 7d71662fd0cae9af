"""Prove hand-written backpropagation against Keras and PyTorch, within derived bounds."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backproof import activations, adapters
    from backproof.errors import UsageError
    from backproof.face import assert_equivalent, verify
    from backproof.forms import Form
    from backproof.network import Dense, Loss, Network, Penalty
    from backproof.optimizers.adam import Adam
    from backproof.optimizers.adamw import AdamW
    from backproof.optimizers.gradient_descent import GradientDescent
    from backproof.optimizers.momentum import Momentum
    from backproof.optimizers.rmsprop import RMSprop
    from backproof.pairing import Pairing, Waiver
    from backproof.parameters import Batch, Parameters
    from backproof.programs import external
    from backproof.reports.report import Report

__all__ = [
    "Adam",
    "AdamW",
    "Batch",
    "Dense",
    "Form",
    "GradientDescent",
    "Loss",
    "Momentum",
    "Network",
    "Pairing",
    "Parameters",
    "Penalty",
    "RMSprop",
    "Report",
    "UsageError",
    "Waiver",
    "activations",
    "adapters",
    "assert_equivalent",
    "external",
    "verify",
]
__version__ = "0.1.0"

# Every pytest session imports this package for its plugin, and the command line starts its workers
# before NumPy is there: so a name is imported when it is first asked for.
_HOMES = {
    "Adam": "optimizers.adam",
    "AdamW": "optimizers.adamw",
    "Batch": "parameters",
    "Dense": "network",
    "Form": "forms",
    "GradientDescent": "optimizers.gradient_descent",
    "Loss": "network",
    "Momentum": "optimizers.momentum",
    "Network": "network",
    "Pairing": "pairing",
    "Parameters": "parameters",
    "Penalty": "network",
    "RMSprop": "optimizers.rmsprop",
    "Report": "reports.report",
    "UsageError": "errors",
    "Waiver": "pairing",
    "assert_equivalent": "face",
    "external": "programs",
    "verify": "face",
}


def __getattr__(name: str) -> Any:
    # Adapters; and activations with fields: activations.named("leaky_relu", alpha=0.1).
    if name in ("activations", "adapters"):
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
