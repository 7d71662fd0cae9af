"""Readings of what code does at some points alone: with one sample, from a step on.

A relation that holds at some points and not at others is read where it does not; and something is
sought that tells the points apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.relations import Relation
from backproof.comparison.diagnosis.scan import round_numbers
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import centre
from backproof.mathematics.faults.fault import Change
from backproof.mathematics.optimizers import STEP_COUNT

T = Any
Values = NDArray[np.float64]
COST = 0.2
MOST_TRIED, MOST_TOLD = 2, 3


@dataclass(frozen=True, eq=False)
class Scalar:
    """A number that a point has, for each parameter, and how a condition on it reads."""

    text: Callable[[bool, float], str]
    of: Callable[[Scope[Any], str], float]
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Condition:
    """A scalar above a number, or below it."""

    scalar: Scalar
    above: bool
    number: float
    more: str = ""

    @property
    def text(self) -> str:
        return self.scalar.text(self.above, self.number) + self.more

    def holds(self, scope: Scope[Any], parameter: str) -> bool:
        """Whether it does at a point, of a parameter."""
        measured = self.scalar.of(scope, parameter)
        return measured > self.number if self.above else measured < self.number


def compared(name: str) -> Callable[[bool, float], str]:
    """``where norm(v) > 10``."""
    return lambda above, number: f"where {name} {'>' if above else '<'} {number:.6g}"


def of_samples(above: bool, number: float) -> str:
    """``with more than 32 samples``."""
    count = int(np.floor(number))
    if not above and count == 1:
        return "with one sample alone"
    several = "one sample" if count == 1 else f"{count} samples"
    return f"with more than {several}" if above else f"with {several} or fewer"


def of_steps(above: bool, number: float) -> str:
    """``from t = 10 on``."""
    count = int(np.floor(number))
    return f"from t = {count + 1} on" if above else f"up to t = {count}"


def odd(above: bool, number: float) -> str:
    """``where n is odd``."""
    return f"where n is {'odd' if above else 'even'}"


def size(scope: Scope[Any]) -> int:
    """The number of samples."""
    assert scope.batch is not None
    return len(scope.batch.inputs)


def norm(value: Any) -> float:
    """The norm of an array in any arithmetic."""
    return float(np.linalg.norm(centre(value)))


def scalars(target: Target, kind: str) -> list[Scalar]:
    """What may tell points apart, and is known where a relation of that kind is computed."""
    found = [
        Scalar(of_samples, lambda s, n: float(size(s)), whole=True),
        Scalar(odd, lambda s, n: float(size(s) % 2), whole=True),
    ]
    if target.optimizer.COUNTS:
        found.append(Scalar(of_steps, lambda s, n: float(s.parameters[STEP_COUNT]) + 1, whole=True))
    found.append(Scalar(compared("abs(x).max()"), lambda s, n: largest(s)))
    if kind in ("backward", "forward"):
        return found
    found.append(Scalar(compared("norm(g)"), lambda s, n: norm_of(s, f"gradient/{n}")))
    for slot in target.optimizer.SLOTS:
        words = {f"updated/{slot}": "new"} if kind == "step" else {}
        for site, word in (words | {slot: "old"}).items():
            text = compared(f"the norm of the {word} {slot.replace('_', ' ')}")
            found.append(Scalar(text, lambda s, n, k=site: norm_of(s, f"{k}/{n}")))  # type: ignore[misc]
    found.append(Scalar(compared("norm(W)"), lambda s, n: norm_of(s, n)))
    return found


def largest(scope: Scope[Any]) -> float:
    """The largest input."""
    assert scope.batch is not None
    return float(np.abs(scope.batch.inputs).max(initial=0.0))


def norm_of(scope: Scope[Any], name: str) -> float:
    """The norm of a value or a parameter; NaN where there is none."""
    value = scope.values.get(name, scope.parameters.get(name))
    return float("nan") if value is None else norm(value)


def read_when(
    target: Target,
    relation: Relation,
    views: Sequence[View],
    evidence: Evidence,
    readings: Callable[[Sequence[View]], Iterator[Reading]],
) -> Iterator[Reading]:
    """What is read where some tensors are off, under a condition that tells where that is.

    Conditions that hold at the same points, all that there are, are told together.
    """
    names = relation.names
    wrong = [view for view in views if any(off(view, name) for name in names)]
    right = [view for view in views if view not in wrong]
    if not wrong or not right:
        return
    conditions: dict[tuple[bool, ...], list[Condition]] = {}
    for each in telling(target, relation.kind, names, wrong, right):
        conditions.setdefault(truth(target, each, evidence), []).append(each)
    if not conditions:
        return
    for made in readings(wrong):
        for alike in conditions.values():
            yield under(made, alike)


def off(view: View, name: str) -> bool:
    """Whether a tensor is not what follows from what was found so far."""
    shown = view.shown(name)
    if shown is None:
        return False
    allowed = view.allowed(name)
    if name.startswith("updated/"):
        allowed = np.asarray(view.radii[name] + view.unit * np.abs(shown))
    return bool((np.abs(shown - np.asarray(view.results[name])) > 4 * allowed).any())


def telling(
    target: Target, kind: str, names: Sequence[str], wrong: Sequence[View], right: Sequence[View]
) -> Iterator[Condition]:
    """The scalars that tell the points apart, with the side and the number."""
    parameter = parameter_of(target, names[0])
    for scalar in scalars(target, kind):
        inside, outside = (
            [scalar.of(whole(view), parameter) for view in among] for among in (wrong, right)
        )
        if not np.isfinite([*inside, *outside]).all():
            continue
        for above in (True, False):
            low, high = (max(outside), min(inside)) if above else (max(inside), min(outside))
            if low >= high:
                continue
            several = round_numbers(low, high)
            if scalar.text is odd:
                several = [(low + high) / 2]
            elif scalar.whole:
                several = [low + 0.5, *(number - 0.5 for number in round_numbers(low + 1, high))]
            for number in several[:MOST_TRIED]:
                several_fit = not scalar.whole and len(several) > 1
                fits = f" (any number from {low:.4g} to {high:.4g} fits)" if several_fit else ""
                yield Condition(scalar, above, number, fits)


def whole(view: View) -> Scope[Any]:
    """The scope with the results of the step."""
    scope = view.scope
    values = dict(scope.values) | dict(view.results)
    return Scope(scope.ops, scope.network, scope.parameters, scope.batch, values)


def parameter_of(target: Target, name: str) -> str:
    """The parameter that a tensor or a site is of; "" where it is of none."""
    return next((each for each in target.network.parameters if name.endswith(f"/{each}")), "")


def truth(target: Target, condition: Condition, evidence: Evidence) -> tuple[bool, ...]:
    """Where a condition holds, of all points and parameters."""
    found = []
    record = evidence.record
    for point in evidence.points:
        values, parameters = dict(evidence.given[point]), record.parameters[point]
        scope = Scope(None, record.network, parameters, record.batch(point), values)  # type: ignore[arg-type] # no arithmetic
        found += [condition.holds(scope, name) for name in target.network.parameters]
    return tuple(found)


def under(made: Reading, alike: Sequence[Condition]) -> Reading:
    """A mistake where a condition holds alone; ``alike``: all that cannot be told apart."""
    by_scalar = {id(each.scalar): each.text for each in reversed(alike)}
    several = list(reversed(by_scalar.values()))[:MOST_TOLD]
    where = " or, which is the same at every point, ".join(several)
    changes: Mapping[str, Change] = {
        site: conditional(change, site, alike[0]) for site, change in made.changes.items()
    }
    fault = made.fault
    sentence = f"{where}, {fault.sentence}"
    found = reading(
        f"{where} {fault.name}", made.where, sentence, fault.formula, changes, made.cost + COST
    )
    return replace(found, open=True)


def conditional(change: Change, site: str, condition: Condition) -> Change:
    """A change where the condition holds; else the value as it is."""

    def changed(value: T, scope: Scope[T]) -> T:
        parameter = site.partition("/")[2]
        while parameter and parameter not in scope.parameters:
            parameter = parameter.partition("/")[2]
        return change(value, scope) if condition.holds(scope, parameter) else value

    return changed
