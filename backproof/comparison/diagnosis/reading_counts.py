"""Readings of the step count: a rate that falls with t, and corrections by another count than t."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.fault import Change
from backproof.mathematics.optimizers import STEP_COUNT

T = Any
Values = NDArray[np.float64]
Count = Callable[[int], int]

# What a rate is multiplied by at step t, as people write it.
RATES: tuple[tuple[str, Callable[[int], float]], ...] = (
    ("/ sqrt(t)", lambda t: 1 / sqrt(t)),
    ("/ t", lambda t: 1 / t),
    ("* sqrt(t)", sqrt),
    ("* t", float),
    ("/ (1 + t)", lambda t: 1 / (1 + t)),
    ("/ sqrt(1 + t)", lambda t: 1 / sqrt(1 + t)),
)
# What a count starts again at.
MODULI = (100, 128, 255, 256, 1000, 1024, 32768, 65536)
# Up to here each count is tried; beyond, corrections go one way, and it is halved.
DENSE = 300


@dataclass(frozen=True, eq=False)
class Step:
    """What was taken off a parameter at one point, by how much that may be off, and t."""

    view: View
    change: Values
    allowed: Values
    t: int

    def declared(self, target: Target, parameter: str, t: int) -> Values:
        """What the optimizer takes off with another count."""
        return np.asarray(made(Float(), target, parameter, self.view.scope, self.gradient, t))

    @property
    def gradient(self) -> dict[str, Any]:
        return dict(self.view.results)

    def is_it(self, change: Values) -> bool:
        """Whether that was taken off."""
        return bool((np.abs(self.change - change) <= self.allowed).all())


def read_counts(
    target: Target, parameter: str, name: str, views: Sequence[View]
) -> Iterator[Reading]:
    """A step whose rate or whose corrections go by t in another way than is declared."""
    if not target.optimizer.COUNTS or name != f"updated/{parameter}":
        return
    steps = [step for view in views if (step := step_of(view, parameter)) is not None]
    right = [step.declared(target, parameter, step.t) for step in steps]
    wrong = [s for s, each in zip(steps, right, strict=True) if not s.is_it(each)]
    if not wrong:
        return
    for text, rate in RATES:
        pairs = zip(steps, right, strict=True)
        if len(wrong) > 1 and all(s.is_it(each * rate(s.t)) for s, each in pairs):
            every = {f"change/{n}": times_of_t(rate) for n in target.network.parameters}
            told = f"the step, with t counting them from 1, is made with rate {text}"
            yield reading(f"rate {text}", "", told, "rate", every, 1.1)
            return
    whole = len(wrong) == len(steps)
    if whole and (number := one_number(wrong, target, parameter)) is not None:
        every = {f"change/{n}": scaled_by(number) for n in target.network.parameters}
        told = f"the step is made with {number:g} * rate"
        yield reading(f"{number:g} times the rate", "", told, "rate", every, 1.1)
        return
    found = [(s.t, t) for s in wrong if (t := count_of(target, parameter, s)) is not None]
    if len(found) < len(wrong):
        return
    for told, count in counts(found):
        if all(s.is_it(s.declared(target, parameter, count(s.t))) for s in steps):
            every = {f"change/{n}": counted(target, n, count) for n in target.network.parameters}
            sentence = f"the step count in the corrections is {told}"
            yield reading(f"count {told}", "", sentence, "t", every, 1.1)
            return


def one_number(steps: Sequence[Step], target: Target, parameter: str) -> float | None:
    """The short number that every step is multiplied by; None if there is none."""
    first = steps[0].declared(target, parameter, steps[0].t)
    ratio = float(np.vdot(first, steps[0].change) / (float(np.vdot(first, first)) or 1.0))
    number = float(f"{ratio:.3g}")
    same = all(s.is_it(s.declared(target, parameter, s.t) * number) for s in steps)
    return number if same and number else None


def scaled_by(number: float) -> Change:
    """What is taken off, times a number."""
    return lambda value, scope: scope.ops.scale(value, number, roundings=2)


def step_of(view: View, parameter: str) -> Step | None:
    """What was taken off a parameter; None where it is not shown."""
    shown = view.shown(f"updated/{parameter}")
    if shown is None:
        return None
    change = np.asarray(view.scope.parameters[parameter], np.float64) - shown
    size = float(np.abs(change).max(initial=0.0))
    allowed = 16 * view.radii[f"updated/{parameter}"] + np.sqrt(view.unit) * size
    return Step(view, change, np.asarray(allowed), int(view.scope.parameters[STEP_COUNT]) + 1)


def made(ops: Any, target: Target, parameter: str, scope: Scope[Any], values: Any, t: int) -> Any:
    """What is taken off a parameter at step t."""
    state = scope.parameters
    slots = {k: ops.exact(state[f"{k}/{parameter}"]) for k in target.optimizer.SLOTS}
    w, g = ops.exact(state[parameter]), values[f"gradient/{parameter}"]
    return target.optimizer.change(ops, w, g, slots, t - 1)[0]


def count_of(target: Target, parameter: str, step: Step) -> int | None:
    """The count up to t with which the optimizer takes that off; None if there is none."""

    def off(t: int) -> float:
        """By how much the largest element differs."""
        return float(step.declared(target, parameter, t).flat[place] - step.change.flat[place])

    place = int(np.abs(step.change).argmax())
    sign = np.sign(step.change.flat[place])
    for t in range(1, min(DENSE, step.t) + 1):
        if step.is_it(step.declared(target, parameter, t)):
            return t
    low, high = DENSE, step.t
    while high - low > 1:  # later steps are larger, as √(1 − β₂ᵗ) is
        middle = (low + high) // 2
        low, high = (low, middle) if sign * off(middle) > 0 else (middle, high)
    among = (low, high)
    return next((t for t in among if step.is_it(step.declared(target, parameter, t))), None)


def counts(found: Sequence[tuple[int, int]]) -> Iterator[tuple[str, Count]]:
    """What counts were used, by those that were found: (t, the count)."""
    used = {count for _, count in found}
    if (len(used) == 1 and len(found) > 1) or min(t for t, _ in found) > max(used):
        most = max(used)
        yield f"min(t, {most})", lambda t: min(t, most)
    for m in MODULI:
        ways: list[tuple[str, Count]] = [
            (f"t % {m}", lambda t, m=m: t % m),  # type: ignore[misc] # bound now
            (f"(t - 1) % {m} + 1", lambda t, m=m: (t - 1) % m + 1),  # type: ignore[misc]
        ]
        same = [(told, of) for told, of in ways if all(of(t) == used for t, used in found)]
        if same:  # only where t is a multiple are they another
            yield " or ".join(told for told, _ in same), same[-1][1]


def times_of_t(rate: Callable[[int], float]) -> Change:
    """What is taken off, by a number that t gives."""

    def change(value: T, scope: Scope[T]) -> T:
        t = int(scope.parameters[STEP_COUNT]) + 1
        return scope.ops.scale(value, rate(t), roundings=3)

    return change


def counted(target: Target, parameter: str, count: Count) -> Change:
    """What is taken off with another count."""

    def change(value: T, scope: Scope[T]) -> T:
        t = count(int(scope.parameters[STEP_COUNT]) + 1)
        return made(scope.ops, target, parameter, scope, scope.values, t)

    return change
