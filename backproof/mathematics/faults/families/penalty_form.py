"""The form of the penalty: which one it is, on what, and where its parentheses stand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import (
    T,
    over_samples,
    samples,
    times,
    times_samples,
    zero,
)
from backproof.mathematics.faults.families.penalty import gradient, orders, penalised, value
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target
from backproof.mathematics.network.penalty import NONE, Penalty

family = Family(__name__)

DECLARED = "the penalty that the network declares"


def both(of: Target, change: Change) -> dict[str, Change]:
    """The change in the loss and in the gradient."""
    return {**value(of, change), **gradient(of, change)}


def free_biases(of: Target) -> list[str]:
    """The biases that the penalty leaves alone."""
    if of.penalty.biases or not orders(of):
        return []
    if of.penalty is NONE:
        return []
    return [layer.bias for layer in of.biased]


@family.fault(Kind.CONVENTION, DECLARED)
def missing(of: Target) -> Iterator[Plant]:
    """There is no penalty, neither in the loss nor in the gradient."""
    if orders(of):
        yield Plant("", both(of, zero))


@family.fault(Kind.CONVENTION, DECLARED)
def half(of: Target) -> Iterator[Plant]:
    """The penalty carries a factor ½, in the loss and in the gradient."""
    if orders(of):
        yield Plant("", both(of, times(0.5)))


@family.fault(Kind.CONVENTION, DECLARED)
def double(of: Target) -> Iterator[Plant]:
    """The penalty is twice as large, in the loss and in the gradient: a ½ is missing."""
    if orders(of):
        yield Plant("", both(of, times(2)))


@family.fault(Kind.CONVENTION, f'{DECLARED}; Penalty(…, batch="mean") declares such a division')
def over_batch(of: Target) -> Iterator[Plant]:
    """The penalty is divided by the number of samples, in the loss and in the gradient."""
    if orders(of):
        yield Plant("", both(of, over_samples))


@family.fault(Kind.CONVENTION, DECLARED)
def in_sample_loop(of: Target) -> Iterator[Plant]:
    """The penalty is added once for each sample, in the loss and in the gradient."""
    if orders(of):
        yield Plant("", both(of, times_samples))


@family.fault(Kind.CONVENTION, f"{DECLARED}: on kernels alone")
def on_biases(of: Target) -> Iterator[Plant]:
    """The penalty is on the biases too."""
    names = free_biases(of)
    if names:
        yield Plant("", {"loss": with_values(names), **with_gradients(names)})


@family.fault(Kind.MATHEMATICAL, f"{DECLARED}: ∂L/∂b = Σ_s δ, as the loss penalises kernels alone")
def biases_in_gradient(of: Target) -> Iterator[Plant]:
    """The penalty is on the biases in the gradient, but not in the loss."""
    names = free_biases(of)
    if names:
        yield Plant("", with_gradients(names))
    for name in names if len(names) > 1 else ():
        yield Plant(name, with_gradients([name]))


@family.fault(Kind.MATHEMATICAL, f"{DECLARED}: on kernels alone, as in the gradient")
def biases_in_value(of: Target) -> Iterator[Plant]:
    """The penalty is on the biases in the loss, but not in the gradient."""
    names = free_biases(of)
    if names:
        yield Plant("", {"loss": with_values(names)})


@family.fault(Kind.CONVENTION, f"{DECLARED}: on the biases too")
def not_on_biases(of: Target) -> Iterator[Plant]:
    """The penalty leaves the biases out, in the loss and in the gradient."""
    if of.penalty.biases and of.biased:
        changes = both(of, zero)
        biases = {layer.bias for layer in of.biased}
        yield Plant("", {s: c for s, c in changes.items() if s.split("/", 2)[2] in biases})


@family.fault(Kind.MATHEMATICAL, "λ ΣW²: the sum multiplied by the coefficient")
def divided_by_sum(of: Target) -> Iterator[Plant]:
    """The parentheses of the penalty are misplaced: its coefficient is divided by the sum."""
    if of.penalty.l2:
        names = penalised(of)
        changes: dict[str, Change] = {f"penalty/l2/{name}": zero for name in names[1:]}
        changes[f"penalty/l2/{names[0]}"] = coefficient_by_sum(names, of.penalty.l2)
        yield Plant("", changes)


@family.fault(Kind.MATHEMATICAL, "λ ΣW²: the sum of the squares")
def square_of_sum(of: Target) -> Iterator[Plant]:
    """The penalty in the loss is the square of the sum, not the sum of the squares."""
    if of.penalty.l2:
        yield Plant("", {f"penalty/l2/{name}": squared_sum(name) for name in penalised(of)})


@family.fault(Kind.CONVENTION, "λ ΣW², of which 2 λ W is the derivative")
def l1_for_l2(of: Target) -> Iterator[Plant]:
    """The penalty is on |W| instead of W², in the loss and in the gradient."""
    penalty = of.penalty
    if penalty.l2:
        changes: dict[str, Change] = {}
        for name in penalised(of):
            changes[f"penalty/l2/{name}"] = of_magnitudes(name, penalty)
            changes[f"penalty_gradient/l2/{name}"] = of_signs(name, penalty)
        yield Plant("", changes)


def only(scope: Scope[T]) -> Penalty:
    """The penalty that is on all nodes alike."""
    penalty = scope.network.penalty
    assert isinstance(penalty, Penalty)
    return penalty


def over_how_many(scope: Scope[T]) -> int:
    """What its coefficients are divided by."""
    return only(scope).divisor(samples(scope))


def with_gradients(names: list[str]) -> dict[str, Change]:
    """The derivative of the penalty added to more gradients."""
    return {f"gradient/{name}": plus_derivative(name) for name in names}


def plus_derivative(name: str) -> Change:
    """The gradient and the derivative of the penalty by the same parameter."""

    def change(value: T, scope: Scope[T]) -> T:
        ops, penalty, n = scope.ops, only(scope), over_how_many(scope)
        w = ops.exact(scope.parameters[name])
        if penalty.l2:
            value = ops.add(value, ops.scale(w, 2 * penalty.l2, n, roundings=2))
        if penalty.l1:
            value = ops.add(value, ops.scale(ops.sign(w), penalty.l1, n, roundings=2))
        return value

    return change


def with_values(names: list[str]) -> Change:
    """The loss and the penalty on more parameters."""

    def change(loss: T, scope: Scope[T]) -> T:
        ops, penalty, n = scope.ops, only(scope), over_how_many(scope)
        for name in names:
            w = ops.exact(scope.parameters[name])
            if penalty.l2:
                total = ops.total(ops.multiply(w, w))
                loss = ops.add(loss, ops.scale(total, penalty.l2, n, roundings=2))
            if penalty.l1:
                total = ops.total(ops.magnitude(w))
                loss = ops.add(loss, ops.scale(total, penalty.l1, n, roundings=2))
        return loss

    return change


def coefficient_by_sum(names: list[str], coefficient: float) -> Change:
    """λ / ΣW² over all kernels: a coefficient that takes as many roundings as there are terms."""

    def change(value: T, scope: Scope[T]) -> T:
        weights = [scope.parameters[name].astype(np.float64) for name in names]
        total = sum(float((w * w).sum()) for w in weights)
        terms = sum(w.size for w in weights)
        one = scope.ops.exact(np.ones(()))
        return scope.ops.scale(one, coefficient / total, over_how_many(scope), roundings=terms + 4)

    return change


def squared_sum(name: str) -> Change:
    """λ (ΣW)²."""

    def change(value: T, scope: Scope[T]) -> T:
        ops = scope.ops
        total = ops.total(ops.exact(scope.parameters[name]))
        n = over_how_many(scope)
        return ops.scale(ops.multiply(total, total), only(scope).l2, n, roundings=2)

    return change


def of_magnitudes(name: str, penalty: Penalty) -> Change:
    """λ Σ|W|."""
    return lambda value, s: s.ops.scale(
        s.ops.total(s.ops.magnitude(s.ops.exact(s.parameters[name]))),
        penalty.l2,
        over_how_many(s),
        roundings=2,
    )


def of_signs(name: str, penalty: Penalty) -> Change:
    """λ sign W."""
    return lambda value, s: s.ops.scale(
        s.ops.sign(s.ops.exact(s.parameters[name])), penalty.l2, over_how_many(s), roundings=2
    )
