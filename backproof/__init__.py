"""Prove hand-written backpropagation against Keras and PyTorch, within derived bounds."""

from __future__ import annotations

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
