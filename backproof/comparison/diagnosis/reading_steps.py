"""Readings of a step: what was taken off a parameter, and what its slots became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

    terms = terms_of(target, parameter, slot)
    formula = written_step(target, slot)
    for found in combined(terms, computed, views, scope_of, known, max(share, 1e-5)):
        texts = [term.text for _, term in found.terms]
        if found.text in (DECLARED, formula) or (slot and texts[1:] and DECLARED in texts):
            continue
        if found.text == "rate * g" and target.optimizer.name == "gradient_descent":
            continue
        places = [next(i for i, t in enumerate(terms) if t is term) for _, term in found.terms]
        yield from told_of(target, parameter, slot, found, places, rate)


def told_of(
    target: Target,
    parameter: str,
    slot: str,
    found: Combined,
    places: Sequence[int],
    rate: float,
) -> Iterator[Reading]:
    """What was found of one parameter, for all of them alike; then for this one alone."""
    cost, formula = 1 + found.cost / 20, written_step(target, slot)
    every = list(target.network.parameters)

    def change_of(name: str) -> Change:
        among = terms_of(target, name, slot)
        pairs = zip(found.terms, places, strict=True)
        other = Combined(tuple((factor, among[place]) for (factor, _), place in pairs))
        return at_step(other.change(target.network, rate))

    told = f"the step takes off {found.text}"
    if slot:
        told = f"the new {slot.replace('_', ' ')} is {found.text}"
    elif (decay := decay_of(found, rate)) is not None:
        told = f"the step has a weight decay that is not declared: it takes off {decay} as well"
    sign = holds_the_step(found) if slot == "velocity" else 0.0
    for names, where, more in ((every, "", 0.0), ([parameter], parameter, 0.02)):
        if names == [parameter] and len(every) == 1 and not where:
            continue
        made = {name: change_of(name) for name in names}
        if sign:
            yield of_the_step(made, where, sign, cost + more - 0.05)
        key = f"{slot or 'step'} {found.text}"
        if not slot:
            changes = {f"change/{name}": change for name, change in made.items()}
            yield reading(key, where, told, formula, changes, cost + more)
            continue
        alone = {f"updated/{slot}/{name}": change for name, change in made.items()}
        follows = {f"change/{n}": from_slot(target, n, slot, c) for n, c in made.items()}
        yield reading(key, where, told, formula, alone | follows, cost + more)
        yield reading(f"{key} alone", where, told, formula, alone, cost + more + 0.01)


def at_step(change: Change) -> Change:
    """A change that finds under `NOW` what the definition takes off."""

    def changed(value: T, scope: Scope[T]) -> T:
        values = dict(scope.values) | {NOW: value}
        inner = Scope(scope.ops, scope.network, scope.parameters, scope.batch, values)
        return change(value, inner)

    return changed


def terms_of(target: Target, parameter: str, slot: str) -> list[Term]:
    """What a slot may become, or what may be taken off a parameter."""
    return slot_terms(target, parameter, slot) if slot else change_terms(target, parameter)


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


def gradient_of(parameter: str) -> Any:
    """The gradient of a parameter, with its penalties."""
    return lambda s: s.values[f"gradient/{parameter}"]


def change_terms(target: Target, parameter: str) -> list[Term]:
    """What may be taken off a parameter."""
    optimizer = target.optimizer
    g = gradient_of(parameter)
    found = [Term("g", g), Term("W", lambda s: s.ops.exact(s.parameters[parameter]))]
    for slot in optimizer.SLOTS:
        letter = LETTERS.get(slot, slot)
        found.append(
            Term(f"{letter}_old", lambda s, n=f"{slot}/{parameter}": s.ops.exact(s.parameters[n]))  # type: ignore[misc]
        )
    rate = getattr(optimizer, "learning_rate", 0.0)
    if optimizer.name == "momentum" and not getattr(optimizer, "nesterov", False) and rate:
        found.append(Term("v_new", lambda s: s.ops.scale(s.values[NOW], 1 / rate, roundings=2)))
    if optimizer.name in ("adam", "adamw"):
        found += quotients(target, parameter)
    found.append(Term("sign(g)", lambda s: s.ops.sign(g(s))))
    found.append(Term("abs(g)", lambda s: s.ops.magnitude(g(s))))
    found.append(Term("g**2", lambda s: s.ops.multiply(g(s), g(s))))
    if optimizer.SLOTS:
        found.append(Term(DECLARED, lambda s: s.values[NOW]))
    return found


def quotients(target: Target, parameter: str) -> list[Term]:
    """The steps of Adam as people get them wrong: each correction, the root, the count."""
    optimizer: Any = target.optimizer

    def corrected_by(s: Scope[T], mean: T, beta: float, late: int) -> T:
        count = int(s.parameters[STEP_COUNT]) + late
        if count < 0:
            return s.ops.scale(mean, float("inf"))
        return corrected(s.ops, mean, beta, count)

    def term(
        text: str, m: tuple[float, int] | None, v: tuple[float, int] | None, root: bool
    ) -> Term:
        def made(s: Scope[T]) -> T:
            ops, slots = s.ops, stepped(s, target, parameter)[1]
            top, below = slots["first_moment"], slots["second_moment"]
            top = top if m is None else corrected_by(s, top, *m)
            below = below if v is None else corrected_by(s, below, *v)
            below = ops.sqrt(below) if root else below
            return ops.divide(top, ops.add(below, ops.constant(optimizer.epsilon, below, 2)))

        return Term(text, made)

    one, two = optimizer.beta_1, optimizer.beta_2
    return [
        term("m / (sqrt(v) + eps)", None, None, True),
        term("m_hat / (sqrt(v) + eps)", (one, 0), None, True),
        term("m / (sqrt(v_hat) + eps)", None, (two, 0), True),
        term("m_hat / (v_hat + eps)", (one, 0), (two, 0), False),
        term("m_hat / (v + eps)", (one, 0), None, False),
        term("m_hat / (sqrt(v / (1 - beta_1**t)) + eps)", (one, 0), (one, 0), True),
        term("m / (1 - beta_2**t) / (sqrt(v_hat) + eps)", (two, 0), (two, 0), True),
        term("m_hat / (sqrt(v_hat) + eps), with t one step behind", (one, -1), (two, -1), True),
        term("m_hat / (sqrt(v_hat) + eps), with t one step ahead", (one, 1), (two, 1), True),
    ]


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
