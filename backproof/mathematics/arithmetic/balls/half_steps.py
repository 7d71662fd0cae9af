"""Steps that round to a half precision inside of an operation that else computes in float32.

Which operations of which framework are of this kind was measured (`precisions.csv`); what they
round is derived from their forms, told beside each: by u at their size, and by η where they may
underflow. That comes on top of what float32 rounds, and of the rounding of the result.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import Ball, Values
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions.elu import Exponential, exponentials
from backproof.mathematics.functions.leaky_relu import sides
from backproof.mathematics.functions.sigmoid import expit
from backproof.mathematics.functions.softmax import row_maximum

# Parts of operations, as `Rounding.inside` names them.
PULLED, ROWS, SLOPE = " pulled", " rows", " slope"


def of_exponential(rounding: Rounding, f: Exponential, z: Ball) -> Values:
    """Of left·(e − 1), e = exp(z) rounds, by u·e, then the difference s, and factors as held.

    The exponential may underflow, and a product with each of two factors.
    """
    above, below = sides(z, rounding)
    right, left = map(abs, f.slopes)
    factors = [2 * (roundings > 0) for roundings in f.ROUNDINGS]
    factors[1] *= left != 1
    e, s = exponentials(z, rounding)
    size: Values = np.maximum(
        below * left * (e + s * (1 + factors[1])), above * factors[0] * right * z.magnitude
    )
    return rounding.unit * size + rounding.eta * (2 + left)


def of_softplus(rounding: Rounding, f: object, z: Ball) -> Values:
    """Of log1p(e), e = exp(z) rounds, by which the logarithm moves by u·σ(z), or underflows."""
    return rounding.unit * expit(z.value + reach(z)) + rounding.eta


def of_sigmoid(rounding: Rounding, a: Ball, g: Ball) -> Values:
    """Of g·a·(1 − a), the difference and the first product round, g·a or a·(1 − a)."""
    size: Values = 2 * g.magnitude * a.magnitude * (1 - a.value + reach(a))
    return rounding.unit * size + rounding.eta * (1 + g.magnitude)


def of_tanh(rounding: Rounding, a: Ball, g: Ball) -> Values:
    """Of g·(1 − a²), the square rounds, by u·a², and the difference, by u·(1 − a²)."""
    return rounding.unit * g.magnitude * (1 + 2 * reach(a)) + rounding.eta * g.magnitude


def of_softmax(rounding: Rounding, a: Ball, g: Ball) -> Values:
    """Of a ⊙ (g − Σ a_j g_j), the products, their sum (by m roundings), and the difference."""
    m = a.shape[1]
    terms = (a.magnitude * g.magnitude).sum(axis=1, keepdims=True)
    size: Values = a.magnitude * (g.magnitude + (1 + max(2, m)) * terms)
    return rounding.unit * size + (2 * m + 1) * rounding.eta * a.magnitude


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


def reach(ball: Ball) -> Values | float:
    """How far an implementation's value may lie from the ball's own."""
    return 0.0 if ball.radius is None else 2 * ball.radius


# What the steps that round to the dtype add to the radius.
ROUNDED_STEPS: dict[str, Callable[..., Values]] = {
    "elu": of_exponential,
    "selu": of_exponential,
    "softplus": of_softplus,
    f"sigmoid{PULLED}": of_sigmoid,
    f"tanh{PULLED}": of_tanh,
    f"softmax{PULLED}": of_softmax,
    f"binary_cross_entropy{ROWS}": of_binary_rows,
    f"categorical_cross_entropy{ROWS}": of_categorical_rows,
    f"categorical_cross_entropy{SLOPE}": of_categorical_slope,
}
