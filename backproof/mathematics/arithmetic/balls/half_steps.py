"""Steps that round to a half precision inside of an operation that else computes in float32.

Which operations of which framework are of this kind was measured (`precisions.csv`); what they
round is derived from their forms, told beside each: by u at their size, and by η where they may
underflow. That comes on top of what float32 rounds, and of the rounding of the result. Those of
losses stand here, those of an activation in its own file.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import Ball, Values
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import ACTIVATIONS, Activation
from backproof.mathematics.functions.softmax import row_maximum

# Parts of operations, as `Rounding.inside` names them.
PULLED, ROWS, SLOPE = " pulled", " rows", " slope"


def of_binary_rows(rounding: Rounding, z: Ball, a: Ball) -> Values:
    """PyTorch rounds log σ(z) to the dtype; TensorFlow exp(−|z|) and its log1p, by u each."""
    size: Values = np.logaddexp(0, -z.value) + 2 * np.log1p(np.exp(-np.abs(z.value)))
    if z.radius is not None:
        size += 6 * z.radius
    return rounding.unit * size + 2 * rounding.eta


def of_categorical_rows(rounding: Rounding, z: Ball, a: Ball) -> Values:
    """PyTorch rounds Σ = Σ exp(z − max) to the dtype, off by u in the logarithm, and log Σ too."""
    return rounding.unit * (1 + log_sum(z)) + rounding.eta


def of_categorical_slope(rounding: Rounding, z: Ball, a: Ball) -> Values:
    """PyTorch's softmax is exp(log p): there too, and log p rounds at its size.

    Of e^δ − 1 all is taken in, for δ ≤ 1; beyond, log p is so large that p is lost in its radius.
    """
    largest = 0.0 if z.radius is None else 4 * float(z.radius.max())
    delta = 1 + log_sum(z) + largest - np.log(a.value + 2.0**-1022)
    size: Values = a.magnitude * delta * np.exp(2.0**-7 * delta)
    return rounding.unit * size + 2 * rounding.eta


def log_sum(z: Ball) -> Values:
    """log Σ exp(z − max) of each row, at most: it moves by no more than twice what z does."""
    moved = 0.0 if z.radius is None else 4 * z.radius.max(axis=1, keepdims=True)
    total: Values = np.exp(z.value - row_maximum(z.value)).sum(axis=1, keepdims=True)
    return np.log(total) + moved


# What the steps of losses that round to the dtype add to the radius.
ROUNDED_STEPS: dict[str, Callable[..., Values]] = {
    f"binary_cross_entropy{ROWS}": of_binary_rows,
    f"categorical_cross_entropy{ROWS}": of_categorical_rows,
    f"categorical_cross_entropy{SLOPE}": of_categorical_slope,
}


def known(operation: str) -> bool:
    """Whether there is a rule for the steps of an operation that round."""
    name, _, part = operation.partition(" ")
    if name not in ACTIVATIONS.names():
        return operation in ROUNDED_STEPS
    method = "vjp_steps" if part else "value_steps"
    return getattr(ACTIVATIONS.get(name), method) is not getattr(Activation, method)
