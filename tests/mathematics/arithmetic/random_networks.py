"""Networks and implementations inside of the model, for the tests of random rounding errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.arithmetic.random.spread import Spread, spreads
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.definition.step import recovered, step
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.losses import LossFunction
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer
from backproof.mathematics.optimizers.gradient_descent import GradientDescent

Values = NDArray[np.floating]
State = Mapping[str, Values]
DESCENT = GradientDescent(0.1)


def dense(sizes: tuple[int, ...], activation: str, last: str = "softmax") -> Network:
    """Layers of those sizes, under the cross-entropy or the squared error."""
    names = [activation] * (len(sizes) - 2) + [last]
    layers = tuple(Dense(a, b, name) for a, b, name in zip(sizes, sizes[1:], names, strict=False))
    loss = "categorical_cross_entropy" if last == "softmax" else "squared_error"
    return Network(layers, Loss(loss))


def point(
    network: Network, samples: int, dtype: str, seed: int = 0, optimizer: Optimizer = DESCENT
) -> tuple[dict[str, Values], Batch]:
    """A state and a batch, drawn: a fifth of the inputs is not 0."""
    random = np.random.default_rng(seed)
    shape = (samples, *network.input_shape)
    inputs = random.random(shape) * (random.random(shape) < 0.2)
    outputs = network.outputs
    classes = random.integers(0, outputs, samples)
    targets = np.eye(outputs)[classes]
    state: dict[str, Any] = {}
    for name, parameter in network.parameters.items():
        state[name] = random.normal(size=parameter.shape) * (2 / parameter.fan_in) ** 0.5
        for slot in optimizer.SLOTS:
            state[f"{slot}/{name}"] = np.abs(random.normal(size=parameter.shape)) * 1e-3
    state = {name: value.astype(dtype) for name, value in state.items()}
    if optimizer.COUNTS:
        state[STEP_COUNT] = np.asarray(3)
    return state, Batch(inputs.astype(dtype), targets.astype(dtype))


def whole(
    ops: Any,
    network: Network,
    state: State,
    batch: Batch,
    optimizer: Optimizer = DESCENT,
    intervene: Intervention = unchanged,
) -> dict[str, Any]:
    """The definition, a step, and the gradients recovered from it."""
    found = evaluate(ops, network, state, batch, intervene)
    found |= step(ops, network, state, found, optimizer, intervene, batch=batch)
    shown = recovered(ops, network, state, found, optimizer.learning_rate)
    return found | {f"recovered {name}": value for name, value in shown.items()}


def spreads_of(
    network: Network,
    state: State,
    batch: Batch,
    rounding: Rounding,
    optimizer: Optimizer = DESCENT,
    chance: float = 1e-12,
    **how: Any,
) -> dict[str, Spread]:
    """The spread of all that `whole` gives."""

    def evaluation(ops: Any, intervene: Intervention) -> dict[str, Any]:
        return whole(ops, network, state, batch, optimizer, intervene)

    return spreads(evaluation, rounding, chance=chance, **how)


# --- orders of summation, along the first axis ---------------------------------------------------


def one_by_one(terms: Values) -> Values:
    total = np.zeros_like(terms[0])
    for term in terms:
        total = total + term
    return total


def backward(terms: Values) -> Values:
    return one_by_one(terms[::-1])


def shuffled(terms: Values) -> Values:
    return one_by_one(terms[np.random.default_rng(5).permutation(len(terms))])


def in_blocks(terms: Values) -> Values:
    blocks = [one_by_one(terms[i : i + 8]) for i in range(0, len(terms), 8)]
    return one_by_one(np.stack(blocks))


def pairwise(terms: Values) -> Values:
    while len(terms) > 1:
        odd = terms[len(terms) - len(terms) % 2 :]
        terms = np.concatenate([terms[0:-1:2] + terms[1::2], odd])
    return terms[0]


def largest_first(terms: Values) -> Values:
    """By size, with no look at the signs."""
    order = np.argsort(-np.abs(terms), axis=0)
    return one_by_one(np.take_along_axis(terms, order, axis=0))


def wider(terms: Values) -> Values:
    return np.asarray(terms.astype(np.float64).sum(axis=0).astype(terms.dtype))


def by_sign(terms: Values) -> Values:
    """The positive terms, then the negative ones: not in the model."""
    return one_by_one(np.sort(terms, axis=0)[::-1])


ORDERS: dict[str, Callable[[Values], Values]] = {
    order.__name__: order
    for order in (one_by_one, backward, shuffled, in_blocks, pairwise, largest_first, wider)
}


class Ordered(Float):
    """float32 in NumPy, in an order of summation, with functions that err to one side."""

    def __init__(
        self, order: Callable[[Values], Values], *, ulps: float = 0.0, fused: bool = False
    ) -> None:
        self.order = order
        self.off = 2 * ulps * 2.0**-24
        self.fused = fused

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        if self.fused:  # each product is exact in float64, and rounds with the sum
            terms = a.astype(np.float64).T[:, :, None] * b[:, None, :]
            total = np.zeros(terms.shape[1:], np.float32)
            for term in terms:
                total = (total + term).astype(np.float32)
            return total
        return self.order(a.T[:, :, None] * b[:, None, :])

    def affine(self, a: Values, kernel: Values, bias: Values | None) -> Values:
        z = self.matmul(a, kernel)
        return z if bias is None else z + bias

    def total(self, a: Values, axis: Axis = None, further_terms: int = 0) -> Values:
        return np.asarray(self.order(a.ravel() if axis is None else np.moveaxis(a, axis, 0)))

    def activate(self, f: Activation, z: Values) -> Values:
        return self._pushed(f.value(z), f)

    def loss_and_slope(
        self, loss: LossFunction, z: Values, a: Values, y: Values
    ) -> tuple[Values, Values]:
        rows, slope = loss.value(z, a, y)
        return np.asarray(rows * np.float32(1 + self.off)), slope

    def _pushed(self, a: Values, f: Activation) -> Values:
        if f.PIECEWISE_LINEAR:
            return a
        return np.asarray((a.astype(np.float64) * (1 + self.off)).astype(a.dtype))
