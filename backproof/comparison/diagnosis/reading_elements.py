"""Readings of an array that is another one in some of its elements: small ones, or the last row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.scan import round_numbers
from backproof.comparison.diagnosis.step_terms import from_slots
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import centre
from backproof.mathematics.faults.fault import Change

T = Any
Values = NDArray[np.float64]
MOST_TRIED = 3
Of = Callable[[Any, Scope[Any], str], Any]
"""An array by the value at a site, the scope there, and the parameter that it is of."""


@dataclass(frozen=True, eq=False)
class Instead:
    """What may stand in some elements."""

    text: str
    make: Of


@dataclass(frozen=True, eq=False)
class Condition:
    """What may tell which: by an array of numbers, larger or smaller than a threshold."""

    text: Callable[[bool, float], str]
    of: Callable[[Any, Scope[Any], str], Values]
    whole: bool = False
    """Whether it counts."""


def compared(name: str) -> Callable[[bool, float], str]:
    """``where abs(g) < 1e-06``; ``g == 0`` where nothing else is as small."""

    def text(above: bool, number: float) -> str:
        if not number and not above and name.startswith("abs("):
            return f"where {name[4:-1]} == 0"
        return f"where {name} {'>' if above else '<'} {number:.6g}"

    return text


def counted(what: str) -> Callable[[bool, float], str]:
    """``in all rows beyond the first 3``."""

    def text(above: bool, number: float) -> str:
        count = int(np.floor(number)) + 1
        if above:
            return f"in all {what}s beyond the first {count}"
        return f"in the first {what}" if count == 1 else f"in the first {count} {what}s"

    return text


def along(axis: int) -> Callable[[Any, Scope[Any], str], Values]:
    """The index along an axis."""

    def of(value: Any, s: Scope[Any], name: str) -> Values:
        shape = value.shape
        if len(shape) <= axis:
            return np.zeros(shape)
        index = np.arange(shape[axis], dtype=np.float64)
        return np.broadcast_to(
            index.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape
        )

    return of


CONDITIONS = (
    Condition(compared("abs(g)"), lambda v, s, n: np.abs(centre(s.values.get(f"gradient/{n}", v)))),
    Condition(compared("g"), lambda v, s, n: centre(s.values.get(f"gradient/{n}", v))),
    Condition(compared("abs(W)"), lambda v, s, n: np.abs(np.asarray(s.parameters[n], np.float64))),
    Condition(compared("W"), lambda v, s, n: np.asarray(s.parameters[n], np.float64)),
    Condition(counted("row"), along(0), whole=True),
    Condition(counted("column"), along(1), whole=True),
)


def instead(name: str, slot: str) -> list[Instead]:
    """What may stand in some elements of a gradient, of a slot, or of a parameter's step."""
    zero = Instead("0", lambda v, s, n: s.ops.exact(np.zeros(v.shape)))
    if name.startswith("gradient/"):
        return [zero]
    if slot:
        old = Instead("the old one", lambda v, s, n: s.ops.exact(s.parameters[f"{slot}/{n}"]))
        return [old, zero, Instead("g", lambda v, s, n: s.values[f"gradient/{n}"])]
    return [zero]


def read_elements(target: Target, name: str, views: Sequence[View]) -> Iterator[Reading]:
    """A gradient, a new slot, or a step (by its full name), in which some elements are others."""
    head, _, parameter = name.partition("/")
    slot = ""
    if head == "updated" and parameter not in target.network.parameters:
        slot, _, parameter = parameter.partition("/")
    views = [view for view in views if view.shown(name) is not None]
    of_step = head == "updated" and not slot
    for other in instead(name, slot):
        for condition in CONDITIONS:
            found = split(condition, other, [at(v, name, parameter, of_step) for v in views])
            if found is None:
                continue
            above, low, high = found
            several = [(low + high) / 2] if condition.whole else round_numbers(low, high)
            for number in several[:MOST_TRIED]:
                where = condition.text(above, number)
                what = f"the new {slot.replace('_', ' ')}" if slot else "the step"
                what = "the gradient" if head == "gradient" else what
                change = mixed(condition, other, above, low, high, number)
                sentence = f"{what} is {other.text} {where}"
                yield from alike(target, name, slot, parameter, sentence, change)


@dataclass(frozen=True, eq=False)
class Seen:
    """One array at one point: as computed, as it should be, and what else there is."""

    shown: Values
    right: Values
    allowed: Values
    scope: Scope[Any]
    parameter: str


def at(view: View, name: str, parameter: str, of_step: bool) -> Seen:
    """An array at a point; of a step what is taken off."""
    shown, right = view.shown(name), np.asarray(view.results[name], np.float64)
    assert shown is not None
    allowed = view.allowed(name)
    if of_step:
        w = np.asarray(view.scope.parameters[parameter], np.float64)
        shown, right = w - shown, w - right
    scope = Scope(
        view.scope.ops, view.scope.network, view.scope.parameters, None, dict(view.results)
    )
    return Seen(shown, right, allowed, scope, parameter)


def split(
    condition: Condition, other: Instead, points: Sequence[Seen]
) -> tuple[bool, float, float] | None:
    """On which side of which interval the other numbers stand; None if none tells them apart."""
    inside, outside = [], []
    for seen in points:
        wrong = np.abs(seen.shown - seen.right) > seen.allowed
        alternative = centre(other.make(seen.right, seen.scope, seen.parameter))
        fits = np.abs(seen.shown - alternative) <= seen.allowed
        if (wrong & ~fits).any():
            return None
        numbers = condition.of(seen.right, seen.scope, seen.parameter)
        inside.append(numbers[wrong])
        outside.append(numbers[~wrong & ~fits])
    beyond, near = np.concatenate(inside or [np.zeros(0)]), np.concatenate(outside or [np.zeros(0)])
    if not beyond.size or not near.size:
        return None
    if beyond.min() > near.max():
        return True, float(near.max()), float(beyond.min())
    if beyond.max() < near.min():
        return False, float(beyond.max()), float(near.min())
    return None


def mixed(
    condition: Condition, other: Instead, above: bool, low: float, high: float, number: float
) -> Callable[[str], Change]:
    """For a parameter, the change that puts the other numbers there."""

    def of(parameter: str) -> Change:
        def change(value: T, scope: Scope[T]) -> T:
            ops, by = scope.ops, condition.of(value, scope, parameter)
            if above:
                beyond = by >= number if number == high else by > number
            else:
                beyond = by <= number if number == low else by < number
            alternative = other.make(value, scope, parameter)
            return ops.add(
                ops.multiply(value, ops.exact(np.where(beyond, 0.0, 1.0))),
                ops.multiply(alternative, ops.exact(np.where(beyond, 1.0, 0.0))),
            )

        return change

    return of


def alike(
    target: Target,
    name: str,
    slot: str,
    parameter: str,
    told: str,
    change: Callable[[str], Change],
) -> Iterator[Reading]:
    """The same in every array; in those that are called alike; in this one."""
    every = list(target.network.parameters)
    own = parameter.rpartition("/")[2]
    kind = [each for each in every if each.rpartition("/")[2] == own]
    site = "gradient" if name.startswith("gradient/") else f"updated/{slot}" if slot else "change"
    for names, whose, place, cost in (
        (every, "", "", 1.15),
        (kind, f" of each {own}", "", 1.16),
        ([parameter], "", parameter, 1.2),
    ):
        sentence = told.replace(" is ", f"{whose} is ", 1)
        changes = {f"{site}/{each}": change(each) for each in names}
        if slot:
            follows = {f"change/{each}": from_slots(target, each) for each in names}
            yield reading(sentence, place, sentence, "", changes | follows, cost)
        yield reading(f"{sentence} alone", place, sentence, "", changes, cost + 0.01)
