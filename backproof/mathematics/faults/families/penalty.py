"""The penalty: missing, scaled or signed wrongly in the loss or in the gradient alone."""

from __future__ import annotations

from collections.abc import Iterator

from backproof.mathematics.faults.changes import negated, over_samples, times, times_samples, zero
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target

family = Family(__name__)

GRADIENT = "∂L/∂W = aᵀ δ + 2 λ W, as the loss has λ ΣW²"
VALUE = "L = 1/n Σ_s ℓ_s + λ ΣW², of which 2 λ W is the derivative"


def orders(of: Target) -> list[str]:
    """Which penalties the network has."""
    found = {order for penalty in of.network.penalties for order in penalty.orders()}
    return [order for order in ("l2", "l1") if order in found]


def penalised(of: Target) -> list[str]:
    """The parameters under the penalty."""
    return [name for name in of.network.parameters if of.network.penalty_on(name).orders()]


def value(of: Target, change: Change) -> dict[str, Change]:
    """The change at the penalty's part in the loss."""
    return {
        f"penalty/{order}/{name}": change
        for order in orders(of)
        for name in penalised(of)
        if order in of.network.penalty_on(name).orders()
    }


def gradient(of: Target, change: Change) -> dict[str, Change]:
    """The change at the penalty's part in every gradient."""
    return {
        f"penalty_gradient/{order}/{name}": change
        for order in orders(of)
        for name in penalised(of)
        if order in of.network.penalty_on(name).orders()
    }


def gradients(of: Target, change: Change) -> Iterator[Plant]:
    """The change in all gradients of the penalty, and in each of them alone."""
    if not orders(of):
        return
    names = penalised(of)
    yield Plant("", gradient(of, change))
    for name in names if len(names) > 1 else ():
        yield Plant(name, {f"penalty_gradient/{order}/{name}": change for order in orders(of)})


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_missing(of: Target) -> Iterator[Plant]:
    """The penalty is missing from the gradient."""
    yield from gradients(of, zero)


@family.fault(Kind.MATHEMATICAL, VALUE)
def value_missing(of: Target) -> Iterator[Plant]:
    """The penalty is missing from the loss, but not from the gradient."""
    if orders(of):
        yield Plant("", value(of, zero))


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_half(of: Target) -> Iterator[Plant]:
    """The penalty carries a factor ½ in the gradient that it does not have in the loss."""
    yield from gradients(of, times(0.5))


@family.fault(Kind.MATHEMATICAL, VALUE)
def value_half(of: Target) -> Iterator[Plant]:
    """The penalty carries a factor ½ in the loss that it does not have in the gradient."""
    if orders(of):
        yield Plant("", value(of, times(0.5)))


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_double(of: Target) -> Iterator[Plant]:
    """The penalty is twice as large in the gradient as the derivative of that in the loss."""
    yield from gradients(of, times(2))


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_negated(of: Target) -> Iterator[Plant]:
    """The penalty has the wrong sign in the gradient: it drives the weights apart."""
    yield from gradients(of, negated)


@family.fault(Kind.MATHEMATICAL, VALUE)
def value_negated(of: Target) -> Iterator[Plant]:
    """The penalty has the wrong sign in the loss."""
    if orders(of):
        yield Plant("", value(of, negated))


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_over_samples(of: Target) -> Iterator[Plant]:
    """The penalty is divided by the number of samples in the gradient, but not in the loss."""
    yield from gradients(of, over_samples)


@family.fault(Kind.MATHEMATICAL, VALUE)
def value_over_samples(of: Target) -> Iterator[Plant]:
    """The penalty is divided by the number of samples in the loss, but not in the gradient."""
    if orders(of):
        yield Plant("", value(of, over_samples))


@family.fault(Kind.MATHEMATICAL, GRADIENT)
def gradient_in_sample_loop(of: Target) -> Iterator[Plant]:
    """The penalty is added to the gradient inside the loop over samples, once for each."""
    yield from gradients(of, times_samples)


@family.fault(Kind.MATHEMATICAL, VALUE)
def value_in_sample_loop(of: Target) -> Iterator[Plant]:
    """The penalty is added to the loss inside the loop over samples, once for each."""
    if orders(of):
        yield Plant("", value(of, times_samples))
