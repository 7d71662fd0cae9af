"""Gradients that are taken ahead: where they are taken, and what the step goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.definition.step import gradients_ahead
from backproof.mathematics.faults.changes import T
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target
from backproof.mathematics.optimizers.nesterov import Nesterov

family = Family(__name__)

NESTEROV = "v ← momentum · v + g and W ← W − rate · v, with g at W − rate · momentum · v"


class Elsewhere(Nesterov):
    """Takes its gradients so many times as far ahead, which is not checked."""

    times = 1.0

    def ahead(self, ops: Any, w: Any, slots: Mapping[str, Any]) -> Any:
        by = ops.scale(slots["velocity"], float(self.share()) * self.times, roundings=4)
        return ops.add(w, by)


def looks_ahead(of: Target) -> Nesterov | None:
    """The declared optimizer, where its gradients are ahead."""
    return of.optimizer if isinstance(of.optimizer, Nesterov) else None


@family.fault(Kind.CONVENTION, NESTEROV)
def not_ahead(of: Target) -> Iterator[Plant]:
    """The gradient is taken at W, not ahead of it: this is plain momentum."""
    if looks_ahead(of):
        yield Plant("", taken_elsewhere(of, 0.0))


@family.fault(Kind.MATHEMATICAL, NESTEROV)
def ahead_by_the_whole_velocity(of: Target) -> Iterator[Plant]:
    """The gradient is taken ahead by the whole velocity, not by momentum times it."""
    if (o := looks_ahead(of)) and o.momentum:
        yield Plant("", taken_elsewhere(of, 1 / o.momentum))


@family.fault(Kind.MATHEMATICAL, NESTEROV)
def behind(of: Target) -> Iterator[Plant]:
    """The gradient is taken behind W: the velocity has the other sign there."""
    if looks_ahead(of):
        yield Plant("", taken_elsewhere(of, -1.0))


@family.fault(Kind.MATHEMATICAL, NESTEROV)
def goes_on_from_ahead(of: Target) -> Iterator[Plant]:
    """The step goes on from the parameters that are ahead, not from W."""
    if looks_ahead(of):
        yield Plant("", {f"change/{n}": from_ahead(of, n) for n in of.network.shapes()})


def taken_elsewhere(of: Target, times: float) -> dict[str, Change]:
    """Every parameter and slot by gradients that are so many times as far ahead."""
    o = looks_ahead(of)
    assert o is not None
    other = Elsewhere(o.learning_rate, o.momentum, velocity=o.velocity)
    object.__setattr__(other, "times", times)
    key = f"ahead {times:g} times"

    def changed(name: str, slot: str) -> Change:
        def change(value: T, scope: Scope[T]) -> T:
            if f"{key}/gradient/{name}" not in scope.values:  # once for all parameters
                given = scope.ops, scope.network, scope.parameters, other, scope.batch
                found = gradients_ahead(*given)
                scope.values.update({f"{key}/{each}": value for each, value in found.items()})
            moved, after = stepped(scope, name, o, scope.values[f"{key}/gradient/{name}"])
            return after[slot] if slot else moved

        return change

    return each_of(of, changed)


def each_of(of: Target, changed: Callable[[str, str], Change]) -> dict[str, Change]:
    """A change of every parameter and of its velocity."""
    names = of.network.shapes()
    slots = {f"updated/velocity/{name}": changed(name, "velocity") for name in names}
    return slots | {f"change/{name}": changed(name, "") for name in names}


def stepped(scope: Scope[Any], name: str, optimizer: Nesterov, gradient: Any) -> Any:
    """The change of a parameter and its new velocity, by a gradient."""
    ops, state = scope.ops, scope.parameters
    slots = {slot: ops.exact(state[f"{slot}/{name}"]) for slot in optimizer.SLOTS}
    return optimizer.change(ops, ops.exact(state[name]), gradient, slots, 0)


def from_ahead(of: Target, name: str) -> Change:
    """What is taken off W, and the way ahead."""

    def change(value: T, scope: Scope[T]) -> T:
        ops, state = scope.ops, scope.parameters
        slots = {slot: ops.exact(state[f"{slot}/{name}"]) for slot in of.optimizer.SLOTS}
        w = ops.exact(state[name])
        return ops.subtract(value, ops.subtract(of.optimizer.ahead(ops, w, slots), w))

    return change
