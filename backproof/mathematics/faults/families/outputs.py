"""Outputs and their loss: softmax, logits taken for probabilities, another loss than declared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import (
    T,
    arriving,
    one_minus,
    reduced_as,
    rows_of,
    turned,
)
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target

family = Family(__name__)

JACOBIAN = "δ = a ⊙ (g − Σ_j a_j g_j): every output depends on every logit"


@family.fault(Kind.MATHEMATICAL, JACOBIAN)
def jacobian_diagonal_only(of: Target) -> Iterator[Plant]:
    """Only the diagonal of the softmax's Jacobian is used, g ⊙ a (1 − a)."""
    for layer in of.hidden if of.fused else of.layers:
        if layer.f.name == "softmax":
            yield Plant(layer.name, {f"delta/{layer.name}": diagonal(layer)})


@family.fault(Kind.MATHEMATICAL, "δ = a − y for every class")
def true_class_only(of: Target) -> Iterator[Plant]:
    """Only the logit of the true class gets a gradient: the softmax's Jacobian is its diagonal."""
    if of.fused and of.network.loss.kind == "categorical_cross_entropy" and of.network.outputs > 1:
        yield Plant("", {"loss/slope": lambda g, s: s.ops.multiply(g, s.values["targets"])})


@family.fault(Kind.MATHEMATICAL, "a = softmax(z), once")
def softmax_twice(of: Target) -> Iterator[Plant]:
    """The softmax is applied twice: a loss that applies it is fed its result."""
    if of.ends and of.last.f.name == "softmax" and of.network.outputs > 1:
        name = of.last.name
        yield Plant(
            "",
            {
                f"activation/{name}": lambda a, s: s.ops.activate(of.last.f, a),
                "loss/rows": by_probabilities(of.last, 0),
                "loss/slope": by_probabilities(of.last, 1),
            },
        )


@family.fault(Kind.MATHEMATICAL, "softmax over the classes of each sample")
def softmax_over_samples(of: Target) -> Iterator[Plant]:
    """The outputs are the softmax over the samples of each class: the wrong axis."""
    if of.ends and of.last.f.name == "softmax" and of.fused:
        yield Plant(
            "",
            {
                f"activation/{of.last.name}": across(of.last),
                "loss/rows": rows_of(of.last),
                "loss/slope": lambda slope, scope: error(of.last, scope),
            },
        )


@family.fault(Kind.CONVENTION, "the loss over logits, of the logits z")
def probabilities_as_logits(of: Target) -> Iterator[Plant]:
    """A loss over logits is fed the probabilities, with the gradient of that."""
    if of.fused and of.network.outputs > (of.last.f.name == "softmax"):
        yield Plant(
            "",
            {
                "loss/rows": by_probabilities(of.last, 0),
                "loss/slope": by_probabilities(of.last, 1),
                f"delta/{of.last.name}": through_activation(of.last),
            },
        )


@family.fault(Kind.CONVENTION, "the loss of the activations a")
def logits_as_outputs(of: Target) -> Iterator[Plant]:
    """The loss is taken of the pre-activations, with the gradient of that."""
    plain = of.network.loss.function.ACTIVATION is None
    if plain and of.ends and of.last.f.name != "linear":
        yield Plant(
            "",
            {
                "loss/rows": by_logits(of.last, 0),
                "loss/slope": by_logits(of.last, 1),
                f"delta/{of.last.name}": lambda d, s: arriving(s, of.last.name),
            },
        )


@family.fault(Kind.MATHEMATICAL, "ℓ = −y log a − (1 − y) log(1 − a)")
def value_of_positives_only(of: Target) -> Iterator[Plant]:
    """The loss lacks its second term, (1 − y) log(1 − a)."""
    if of.fused and of.network.loss.kind == "binary_cross_entropy":
        yield Plant("", {"loss/rows": positives(of.last)})


@family.fault(Kind.CONVENTION, "ℓ = −y log a − (1 − y) log(1 − a)")
def positives_only(of: Target) -> Iterator[Plant]:
    """The loss lacks its second term, (1 − y) log(1 − a), and so does its gradient."""
    if of.fused and of.network.loss.kind == "binary_cross_entropy":
        yield Plant("", {"loss/rows": positives(of.last), "loss/slope": positive_slope(of.last)})


@family.fault(Kind.MATHEMATICAL, "ℓ = (a − y)²")
def value_absolute(of: Target) -> Iterator[Plant]:
    """The loss is the absolute error, its gradient that of the square."""
    if of.ends and of.network.loss.kind == "squared_error":
        yield Plant("", {"loss/rows": lambda v, s: s.ops.magnitude(error(of.last, s))})


@family.fault(Kind.MATHEMATICAL, "the loss that the gradient is of")
def value_squared_error(of: Target) -> Iterator[Plant]:
    """The loss is the squared error, its gradient that of the cross-entropy."""
    if of.fused:
        yield Plant("", {"loss/data": squares(of.last)})


@family.fault(Kind.MATHEMATICAL, "δ = 2 (a − y) ⊙ f′(z), as the loss is (a − y)²")
def delta_of_cross_entropy(of: Target) -> Iterator[Plant]:
    """The delta is a − y, that of a cross-entropy, but the loss is the squared error."""
    plain = of.network.loss.scale == 0.5  # then it is the derivative alone that is missing
    squared = of.ends and of.network.loss.kind == "squared_error"
    if squared and of.last.f.name != "linear" and not plain:
        yield Plant("", {f"delta/{of.last.name}": bare_error(of.last)})


def error(last: Place, scope: Scope[T]) -> T:
    """Outputs minus targets."""
    return scope.ops.subtract(scope.values[f"activation/{last.name}"], scope.values["targets"])


def bare_error(last: Place) -> Change:
    """Outputs minus targets, reduced."""
    return lambda value, s: reduced_as(s, error(last, s))


def squares(last: Place) -> Change:
    """The sum of squared errors, reduced."""

    def change(value: T, scope: Scope[T]) -> T:
        off = error(last, scope)
        total = scope.ops.total(scope.ops.multiply(off, off))
        return reduced_as(scope, total)

    return change


def diagonal(layer: Place) -> Change:
    """What arrives times a (1 − a)."""

    def change(value: T, scope: Scope[T]) -> T:
        a = scope.values[f"activation/{layer.name}"]
        slope = scope.ops.multiply(a, one_minus(a, scope))
        return scope.ops.multiply(arriving(scope, layer.name), slope)

    return change


def by_probabilities(last: Place, part: int) -> Change:
    """The loss (part 0) or its derivative (part 1) with the activations for logits."""

    def change(value: T, scope: Scope[T]) -> T:
        a = scope.ops.activate(last.f, scope.values[f"z/{last.name}"])
        head = scope.network.loss_function
        again = scope.ops.activate(last.f, a)
        return scope.ops.loss_and_slope(head, a, again, scope.values["targets"])[part]

    return change


def through_activation(last: Place) -> Change:
    """The delta, through the activation."""
    return lambda delta, s: s.ops.vjp(
        last.f, s.values[f"z/{last.name}"], s.values[f"activation/{last.name}"], delta
    )


def by_logits(last: Place, part: int) -> Change:
    """The loss (part 0) or its derivative (part 1) with the pre-activations for outputs."""

    def change(value: T, scope: Scope[T]) -> T:
        z = scope.values[f"z/{last.name}"]
        head = scope.network.loss_function
        return scope.ops.loss_and_slope(head, z, z, scope.values["targets"])[part]

    return change


def across(last: Place) -> Change:
    """The activation of the transposed pre-activations."""
    return lambda value, s: turned(s.ops.activate(last.f, turned(s.values[f"z/{last.name}"], s)), s)


def with_ones(last: Place, scope: Scope[T]) -> tuple[T, T]:
    """Loss and derivative if every target were 1: −log a and a − 1."""
    z = scope.values[f"z/{last.name}"]
    a = scope.ops.activate(last.f, z)
    ones = scope.ops.exact(np.ones(z.shape))
    return scope.ops.loss_and_slope(scope.network.loss_function, z, a, ones)


def positives(last: Place) -> Change:
    """−y log a."""
    return lambda value, s: s.ops.multiply(with_ones(last, s)[0], s.values["targets"])


def positive_slope(last: Place) -> Change:
    """The derivative of −y log a: y (a − 1)."""
    return lambda value, s: s.ops.multiply(with_ones(last, s)[1], s.values["targets"])
