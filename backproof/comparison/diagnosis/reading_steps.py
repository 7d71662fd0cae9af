"""Readings of a step: what was taken off a parameter, and what its slots became."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.linear import Combined, Term, combined
from backproof.comparison.diagnosis.quotients import epsilons_of
from backproof.comparison.diagnosis.reading import FAMILY, Reading, reading
from backproof.comparison.diagnosis.step_terms import (
    DECLARED,
    NOW,
    W,
    change_terms,
    from_slots,
    terms_of,
    written_step,
)
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Fault, Kind, Target
from backproof.mathematics.faults.fault import Change

T = Any
Values = NDArray[np.float64]


def read_step(
    target: Target,
    parameter: str,
    name: str,
    views: Sequence[View],
    rate: float,
    share: float,
) -> Iterator[Reading]:
    """What a parameter, or one of its slots, was changed to; ``name`` with ``updated/``."""
    views = [view for view in views if view.shown(name) is not None]
    if not views:
        return
    slot = name.removeprefix("updated/").removesuffix(parameter).rstrip("/")
    rate = float("nan") if slot and slot != "velocity" else rate
    known = [known_at(target.network, view.samples, rate) for view in views]

    def computed(view: View) -> tuple[Values, Values] | None:
        shown = view.shown(name)
        if shown is None:
            return None
        if slot:
            return shown, view.allowed(name)
        w = np.asarray(view.scope.parameters[parameter], np.float64)
        change = w - shown
        # What a parameter rounds to may be much of what is taken off it.
        size = float(np.abs(change).max(initial=0.0))
        return change, np.asarray(16 * view.radii[name] + np.sqrt(view.unit) * size)

    def scope_of(view: View) -> Scope[Any]:
        values = dict(view.results)
        w = np.asarray(view.scope.parameters[parameter], np.float64)
        values[NOW] = w - np.asarray(values[f"updated/{parameter}"])
        return Scope(Float(), target.network, view.scope.parameters, view.scope.batch, values)

    epsilons = []
    if not slot:
        change, _ = computed(views[0]) or (np.zeros(0), None)
        epsilons = epsilons_of(target, parameter, change, scope_of(views[0]), rate)
    terms = terms_of(target, parameter, slot, epsilons)
    small = len(terms_of(target, parameter, slot)) if slot else len(change_terms(target, parameter))
    partners = [place for place, term in enumerate(terms) if term.text in (W, "sign(W)")]
    formula = written_step(target, slot)
    for found in combined(
        terms,
        computed,
        views,
        scope_of,
        known,
        max(share, 1e-5),
        first=small,
        partners=partners if small < len(terms) else (),
    ):
        texts = {term.text for _, term in found.terms}
        decays = float(getattr(target.optimizer, "decay", 0.0)) > 0
        if decays and texts == {DECLARED, W}:
            continue  # it has a decay: how much it should be is told with the rest of the step
        if found.text == DECLARED or (
            slot and len(texts) > 1 and DECLARED in texts and W not in texts
        ):
            continue
        if found.text == "rate * g" and target.optimizer.name == "gradient_descent":
            continue
        places = [next(i for i, t in enumerate(terms) if t is term) for _, term in found.terms]

        def same(other: str, places: Sequence[int] = places) -> list[Term]:
            among = terms_of(target, other, slot, epsilons)
            return [among[place] for place in places]

        told = Told(target, slot, found, wording_of(target, slot, found, rate), formula)
        yield from alike(told, parameter, same, rate)


@dataclass(frozen=True, eq=False)
class Told:
    """What was found of one parameter, and how it is told."""

    target: Target
    slot: str
    found: Combined
    sentence: str
    formula: str


def wording_of(target: Target, slot: str, found: Combined, rate: float) -> str:
    """What the step, or a slot, was found to be."""
    if slot:
        return f"the new {slot.replace('_', ' ')} is {found.text}"
    rest = [(factor, term) for factor, term in found.terms if term.text != W]
    if len(rest) < len(found.terms) and found.factor_of(W) == "1":
        left = Combined(tuple(rest)).text if rest else "0"
        return f"the old parameter is lost: the new one is minus {left}, without W"
    if (further := decay_of(found, rate)) is not None:
        return f"the step has a weight decay that is not declared: it takes off {further} as well"
    decay = float(getattr(target.optimizer, "decay", 0.0))
    return f"the step takes off {by_the_rate(found, rate, decay).text}"


def by_the_rate(found: Combined, rate: float, decay: float) -> Combined:
    """The same, with numbers that stand nowhere told as a part of the rate.

    Unless one is the declared decay alone.
    """
    terms = []
    for factor, term in found.terms:
        if factor.found and term.text != DECLARED and rate:
            number = factor.of({"n": 1.0, "outputs": 1.0, "rate": rate})
            if abs(number - decay) > 1e-6 * abs(number):
                factor = replace(factor, text=f"rate * {number / rate:.6g}")
        terms.append((factor, term))
    return Combined(tuple(terms))


def alike(
    told: Told, parameter: str, terms: Callable[[str], list[Term]], rate: float
) -> Iterator[Reading]:
    """The same of all parameters; of those that are called alike; of this one alone."""
    target, slot, found = told.target, told.slot, told.found
    cost = 1 + found.cost / 20
    every = list(target.network.parameters)
    own = parameter.rpartition("/")[2]
    whole = f"{slot or 'step'} {found.text}"

    def change_of(name: str) -> Change:
        pairs = zip(found.terms, terms(name), strict=True)
        other = Combined(tuple((factor, term) for (factor, _), term in pairs))
        return at_step(other.change(target.network, rate))

    sign = holds_the_step(found) if slot == "velocity" else 0.0
    # What is another parameter's is a mistake of this one alone.
    single = any(text.endswith(tuple(every)) for text in (term.text for _, term in found.terms))
    for names, where, more in (
        (every, "", 0.0),
        ([each for each in every if each.rpartition("/")[2] == own], own, 0.01),
        ([parameter], parameter, 0.02),
    ):
        if where != parameter if len(every) == 1 else where and len(names) == len(every):
            continue
        if single and where != parameter:
            continue
        made = {name: change_of(name) for name in names}
        if sign and where != own:
            yield of_the_step(made, where, sign, cost + more - 0.05)
        sentence, place = told.sentence, where
        if where == own != parameter:
            sentence, place = f"of every {own}, {sentence}", ""
        key = f"{whole} {own}" if where == own else whole
        if not slot:
            changes = {f"change/{name}": change for name, change in made.items()}
            yield reading(key, place, sentence, told.formula, changes, cost + more)
            continue
        alone = {f"updated/{slot}/{name}": change for name, change in made.items()}
        follows = {f"change/{name}": from_slots(target, name) for name in made}
        yield reading(key, place, sentence, told.formula, alone | follows, cost + more)
        yield reading(f"{key} alone", place, sentence, told.formula, alone, cost + more + 0.01)


def at_step(change: Change) -> Change:
    """A change that finds under `NOW` what the definition takes off."""

    def changed(value: T, scope: Scope[T]) -> T:
        values = dict(scope.values) | {NOW: value}
        inner = Scope(scope.ops, scope.network, scope.parameters, scope.batch, values)
        return change(value, inner)

    return changed


def decay_of(found: Combined, rate: float) -> str | None:
    """What a step takes off the parameter itself beside the declared step; None if nothing."""
    texts = {term.text: factor for factor, term in found.terms}
    own = texts.pop("W", None)
    if own is None or {(name, f.text) for name, f in texts.items()} not in (
        {(DECLARED, "1")},
        {("g", "rate")},
    ):
        return None
    share = own.of({"n": 1.0, "outputs": 1.0, "rate": rate}) / rate
    return f"{own.before('W', loose=False)} (rate * {share:.6g} * W)"


def holds_the_step(found: Combined) -> float:
    """−1 or 1 if a velocity is that of the step, v ← μv ∓ rate · g; else 0."""
    texts = {term.text: factor.text for factor, term in found.terms}
    return {"-rate": -1.0, "rate": 1.0}.get(texts.get("g", ""), 0.0) if "v" in texts else 0.0


def of_the_step(made: Mapping[str, Change], where: str, sign: float, cost: float) -> Reading:
    """The convention in which the velocity holds the step itself."""

    def taken(step: Change) -> Change:
        def changed(value: T, scope: Scope[T]) -> T:
            found = step(value, scope)
            return found if sign > 0 else scope.ops.scale(found, -1.0, roundings=-1)

        return changed

    minus = "-" if sign < 0 else ""
    fault = Fault(
        FAMILY,
        f"velocity of the step {sign:g}",
        Kind.CONVENTION,
        "right by another convention: the velocity holds the step itself, "
        f"{minus}rate times that which is declared",
        "v = mu * v + g, W - rate * v; multiply what is given by "
        f"{minus}1 / rate, and what comes in by {minus}rate",
        lambda of: iter(()),
    )
    slots = {f"updated/velocity/{name}": change for name, change in made.items()}
    steps = {f"change/{name}": taken(change) for name, change in made.items()}
    return Reading(fault, where, slots | steps, cost=cost)
