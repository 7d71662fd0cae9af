"""The losses of the fixed networks as a textbook states them, and what rounding may do to ours.

Each `..._bounds` follows sizes, not values, through the network: inputs (batch, features) forward,
deltas backward.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from scratch.captcha import Captcha
from scratch.circles import Circles
from scratch.clusters import Clusters
from scratch.training import FullBatchNetwork
from scratch.xor import INPUTS, TARGETS, Xor
from tests.scratch.oracle import (
    EXPIT,
    FUNCTION,
    Array,
    Arrays,
    Bounded,
    exact_evaluation,
    exceeding,
    exp,
    given,
    log,
    mp,
)


def xor_loss(parameters: Arrays, inputs: Array, targets: Array) -> Any:
    w1, w2 = parameters.values()
    hidden = 1 / (1 + exp(-(inputs @ w1)))
    predicted = 1 / (1 + exp(-(hidden @ w2)))
    return np.sum((predicted - targets) ** 2) / 2


def xor_bounds(parameters: Arrays, inputs: Array) -> dict[str, Bounded]:
    w1, w2 = map(given, parameters.values())
    x = given(inputs)
    z1 = x @ w1
    a1 = z1.expit()
    z2 = a1 @ w2
    a2 = z2.expit()
    error = a2  # of (1 - y) a - y (1 - a) one term is 0, the other has the factor 1
    delta2 = error * a2 * z2.expit()
    delta1 = delta2 @ w2.T * a1 * z1.expit()
    return {
        "loss": (error * error).sum() / 2,
        "dense_1/kernel": x.T @ delta1,
        "dense_2/kernel": a1.T @ delta2,
    }


def circles_loss(parameters: Arrays, inputs: Array, targets: Array) -> Any:
    w1, b1, w2, b2, w3, b3 = parameters.values()
    hidden = np.maximum(np.maximum(inputs @ w1 + b1, 0) @ w2 + b2, 0)
    predicted = 1 / (1 + exp(-(hidden @ w3 + b3)))
    return -np.mean(targets * log(predicted) + (1 - targets) * log(1 - predicted))


def circles_bounds(parameters: Arrays, inputs: Array) -> dict[str, Bounded]:
    w1, b1, w2, b2, w3, b3 = map(given, parameters.values())
    x, n = given(inputs), len(inputs)
    a1 = x @ w1 + b1  # |ReLU(z)| ≤ |z|, and it adds no error
    a2 = a1 @ w2 + b2
    z3 = a2 @ w3 + b3
    delta3 = z3.expit() / n  # of (1 - y) a - y (1 - a) one term is 0, the other has the factor 1
    delta2 = delta3 @ w3.T  # times 0 or 1
    delta1 = delta2 @ w2.T
    # A sample's loss has a slope ≤ 1, is log 2 at z = 0, and rounds in exp, log1p and one sum.
    losses = z3.through(1, np.log(2), 2 * FUNCTION + 1)
    return {
        "loss": losses.sum() / n,
        "dense_1/kernel": x.T @ delta1,
        "dense_1/bias": delta1.sum(0),
        "dense_2/kernel": a1.T @ delta2,
        "dense_2/bias": delta2.sum(0),
        "dense_3/kernel": a2.T @ delta3,
        "dense_3/bias": delta3.sum(0),
    }


def clusters_loss(parameters: Arrays, inputs: Array, targets: Array, *, half_l2: Any) -> Any:
    w1, b1, w2, b2 = parameters.values()
    odds = exp(np.maximum(inputs @ w1 + b1, 0) @ w2 + b2)
    predicted = odds / odds.sum(1, keepdims=True)
    penalty = half_l2 * (np.sum(w1**2) + np.sum(w2**2))
    return penalty - np.sum(targets * log(predicted)) / len(inputs)


def clusters_bounds(parameters: Arrays, inputs: Array, *, l2: float) -> dict[str, Bounded]:
    w1, b1, w2, b2 = map(given, parameters.values())
    x, n, coefficient = given(inputs), len(inputs), Bounded(np.array(l2), 1)
    a1 = x @ w1 + b1  # |ReLU(z)| ≤ |z|, and it adds no error
    z2 = a1 @ w2 + b2
    shifted = (z2 + z2.max()).max()
    # In the maximum norm softmax has a slope of 2 p (1 - p) ≤ 1/2 and the logarithm of the sum of
    # exp one of 1. Roundings: exp, two sums, a division; the sum's are relative, so before its
    # logarithm, in 0 to log 3, they count as absolute, then comes the logarithm's own.
    p = shifted.through(1 / 2, 1 / 3, 2 * FUNCTION + 3)
    log_sums = shifted.through(1, 1 + np.log(3), FUNCTION + 3 + FUNCTION)
    others = p @ given(1 - np.eye(3))
    delta2 = others / n  # of (1 - y) p - y (1 - p) one term is 0, the other has the factor 1
    delta1 = delta2 @ w2.T  # times 0 or 1
    losses = shifted + log_sums
    losses = Bounded(losses.size[:, 0], losses.count)  # of a row's equal bounds only one
    return {
        "loss": losses.sum() / n + coefficient * ((w1 * w1).sum() + (w2 * w2).sum()) / 2,
        "dense_1/kernel": x.T @ delta1 + coefficient * w1,
        "dense_1/bias": delta1.sum(0),
        "dense_2/kernel": a1.T @ delta2 + coefficient * w2,
        "dense_2/bias": delta2.sum(0),
    }


class WithoutPenalty(Clusters):
    """The network of the mini-batches."""

    def __init__(self, parameters: Arrays) -> None:
        super().__init__(parameters, l2=0)


class SmallCaptcha(Captcha):
    """The network of the captchas with sizes for which every gradient can be had in 60 digits."""

    SHAPES = {  # noqa: RUF012 (as in the networks themselves)
        "dense_1/kernel": (4, 3),
        "dense_1/bias": (3,),
        "dense_2/kernel": (3, 3),
        "dense_2/bias": (3,),
        "dense_3/kernel": (3, 3),
        "dense_3/bias": (3,),
    }


def captcha_loss(parameters: Arrays, inputs: Array, targets: Array) -> Any:
    w1, b1, w2, b2, w3, b3 = parameters.values()
    hidden = 1 / (1 + exp(-(inputs @ w1 + b1)))
    hidden = 1 / (1 + exp(-(hidden @ w2 + b2)))
    predicted = 1 / (1 + exp(-(hidden @ w3 + b3)))
    likelihood = np.sum(targets * log(predicted) + (1 - targets) * log(1 - predicted))
    penalty = mp.mpf(1) / 10 / (2 * 240) * (np.sum(w1**2) + np.sum(w2**2) + np.sum(w3**2))
    return penalty - likelihood / len(inputs)


def captcha_bounds(parameters: Arrays, inputs: Array) -> dict[str, Bounded]:
    w1, b1, w2, b2, w3, b3 = map(given, parameters.values())
    x, n, l2, one = given(inputs), len(inputs), Bounded(np.array(0.1 / 240), 2), given(np.ones(3))
    a1 = (x @ w1 + b1).expit()
    a2 = (a1 @ w2 + b2).expit()
    z3 = a2 @ w3 + b3
    p = z3.expit()
    delta3 = (p + one) / n
    delta2 = delta3 @ w3.T * (a2 * (one + a2))
    delta1 = delta2 @ w2.T * (a1 * (one + a1))
    # By z3, an output's loss has a slope ≤ 1, and is log 2 at 0. What expit rounds is relative to
    # p, and moves log p by as much, log(1 - p) by p / (1 - p) ≤ exp(|z3|) times as much; once more
    # for the higher orders. Of the two logarithms Y takes one.
    losses = z3.through(1, np.log(2), FUNCTION) + Bounded(np.exp(z3.size), EXPIT + 1)
    squares = (w1 * w1).sum() + (w2 * w2).sum() + (w3 * w3).sum()
    return {
        "loss": losses.sum() / n + l2 * squares / 2,
        "dense_1/kernel": x.T @ delta1 + l2 * w1,
        "dense_1/bias": delta1.sum(0),
        "dense_2/kernel": a1.T @ delta2 + l2 * w2,
        "dense_2/bias": delta2.sum(0),
        "dense_3/kernel": a2.T @ delta3 + l2 * w3,
        "dense_3/bias": delta3.sum(0),
    }


@dataclass(frozen=True, eq=False)
class Case:
    """A network at a point whose numbers are exact in float32, and what is true of it there."""

    network: type[FullBatchNetwork]
    loss: Callable[[Arrays, Array, Array], Any]
    bounds: Callable[[Arrays, Array], dict[str, Bounded]]
    inputs: Array
    targets: Array
    parameters: Arrays

    def build(self, dtype: type = np.float64) -> FullBatchNetwork:
        """Return the network with these parameters in `dtype`."""
        return self.network({name: value.astype(dtype) for name, value in self.parameters.items()})

    def evaluate(self, dtype: type = np.float64) -> dict[str, Array]:
        """Return what the network computes there in `dtype`: "loss", and each gradient."""
        _, loss, gradients = self.build(dtype).evaluate(self.inputs, self.targets)
        return {"loss": np.asarray(loss), **gradients}

    def exceeding(self, actual: Arrays) -> list[str]:
        """Name what of `actual` is further from the exact values than rounding explains."""
        return exceeding(actual, self._exact, self.bounds(self.parameters, self.inputs))

    @cached_property
    def _exact(self) -> Arrays:
        return exact_evaluation(self.loss, self.parameters, self.inputs, self.targets)


def zeros(network: type[FullBatchNetwork], dtype: type) -> dict[str, Array]:
    """Return parameters that are all zero."""
    return {name: np.zeros(shape, dtype) for name, shape in network.SHAPES.items()}


def normal(*shape: int) -> Array:
    return _RNG.normal(size=shape).astype(np.float32)


def drawn(network: type[FullBatchNetwork]) -> Arrays:
    return {name: normal(*shape) for name, shape in network.SHAPES.items()}


_RNG = np.random.default_rng(7)
ROWS = np.arange(9)
XOR = Case(Xor, xor_loss, xor_bounds, np.array(INPUTS), np.array(TARGETS), drawn(Xor))
CIRCLES = Case(
    Circles, circles_loss, circles_bounds, normal(9, 2), ROWS[:, None] % 2, drawn(Circles)
)
CLUSTERS = Case(
    Clusters,
    partial(clusters_loss, half_l2=mp.mpf(1) / 200),
    partial(clusters_bounds, l2=0.01),
    normal(9, 2),
    np.eye(3)[ROWS % 3],
    drawn(Clusters),
)
MINIBATCH = Case(
    WithoutPenalty,
    partial(clusters_loss, half_l2=0),
    partial(clusters_bounds, l2=0),
    CLUSTERS.inputs,
    CLUSTERS.targets,
    CLUSTERS.parameters,
)
CAPTCHA = Case(
    SmallCaptcha,
    captcha_loss,
    captcha_bounds,
    normal(9, 4),
    np.eye(3)[ROWS % 3],
    drawn(SmallCaptcha),
)
