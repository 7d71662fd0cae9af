"""The velocity of a momentum: what it is, and which one a step is made with."""

from __future__ import annotations

from collections.abc import Iterator

from backproof.mathematics.faults.families.moments import by_another, declared
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target

family = Family(__name__)


@family.fault(Kind.CONVENTION, "momentum as declared: classical, or Nesterov's")
def other_momentum(of: Target) -> Iterator[Plant]:
    """The momentum is Nesterov's where it is declared classical, or the reverse."""
    if of.optimizer.name == "momentum" and not declared(of).dampening:
        nesterov = not declared(of).nesterov
        yield Plant("", by_another(of, nesterov=nesterov))


@family.fault(Kind.CONVENTION, "v ← momentum · v + (1 − dampening) · g, as it is declared")
def dampened(of: Target) -> Iterator[Plant]:
    """The gradient is dampened by 1 − momentum, as in a mean."""
    if of.optimizer.name == "momentum" and not (declared(of).dampening or declared(of).nesterov):
        dampening = declared(of).momentum
        yield Plant("", by_another(of, dampening=dampening))


@family.fault(Kind.MATHEMATICAL, "v ← momentum · v + g, W ← W − rate · v: the rate once")
def rate_in_velocity(of: Target) -> Iterator[Plant]:
    """The gradient enters the velocity times the learning rate, which the step takes again."""
    if of.optimizer.name != "momentum" or declared(of).velocity != "gradient":
        return
    if not (declared(of).dampening or declared(of).nesterov):
        rate = of.optimizer.learning_rate
        moot = "the learning rate is 1" if rate == 1 else ""
        yield Plant("", by_another(of, dampening=1 - rate), moot)


@family.fault(
    Kind.CONVENTION,
    'a velocity in another unit; Momentum(…, velocity="step") declares this one',
)
def velocity_is_the_step(of: Target) -> Iterator[Plant]:
    """The velocity is the step that is added: v ← momentum · v − rate · g, W ← W + v."""
    yield from velocity_in(of, "step")


@family.fault(
    Kind.CONVENTION,
    'a velocity in another unit; Momentum(…, velocity="change") declares this one',
)
def velocity_is_the_change(of: Target) -> Iterator[Plant]:
    """The velocity is the step that is taken off: v ← momentum · v + rate · g, W ← W − v."""
    yield from velocity_in(of, "change")


def velocity_in(of: Target, unit: str) -> Iterator[Plant]:
    """A velocity in that unit, where another one is declared."""
    if of.optimizer.name == "momentum" and unit != declared(of).velocity:
        yield Plant("", by_another(of, velocity=unit))


@family.fault(Kind.MATHEMATICAL, "W ← W − rate · v with the new v")
def old_velocity(of: Target) -> Iterator[Plant]:
    """The step is made with the velocity of before, which is renewed only then."""
    if of.optimizer.name == "momentum":
        yield Plant(
            "", {f"change/{name}": moved_by_velocity(of, name) for name in of.network.shapes()}
        )


def moved_by_velocity(of: Target, name: str) -> Change:
    """The learning rate times the velocity of before."""
    return lambda value, scope: scope.ops.scale(
        scope.ops.exact(scope.parameters[f"velocity/{name}"]),
        of.optimizer.learning_rate / declared(of).factor,
    )
