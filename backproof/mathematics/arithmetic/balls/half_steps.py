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

# Derivatives, as `Rounding.inside` names them behind their activation.
PULLED = " pulled"


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


def reach(ball: Ball) -> Values | float:
    """How far an implementation's value may lie from the ball's own."""
    return 0.0 if ball.radius is None else 2 * ball.radius


# What the steps that round to the dtype add to the radius; those of a loss are in its file.
ROUNDED_STEPS: dict[str, Callable[..., Values]] = {
    "elu": of_exponential,
    "selu": of_exponential,
    "softplus": of_softplus,
    f"sigmoid{PULLED}": of_sigmoid,
    f"tanh{PULLED}": of_tanh,
    f"softmax{PULLED}": of_softmax,
}
