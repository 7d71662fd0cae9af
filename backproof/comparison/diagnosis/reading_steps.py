"""Readings of a step: what was taken off a parameter, and what its slots became."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.linear import Combined, Term, combined
from backproof.comparison.diagnosis.reading import FAMILY, Reading, reading
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.running_means import corrected
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Fault, Kind, Target
from backproof.mathematics.faults.fault import Change
from backproof.mathematics.optimizers import STEP_COUNT

T = Any
Values = NDArray[np.float64]

NOW, DECLARED = "now", "what is declared"
"""Under this name a scope has what the definition takes off, with the mistakes found so far."""
LETTERS = {"velocity": "v", "first_moment": "m", "second_moment": "v", "square": "v"}


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

    terms = slot_terms(target, parameter, slot) if slot else change_terms(target, parameter)
    formula = written_step(target, slot)
    for found in combined(terms, computed, views, scope_of, known, max(share, 1e-5)):
        if found.text in (DECLARED, formula):
            continue
        changed = found.change(target.network, rate)

        def step(value: T, scope: Scope[T], change: Change = changed) -> T:
            values = dict(scope.values) | {NOW: value}
            inner = Scope(scope.ops, scope.network, scope.parameters, scope.batch, values)
            return change(value, inner)

        own = parameter.partition("/")[2]
        cost = 1 + found.cost / 20
        key = f"{slot or 'step'} {own if own != 'kernel' else ''} {found.text}"
        if slot:
            told = f"the new {slot.replace('_', ' ')} is {found.text}"
            follows = from_slot(target, parameter, slot, step)
            if slot == "velocity" and (sign := holds_the_step(found)):
                yield of_the_step(parameter, name, step, sign, cost - 0.05)
            changes: dict[str, Change] = {name: step, f"change/{parameter}": follows}
            yield reading(key, parameter, told, formula, changes, cost)
            yield reading(f"{key} alone", parameter, told, formula, {name: step}, cost + 0.01)
            continue
        told = f"the step takes off {found.text}"
        if (decay := decay_of(found)) is not None:
            told = f"the step has a weight decay that is not declared: it takes off {decay} as well"
        changes = {f"change/{parameter}": step}
        yield reading(key, parameter, told, formula, changes, cost)


def decay_of(found: Combined) -> str | None:
    """What a step takes off the parameter itself beside the declared step; None if nothing."""
    texts = {term.text: factor for factor, term in found.terms}
    if texts.keys() != {DECLARED, "W"} or texts[DECLARED].text != "1":
        return None
    return texts["W"].before("W", loose=False)


def holds_the_step(found: Combined) -> float:
    """−1 or 1 if a velocity is that of the step, v ← μv ∓ rate · g; else 0."""
    texts = {term.text: factor.text for factor, term in found.terms}
    return {"-rate": -1.0, "rate": 1.0}.get(texts.get("g", ""), 0.0) if "v" in texts else 0.0


def of_the_step(parameter: str, name: str, step: Change, sign: float, cost: float) -> Reading:
    """The convention in which the velocity holds the step itself."""

    def taken(value: T, scope: Scope[T]) -> T:
        made = step(value, scope)
        return made if sign > 0 else scope.ops.scale(made, -1.0, roundings=-1)

    fault = Fault(
        FAMILY,
        f"velocity of the step {sign:g}",
        Kind.CONVENTION,
        "right by another convention: the velocity holds the step itself, "
        f"{'-' if sign < 0 else ''}rate times that which is declared",
        "v = mu * v + g, W - rate * v; multiply what is given by "
        f"{'-' if sign < 0 else ''}1 / rate, and what comes in by {'-' if sign < 0 else ''}rate",
        lambda of: iter(()),
    )
    return Reading(fault, parameter, {name: step, f"change/{parameter}": taken}, cost=cost)


def gradient_of(parameter: str) -> Any:
    """The gradient of a parameter, with its penalties."""
    return lambda s: s.values[f"gradient/{parameter}"]


def change_terms(target: Target, parameter: str) -> list[Term]:
    """What may be taken off a parameter."""
    optimizer = target.optimizer
    g = gradient_of(parameter)
    declared = Term(DECLARED, lambda s: s.values[NOW])
    found = [Term("W", lambda s: s.ops.exact(s.parameters[parameter]))]
    if not optimizer.SLOTS:
        found.insert(0, declared)
    else:
        found.append(Term("g", g))
    for slot in optimizer.SLOTS:
        letter = LETTERS.get(slot, slot)
        found.append(
            Term(f"{letter}_old", lambda s, n=f"{slot}/{parameter}": s.ops.exact(s.parameters[n]))  # type: ignore[misc]
        )
    rate = getattr(optimizer, "learning_rate", 0.0)
    if optimizer.name == "momentum" and not getattr(optimizer, "nesterov", False) and rate:
        found.append(Term("v_new", lambda s: s.ops.scale(s.values[NOW], 1 / rate, roundings=2)))
    found.append(Term("sign(g)", lambda s: s.ops.sign(g(s))))
    found.append(Term("abs(g)", lambda s: s.ops.magnitude(g(s))))
    found.append(Term("g**2", lambda s: s.ops.multiply(g(s), g(s))))
    if optimizer.SLOTS:
        found.append(declared)
    return found


def slot_terms(target: Target, parameter: str, slot: str) -> list[Term]:
    """What a slot may become."""
    optimizer = target.optimizer
    g = gradient_of(parameter)
    letter = LETTERS.get(slot, slot)

    def old(s: Scope[T]) -> T:
        return s.ops.exact(s.parameters[f"{slot}/{parameter}"])

    def new(s: Scope[T]) -> T:
        return stepped(s, target, parameter)[1][slot]

    found = [
        Term(letter, old),
        Term("g", g),
        Term("g**2", lambda s: s.ops.multiply(g(s), g(s))),
        Term("abs(g)", lambda s: s.ops.magnitude(g(s))),
        Term("W", lambda s: s.ops.exact(s.parameters[parameter])),
        Term(DECLARED, new),
    ]
    beta = getattr(optimizer, {"first_moment": "beta_1"}.get(slot, "beta_2"), None)
    if optimizer.COUNTS and isinstance(beta, float):

        def without_bias(s: Scope[T]) -> T:
            return corrected(s.ops, new(s), beta, int(s.parameters[STEP_COUNT]))

        found.append(Term(f"{DECLARED} / (1 - {beta:g}**t), corrected and kept", without_bias))
    return found


def stepped(s: Scope[T], target: Target, parameter: str) -> tuple[T, dict[str, T]]:
    """What the optimizer takes off a parameter, and its new slots."""
    optimizer = target.optimizer
    slots = {slot: s.ops.exact(s.parameters[f"{slot}/{parameter}"]) for slot in optimizer.SLOTS}
    count = int(s.parameters[STEP_COUNT]) if optimizer.COUNTS else 0
    w = s.ops.exact(s.parameters[parameter])
    return optimizer.change(s.ops, w, s.values[f"gradient/{parameter}"], slots, count)


def from_slot(target: Target, parameter: str, slot: str, made: Change) -> Change:
    """The step that follows from a new slot: that of an old one which leads there.

    A new slot is s times the old one and something that does not depend on it.
    """

    def changed(value: T, scope: Scope[T]) -> T:
        ops, optimizer = scope.ops, target.optimizer
        count = int(scope.parameters[STEP_COUNT]) if optimizer.COUNTS else 0
        one = np.ones(1)
        ends = [
            float(
                optimizer.change(
                    Float(), one, one, dict.fromkeys(optimizer.SLOTS, kept * one), count
                )[1][slot][0]
            )
            for kept in (0.0, 1.0)
        ]
        share = ends[1] - ends[0]
        if not share:
            return value
        shape = scope.parameters[parameter].shape
        slots = {k: ops.exact(scope.parameters[f"{k}/{parameter}"]) for k in optimizer.SLOTS}
        w, g = ops.exact(scope.parameters[parameter]), scope.values[f"gradient/{parameter}"]
        none = slots | {slot: ops.exact(np.zeros(shape))}
        rest = optimizer.change(ops, w, g, none, count)[1][slot]
        wanted = made(rest, scope)
        kept = ops.scale(ops.subtract(wanted, rest), 1 / share, roundings=2)
        return optimizer.change(ops, w, g, slots | {slot: kept}, count)[0]

    return changed


def written_step(target: Target, slot: str) -> str:
    """What should stand there, as code would write it."""
    optimizer = target.optimizer
    name = optimizer.name
    if slot == "velocity":
        return f"{getattr(optimizer, 'momentum', 0):g} * v + g"
    if slot == "first_moment":
        beta = getattr(optimizer, "beta_1", 0.0)
        return f"{beta:g} * m + (1 - {beta:g}) * g"
    if slot == "second_moment":
        beta = getattr(optimizer, "beta_2", 0.0)
        return f"{beta:g} * v + (1 - {beta:g}) * g**2"
    if slot:
        return f"the declared {slot}"
    if name == "gradient_descent":
        return f"{getattr(optimizer, 'learning_rate', 0):g} * g"
    return f"the step of {name}"
