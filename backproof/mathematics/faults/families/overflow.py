"""What is right in exact arithmetic and fails in floating point: overflow, clipping, masking."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target
from backproof.mathematics.network.parameters import Array

family = Family(__name__)

LOGITS = "the loss of the logits: max(z, 0) − y z + log1p(exp(−|z|)), logsumexp(z) − Σ y z"
SHIFTED = "exp(z − max_j z_j) / Σ_j exp(z_j − max_j z_j), the maximum of each row"

Rows = Callable[[Array, Array, Array], Array]
"""The loss of rows by pre-activations, activations and targets."""


def at_head(of: Target, rows: Rows) -> dict[str, Change]:
    """The loss of every row, computed in another way."""
    last = of.last.name

    def change(value: T, scope: Scope[T]) -> T:
        v = scope.values
        return rows(v[f"z/{last}"], v[f"activation/{last}"], v["targets"])

    return {"loss/rows": change}


def likelihood(of: Target, log: Callable[[Array], Array]) -> Rows:
    """−y log a − (1 − y) log(1 − a), or −Σ y log a, with a logarithm of one's own."""
    if of.fused and of.network.loss.kind == "binary_cross_entropy" and of.saturates:
        return lambda z, a, y: -(y * log(a) + (1 - y) * log(1 - a))
    return lambda z, a, y: -(y * log(a)).sum(axis=1, keepdims=True)


@family.fault(Kind.NUMERICAL, LOGITS)
def probabilities_clipped(of: Target) -> Iterator[Plant]:
    """The logarithm is taken of probabilities that are clipped."""
    for epsilon in (1e-7, 1e-12) if of.fused and of.saturates else ():
        rows = likelihood(of, clipping(epsilon))
        yield Plant(f"the loss, ε = {epsilon:g}", at_head(of, rows))


@family.fault(Kind.NUMERICAL, LOGITS)
def epsilon_added(of: Target) -> Iterator[Plant]:
    """The logarithm is taken of a probability with a small number added."""
    for epsilon in (1e-8, 1e-12) if of.fused and of.saturates else ():
        rows = likelihood(of, adding(epsilon))
        yield Plant(f"the loss, ε = {epsilon:g}", at_head(of, rows))


@family.fault(Kind.NUMERICAL, LOGITS)
def logarithm_of_zero(of: Target) -> Iterator[Plant]:
    """The logarithm is taken of probabilities that underflow to 0 or round to 1."""
    if of.fused and of.saturates:
        yield Plant("", at_head(of, likelihood(of, np.log)))


@family.fault(Kind.NUMERICAL, f"{LOGITS}; a NaN is an error to be found")
def nan_masked(of: Target) -> Iterator[Plant]:
    """The loss is NaN for some samples, and nansum hides it."""
    if of.fused and of.saturates:
        naive = likelihood(of, np.log)
        yield Plant("", at_head(of, lambda z, a, y: np.nan_to_num(naive(z, a, y), posinf=0.0)))


@family.fault(Kind.NUMERICAL, SHIFTED)
def softmax_unshifted(of: Target) -> Iterator[Plant]:
    """The softmax takes exp of the logits without their maximum taken off: it overflows."""
    if of.ends and of.last.f.name == "softmax" and of.fused and of.saturates:
        yield Plant("", softmax(of.last, lambda z: np.zeros((len(z), 1), z.dtype)))


@family.fault(Kind.NUMERICAL, SHIFTED)
def softmax_global_maximum(of: Target) -> Iterator[Plant]:
    """The softmax takes the maximum of the whole batch off, not of each row: rows underflow."""
    if of.ends and of.last.f.name == "softmax" and of.fused and of.saturates:
        yield Plant("", softmax(of.last, lambda z: z.max()))


@family.fault(Kind.NUMERICAL, "σ(z) = 1/(1 + exp(−z)), or e^z/(1 + e^z) for z < 0 alone")
def sigmoid_overflows(of: Target) -> Iterator[Plant]:
    """The sigmoid is computed as exp(z) / (1 + exp(z)), which is NaN for large z."""
    names = [layer.name for layer in of.layers if layer.f.name == "sigmoid"]
    if names and of.saturates:
        yield Plant("", {f"activation/{name}": of_z(name, quotient) for name in names})


@family.fault(Kind.NUMERICAL, LOGITS)
def softplus_overflows(of: Target) -> Iterator[Plant]:
    """The loss takes log(1 + exp(z)), which is infinite for large z."""
    if of.fused and of.network.loss.kind == "binary_cross_entropy" and of.saturates:
        yield Plant("", at_head(of, lambda z, a, y: np.log(1 + np.exp(z)) - y * z))


@family.fault(Kind.NUMERICAL, LOGITS)
def logsumexp_overflows(of: Target) -> Iterator[Plant]:
    """The loss takes log Σ exp(z) without the maximum taken off: it overflows."""
    if of.fused and of.network.loss.kind == "categorical_cross_entropy" and of.saturates:
        yield Plant("", at_head(of, summed))


@family.fault(Kind.NUMERICAL, "δ = a − y, in which a (1 − a) has cancelled")
def derivative_divided_out(of: Target) -> Iterator[Plant]:
    """The delta divides by a (1 − a) and multiplies by it again: NaN where a rounds to 0 or 1."""
    if of.fused and of.network.loss.kind == "binary_cross_entropy" and of.saturates:
        yield Plant("", {"loss/slope": quotients(of.last, 0.0)})


@family.fault(Kind.NUMERICAL, "δ = a − y, in which a (1 − a) has cancelled")
def derivative_divided_by_more(of: Target) -> Iterator[Plant]:
    """The delta divides by a (1 − a) + 1e-8 and multiplies by a (1 − a) again."""
    if of.fused and of.network.loss.kind == "binary_cross_entropy" and of.saturates:
        yield Plant("", {"loss/slope": quotients(of.last, 1e-8)})


@family.fault(Kind.NUMERICAL, "∂L/∂W as it is")
def gradient_clipped(of: Target) -> Iterator[Plant]:
    """The elements of the gradient are clipped to between −1 and 1."""
    yield Plant("", {f"gradient/{name}": clipped for name in of.network.shapes()})


def clipped(value: T, scope: Scope[T]) -> T:
    """Between −1 and 1."""
    return np.clip(value, -1, 1)


def clipping(epsilon: float) -> Callable[[Array], Array]:
    """The logarithm of what is clipped to between ε and 1."""
    return lambda p: np.log(np.clip(p, epsilon, 1))


def adding(epsilon: float) -> Callable[[Array], Array]:
    """The logarithm of p + ε."""
    return lambda p: np.log(p + epsilon)


def softmax(last: Place, shift: Callable[[Array], Array]) -> dict[str, Change]:
    """The last activation by another shift, and the error that follows from it."""

    def change(value: T, scope: Scope[T]) -> T:
        z = scope.values[f"z/{last.name}"]
        powers = np.exp(z - shift(z))
        return powers / powers.sum(axis=1, keepdims=True)

    return {f"activation/{last.name}": change}


def of_z(layer: str, function: Callable[[Array], Array]) -> Change:
    """A function of a layer's pre-activations."""
    return lambda value, scope: function(scope.values[f"z/{layer}"])


def quotient(z: Array) -> Array:
    """exp(z) / (1 + exp(z))."""
    power: Array = np.exp(z)
    return power / (1 + power)


def summed(z: Array, a: Array, y: Array) -> Array:
    """log Σ exp(z) − Σ y z."""
    total: Array = np.exp(z).sum(axis=1, keepdims=True)
    taken: Array = (y * z).sum(axis=1, keepdims=True)
    return np.log(total) - taken


def quotients(last: Place, epsilon: float) -> Change:
    """(a − y) / (a (1 − a) + ε) · a (1 − a)."""

    def change(value: T, scope: Scope[T]) -> T:
        a = scope.values[f"activation/{last.name}"]
        slope = a * (1 - a)
        return (a - scope.values["targets"]) / (slope + epsilon) * slope

    return change
