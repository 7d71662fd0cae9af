"""Single steps in half the precision: float32 in a float64 path, float16 in a float32 path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.definition.sums import sums_of
from backproof.mathematics.faults.changes import T
from backproof.mathematics.faults.families.penalty import gradient, orders, value
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target

family = Family(__name__)

PRECISE = "every array in the dtype of the run"
HALF: dict[str, type[np.floating]] = {"float64": np.float32, "float32": np.float16}


def lowered(x: NDArray[np.floating], scope: Scope[T] | None = None) -> NDArray[np.floating]:
    """x rounded to half its precision, in its own dtype."""
    return x.astype(HALF[x.dtype.name]).astype(x.dtype)


def coefficient(number: float) -> Change:
    """What a coefficient has made, as if it were held in half the precision."""

    def change(x: T, scope: Scope[T]) -> T:
        return x * x.dtype.type(float(HALF[x.dtype.name](number)) / number)

    return change


@family.fault(Kind.NUMERICAL, PRECISE)
def inputs(of: Target) -> Iterator[Plant]:
    """The inputs are held in half the precision."""
    if of.network.indices is None:  # small whole numbers are the same
        yield Plant("", {"inputs": lowered})


@family.fault(Kind.NUMERICAL, PRECISE)
def kernels(of: Target) -> Iterator[Plant]:
    """The kernel is held in half the precision."""
    for layer in of.layers:
        yield Plant(layer.name, {f"kernel/{layer.name}": lowered})


@family.fault(Kind.NUMERICAL, PRECISE)
def preactivations(of: Target) -> Iterator[Plant]:
    """The pre-activations are computed in half the precision."""
    for layer in of.layers:
        yield Plant(layer.name, {f"z/{layer.name}": lowered})


@family.fault(Kind.NUMERICAL, PRECISE)
def activations(of: Target) -> Iterator[Plant]:
    """The activations are held in half the precision."""
    for layer in of.layers:
        yield Plant(layer.name, {f"activation/{layer.name}": lowered})


@family.fault(Kind.NUMERICAL, PRECISE)
def loss(of: Target) -> Iterator[Plant]:
    """The loss is computed in half the precision.

    Where it is a sum of very many terms, right code may be as far off. Of N terms, added one by one
    and the largest first, the k-th largest meets N − k additions, and on average, by size, half of
    the N − 1 at least (Chebyshev's inequality of sums): by (N − 1)/2·u of Σ|t| it may be off.
    """
    terms = of.network.outputs + sums_of(of.network, 1).penalties  # of one sample, at least
    yield Plant("", {"loss": lowered}, roundings=(terms - 1) / 2)


@family.fault(Kind.NUMERICAL, PRECISE)
def deltas(of: Target) -> Iterator[Plant]:
    """The deltas are computed in half the precision."""
    if of.layers:
        yield Plant("", {f"delta/{layer.name}": lowered for layer in of.layers})


@family.fault(Kind.NUMERICAL, PRECISE)
def kernel_gradients(of: Target) -> Iterator[Plant]:
    """The gradient of the kernel is held in half the precision."""
    for layer in of.layers:
        yield Plant(layer.name, {f"gradient/{layer.kernel}": lowered})


@family.fault(Kind.NUMERICAL, PRECISE)
def bias_gradients(of: Target) -> Iterator[Plant]:
    """The gradient of the bias is held in half the precision."""
    for layer in of.biased:
        yield Plant(layer.name, {f"gradient/{layer.bias}": lowered})


@family.fault(Kind.NUMERICAL, PRECISE)
def updates(of: Target) -> Iterator[Plant]:
    """The parameters are held in half the precision after the step."""
    yield Plant("", {f"updated/{name}": lowered for name in of.network.shapes()})


@family.fault(Kind.NUMERICAL, "the learning rate in the dtype of the run")
def learning_rate(of: Target) -> Iterator[Plant]:
    """The learning rate is held in half the precision."""
    rate = of.optimizer.learning_rate
    if float(np.float32(rate)) != rate:
        yield Plant("", {f"change/{name}": coefficient(rate) for name in of.network.shapes()})


@family.fault(Kind.NUMERICAL, "the penalty's coefficient in the dtype of the run")
def penalty(of: Target) -> Iterator[Plant]:
    """The coefficient of the penalty is held in half the precision."""
    if len(orders(of)) == 1:
        number = getattr(of.network.penalties[0], orders(of)[0])
        if float(np.float32(number)) != number:
            change = coefficient(number)
            yield Plant("", {**value(of, change), **gradient(of, change)})
