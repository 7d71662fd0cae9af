"""Prove hand-written backpropagation against Keras and PyTorch, within derived bounds."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from backproof.mathematics.layers import PUBLIC

if TYPE_CHECKING:
    from backproof import activations, adapters
    from backproof.comparison.pairing.pairing import Pairing, Waiver
    from backproof.faces.audit.auditing import audit
    from backproof.faces.check import check
    from backproof.faces.python import assert_equivalent, verify
    from backproof.implementations.programs import external
    from backproof.mathematics.arithmetic.rounding.forms import Form
    from backproof.mathematics.arithmetic.rounding.precision import Precision
    from backproof.mathematics.errors import UsageError
    from backproof.mathematics.layers.public import *  # noqa: F403 (the kinds of layers)
    from backproof.mathematics.losses import Decision
    from backproof.mathematics.network.loss import Loss
    from backproof.mathematics.network.network import Network
    from backproof.mathematics.network.node import Node, Shared
    from backproof.mathematics.network.parameters import Batch, Parameters
    from backproof.mathematics.network.penalty import Penalty
    from backproof.mathematics.optimizers.adadelta import Adadelta
    from backproof.mathematics.optimizers.adagrad import Adagrad
    from backproof.mathematics.optimizers.adam import Adam
    from backproof.mathematics.optimizers.adamw import AdamW
    from backproof.mathematics.optimizers.clipped import Clipped
    from backproof.mathematics.optimizers.gradient_descent import GradientDescent
    from backproof.mathematics.optimizers.momentum import Momentum
    from backproof.mathematics.optimizers.nadam import Nadam
    from backproof.mathematics.optimizers.nesterov import Nesterov
    from backproof.mathematics.optimizers.rmsprop import RMSprop
    from backproof.mathematics.optimizers.scheduled import Scheduled
    from backproof.mathematics.registry import register
    from backproof.reports.report import Report

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Batch",
    "Clipped",
    "Decision",
    "Form",
    "GradientDescent",
    "Loss",
    "Momentum",
    "Nadam",
    "Nesterov",
    "Network",
    "Node",
    "Pairing",
    "Parameters",
    "Penalty",
    "Precision",
    "RMSprop",
    "Report",
    "Scheduled",
    "Shared",
    "UsageError",
    "Waiver",
    "activations",
    "adapters",
    "assert_equivalent",
    "audit",
    "check",
    "external",
    "register",
    "verify",
    *PUBLIC,
]
__version__ = "0.1.0"

# Every pytest session imports this package for its plugin, and the command line starts its workers
# before NumPy is there: so a name is imported when it is first asked for.
_HOMES = {
    "Adadelta": "mathematics.optimizers.adadelta",
    "Adagrad": "mathematics.optimizers.adagrad",
    "Adam": "mathematics.optimizers.adam",
    "AdamW": "mathematics.optimizers.adamw",
    "Batch": "mathematics.network.parameters",
    "Clipped": "mathematics.optimizers.clipped",
    "Decision": "mathematics.losses",
    "Form": "mathematics.arithmetic.rounding.forms",
    "GradientDescent": "mathematics.optimizers.gradient_descent",
    "Loss": "mathematics.network.loss",
    "Momentum": "mathematics.optimizers.momentum",
    "Nadam": "mathematics.optimizers.nadam",
    "Nesterov": "mathematics.optimizers.nesterov",
    "Network": "mathematics.network.network",
    "Node": "mathematics.network.node",
    "Pairing": "comparison.pairing.pairing",
    "Parameters": "mathematics.network.parameters",
    "Penalty": "mathematics.network.penalty",
    "Precision": "mathematics.arithmetic.rounding.precision",
    "RMSprop": "mathematics.optimizers.rmsprop",
    "Report": "reports.report",
    "Scheduled": "mathematics.optimizers.scheduled",
    "Shared": "mathematics.network.node",
    "UsageError": "mathematics.errors",
    "Waiver": "comparison.pairing.pairing",
    "assert_equivalent": "faces.python",
    "audit": "faces.audit.auditing",
    "check": "faces.check",
    "external": "implementations.programs",
    "register": "mathematics.registry",
    "verify": "faces.python",
    **{name: f"mathematics.layers.{file}" for name, file in PUBLIC.items()},
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
