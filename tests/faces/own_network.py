"""A small network by hand, in the shape that backproof asks for, and ways to spoil it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backproof import Batch, Dense, Loss, Network, Parameters

NETWORK = Network((Dense(3, 4, "tanh"), Dense(4, 2, "softmax")), Loss("categorical_cross_entropy"))

Subject = Callable[[Any, Any], dict[str, Any]]


def by_hand(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """Loss and gradients; no more of what could be compared."""
    w1, b1, w2, b2 = (parameters[f"dense_{i}/{n}"] for i in (1, 2) for n in ("kernel", "bias"))
    a1 = np.tanh(batch.inputs @ w1 + b1)
    z = a1 @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    delta2 = (np.exp(log_p) - batch.targets) / len(z)
    delta1 = (delta2 @ w2.T) * (1 - a1 * a1)
    return {
        "loss": -(batch.targets * log_p).sum() / len(z),
        "gradient/dense_1/kernel": batch.inputs.T @ delta1,
        "gradient/dense_1/bias": delta1.sum(axis=0),
        "gradient/dense_2/kernel": a1.T @ delta2,
        "gradient/dense_2/bias": delta2.sum(axis=0),
    }


def spoiled(change: Callable[[dict[str, Any]], object]) -> Subject:
    """The same, with something done to its results."""

    def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        results = by_hand(parameters, batch)
        change(results)
        return results

    return subject
