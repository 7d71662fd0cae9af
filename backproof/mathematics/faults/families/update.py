"""The step: the learning rate, and gradients that outlive their step."""

from __future__ import annotations

from collections.abc import Iterator

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T, over_samples, samples, times, times_samples
from backproof.mathematics.faults.families.penalty import orders, penalised
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target

family = Family(__name__)

STEP = "W ← W − rate · ∂L/∂W"
MOMENTUM = 0.9
# Momentum looks back no further: what is left then is below a thousandth of a first gradient.
MEMORY = 66


def everywhere(of: Target, change: Change) -> dict[str, Change]:
    """The change at the change of every parameter."""
    return {f"change/{name}": change for name in of.network.shapes()}


@family.fault(Kind.MATHEMATICAL, STEP)
def rate_twice(of: Target) -> Iterator[Plant]:
    """The learning rate is applied twice."""
    rate = of.optimizer.learning_rate
    moot = "the learning rate is 1, its own square" if rate == 1 else ""
    yield Plant("", everywhere(of, times(rate)), moot)


@family.fault(Kind.MATHEMATICAL, STEP)
def rate_missing(of: Target) -> Iterator[Plant]:
    """The learning rate is missing from the step."""
    rate = of.optimizer.learning_rate
    moot = "the learning rate is 1" if rate == 1 else ""
    yield Plant("", everywhere(of, times(1 / rate)), moot)


@family.fault(Kind.MATHEMATICAL, STEP)
def rate_over_samples(of: Target) -> Iterator[Plant]:
    """The learning rate is divided by the number of samples."""
    yield Plant("", everywhere(of, over_samples))


@family.fault(Kind.MATHEMATICAL, STEP)
def rate_times_samples(of: Target) -> Iterator[Plant]:
    """The step is n times what it should be: once for each sample, or without 1/n."""
    yield Plant("", everywhere(of, times_samples))


@family.fault(Kind.MATHEMATICAL, STEP)
def made_twice(of: Target) -> Iterator[Plant]:
    """The step is made twice with one gradient."""
    yield Plant("", everywhere(of, times(2)))


@family.fault(Kind.CONVENTION, f"{STEP}, one rate for all")
def biases_twice_as_fast(of: Target) -> Iterator[Plant]:
    """The biases learn at twice the rate of the kernels."""
    if of.biased:
        yield Plant("", {f"change/{layer.bias}": times(2) for layer in of.biased})


@family.fault(Kind.MATHEMATICAL, f"{STEP} with the whole gradient")
def without_penalty(of: Target) -> Iterator[Plant]:
    """The step is made with the gradient of the data alone, without the penalty."""
    if of.penalty.l2 and of.plain:
        yield Plant("", {f"change/{name}": lightened(of, name) for name in penalised(of)})


@family.fault(Kind.CONVENTION, f"{STEP} with the gradient of the declared loss")
def decayed(of: Target) -> Iterator[Plant]:
    """The penalty is in the step alone, as weight decay, and neither in loss nor gradient."""
    if orders(of) == ["l2"] and of.penalty.l2 and of.plain:
        names = penalised(of)
        yield Plant(
            "",
            {
                **{f"penalty/l2/{name}": times(0) for name in names},
                **{f"penalty_gradient/l2/{name}": times(0) for name in names},
                **{f"change/{name}": burdened(of, name) for name in names},
            },
        )


@family.fault(Kind.MATHEMATICAL, "∂L/∂W of this step alone: set it to zero first", remembers=True)
def accumulated(of: Target) -> Iterator[Plant]:
    """The gradients of all steps so far are added up."""
    names = [f"gradient/{name}" for name in of.network.shapes()]
    yield Plant("", {name: with_all_before(name) for name in names})


@family.fault(Kind.MATHEMATICAL, f"{STEP} with the gradient of this step", remembers=True)
def stale(of: Target) -> Iterator[Plant]:
    """The step is made with the gradient of the step before."""
    rate = of.optimizer.learning_rate
    if of.plain:
        yield Plant("", {f"change/{n}": of_last_call(n, rate) for n in of.network.shapes()})


@family.fault(
    Kind.MATHEMATICAL, "L at the parameters that the gradient is taken at", remembers=True
)
def stale_loss(of: Target) -> Iterator[Plant]:
    """The loss is that of the step before."""
    yield Plant("", {"loss": lambda v, s: s.before[-1]["loss"] if s.before else v})


@family.fault(Kind.CONVENTION, f"{STEP}, without momentum", remembers=True)
def momentum(of: Target) -> Iterator[Plant]:
    """The step has a momentum of 0.9."""
    rate = of.optimizer.learning_rate
    if of.plain:
        yield Plant("", {f"change/{n}": with_momentum(n, rate) for n in of.network.shapes()})


def lightened(of: Target, name: str) -> Change:
    """The change without the penalty's part."""
    amount = 2 * of.penalty.l2 * of.optimizer.learning_rate
    return lambda value, s: s.ops.subtract(
        value, s.ops.scale(s.ops.exact(s.parameters[name]), amount, divided(of, s), roundings=3)
    )


def burdened(of: Target, name: str) -> Change:
    """The change with the penalty's part."""
    amount = 2 * of.penalty.l2 * of.optimizer.learning_rate
    return lambda value, s: s.ops.add(
        value, s.ops.scale(s.ops.exact(s.parameters[name]), amount, divided(of, s), roundings=3)
    )


def divided(of: Target, scope: Scope[T]) -> int:
    """What the penalty's coefficient is divided by."""
    return of.penalty.divisor(samples(scope))


def with_all_before(name: str) -> Change:
    """The value and those of all calls before."""

    def change(value: T, scope: Scope[T]) -> T:
        for earlier in scope.before:
            value = scope.ops.add(value, earlier[name])
        return value

    return change


def of_last_call(name: str, rate: float) -> Change:
    """The change by the gradient of the call before; the first call has only its own."""

    def change(value: T, scope: Scope[T]) -> T:
        if not scope.before:
            return value
        return scope.ops.scale(scope.before[-1][f"gradient/{name}"], rate)

    return change


def with_momentum(name: str, rate: float) -> Change:
    """v ← 0.9 v + g; the change is rate · v."""

    def change(value: T, scope: Scope[T]) -> T:
        for age, earlier in enumerate(reversed(scope.before[-MEMORY:]), start=1):
            share = rate * MOMENTUM**age
            part = scope.ops.scale(earlier[f"gradient/{name}"], share, roundings=age + 1)
            value = scope.ops.add(value, part)
        return value

    return change
