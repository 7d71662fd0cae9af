"""What code may take for a slot, or take off a parameter: the terms of a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backproof.comparison.diagnosis.linear import Term
from backproof.comparison.diagnosis.quotients import quotients
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.running_means import corrected
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.definition.step import CHANGED
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import centre
from backproof.mathematics.faults.fault import Change
from backproof.mathematics.optimizers import STEP_COUNT

T = Any

# The slots of so many other parameters are looked at.
MOST_OTHERS = 3
NOW, DECLARED = "now", "what is declared"
"""Under this name a scope has what the definition takes off, with the mistakes found so far."""
LETTERS = {
    "velocity": "v",
    "first_moment": "m",
    "second_moment": "v",
    "mean_square": "v",
    "sum_of_squares": "s",
    "mean_square_of_steps": "u",
    "mean_gradient": "m",
    "largest_second_moment": "u",
}
W = "W"


def gradient_of(parameter: str) -> Any:
    """The gradient of a parameter, with its penalties."""
    return lambda s: s.values[f"gradient/{parameter}"]


def terms_of(
    target: Target, parameter: str, slot: str, epsilons: Sequence[float] = ()
) -> list[Term]:
    """What a slot may become, or what may be taken off a parameter."""
    if slot:
        return slot_terms(target, parameter, slot)
    return [*change_terms(target, parameter), *quotients(target, parameter, epsilons)]


def change_terms(target: Target, parameter: str) -> list[Term]:
    """What may be taken off a parameter, beside quotients."""
    optimizer = target.optimizer
    g = gradient_of(parameter)
    found = [Term("g", g), Term(W, lambda s: s.ops.exact(s.parameters[parameter]))]
    for slot in optimizer.SLOTS:
        letter, key = LETTERS.get(slot, slot), f"{slot}/{parameter}"
        found.append(Term(f"{letter}_old", lambda s, n=key: s.ops.exact(s.parameters[n])))  # type: ignore[misc]
        if slot not in optimizer.SQUARES:
            found.append(Term(f"{letter}_new", lambda s, n=f"updated/{key}": s.values[n]))  # type: ignore[misc]
    found.append(Term("sign(g)", lambda s: s.ops.sign(g(s))))
    found.append(Term("abs(g)", lambda s: s.ops.magnitude(g(s))))
    found.append(Term("g**2", lambda s: s.ops.multiply(g(s), g(s))))
    found.append(Term("sum(g)", lambda s: over_all(s, g(s))))
    found.append(Term("sign(W)", lambda s: s.ops.sign(s.ops.exact(s.parameters[parameter]))))
    if optimizer.SLOTS:
        found.append(Term(DECLARED, lambda s: s.values[NOW]))
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

    def square(s: Scope[T]) -> T:
        return s.ops.multiply(g(s), g(s))

    def size_of(s: Scope[T]) -> int:
        return int(s.parameters[parameter].size)

    def mean(s: Scope[T]) -> T:
        return s.ops.scale(over_all(s, square(s)), 1.0, size_of(s))

    found = [
        Term(letter, old),
        Term("g", g),
        Term("g**2", square),
        Term("abs(g)", lambda s: s.ops.magnitude(g(s))),
        Term(W, lambda s: s.ops.exact(s.parameters[parameter])),
        Term(DECLARED, new),
        Term("mean(g**2)", mean),
        Term("sum(g**2)", lambda s: over_all(s, square(s))),
        Term("mean(g)", lambda s: s.ops.scale(over_all(s, g(s)), 1.0, size_of(s))),
    ]
    for other in optimizer.SLOTS if slot in optimizer.SQUARES else ():
        if other not in optimizer.SQUARES:
            found += squares_of(target, parameter, other)
    beta = getattr(optimizer, {"first_moment": "beta_1"}.get(slot, "beta_2"), None)
    if optimizer.COUNTS and isinstance(beta, float):

        def without_bias(s: Scope[T]) -> T:
            return corrected(s.ops, new(s), beta, int(s.parameters[STEP_COUNT]))

        found.append(Term(f"{DECLARED} / (1 - {beta:g}**t), corrected and kept", without_bias))
    largest = Term(f"max({letter}, {DECLARED})", lambda s: larger(s, old(s), new(s)))
    found += [largest] * (slot in optimizer.SQUARES)
    return found + slots_of_others(target, parameter, slot)


def larger(s: Scope[T], one: T, other: T) -> T:
    """The larger one of two, element by element."""
    first = centre(one) >= centre(other)
    mask, rest = (s.ops.exact(each.astype(np.float64)) for each in (first, ~first))
    return s.ops.add(s.ops.multiply(one, mask), s.ops.multiply(other, rest))


def slots_of_others(target: Target, parameter: str, slot: str) -> list[Term]:
    """The same slot of other parameters of that shape: one array for several, or a wrong name."""
    shapes, letter = target.network.shapes(), LETTERS.get(slot, slot)
    alike = [n for n, shape in shapes.items() if n != parameter and shape == shapes[parameter]]
    found = []
    for other in alike[:MOST_OTHERS]:
        key = f"{slot}/{other}"
        found.append(Term(f"{letter} of {other}", lambda s, n=key: s.ops.exact(s.parameters[n])))  # type: ignore[misc]
        new = Term(
            f"{letter}_new of {other}",
            lambda s, n=other: stepped(s, target, n)[1][slot],  # type: ignore[misc]
        )
        found.append(new)
    return found


def squares_of(target: Target, parameter: str, slot: str) -> list[Term]:
    """The square of another slot, as it was and as it is now."""
    letter = LETTERS.get(slot, slot)

    def old(s: Scope[T]) -> T:
        value = s.ops.exact(s.parameters[f"{slot}/{parameter}"])
        return s.ops.multiply(value, value)

    def new(s: Scope[T]) -> T:
        value = stepped(s, target, parameter)[1][slot]
        return s.ops.multiply(value, value)

    return [Term(f"{letter}_new**2", new), Term(f"{letter}_old**2", old)]


def over_all(s: Scope[T], value: T) -> T:
    """The sum over an array, in each of its places."""
    total = s.ops.reshaped(s.ops.total(value), (1,))
    return s.ops.gather(total, np.zeros(value.shape, np.intp))


def stepped(s: Scope[T], target: Target, parameter: str) -> tuple[T, dict[str, T]]:
    """What the optimizer takes off a parameter, and its new slots."""
    optimizer = target.optimizer
    slots = {slot: s.ops.exact(s.parameters[f"{slot}/{parameter}"]) for slot in optimizer.SLOTS}
    count = int(s.parameters[STEP_COUNT]) if optimizer.COUNTS else 0
    w = s.ops.exact(s.parameters[parameter])
    return optimizer.change(s.ops, w, s.values[f"gradient/{parameter}"], slots, count)


def from_slots(target: Target, parameter: str) -> Change:
    """The step that follows from the new slots as they stand: that of old ones which lead there.

    A new slot is s times the old one and something that does not depend on it.
    """

    def changed(value: T, scope: Scope[T]) -> T:
        ops, optimizer = scope.ops, target.optimizer
        count = int(scope.parameters[STEP_COUNT]) if optimizer.COUNTS else 0
        shape = scope.parameters[parameter].shape
        slots = {k: ops.exact(scope.parameters[f"{k}/{parameter}"]) for k in optimizer.SLOTS}
        w, g = ops.exact(scope.parameters[parameter]), scope.values[f"gradient/{parameter}"]
        for slot in optimizer.SLOTS:
            wanted = scope.values[f"updated/{slot}/{parameter}"]
            share = share_of_old(target, slot, count)
            if not share or f"{CHANGED}updated/{slot}/{parameter}" not in scope.values:
                continue
            none = slots | {slot: ops.exact(np.zeros(shape))}
            rest = optimizer.change(ops, w, g, none, count)[1][slot]
            kept = ops.scale(ops.subtract(wanted, rest), 1 / share, roundings=2)
            slots[slot] = kept
        return optimizer.change(ops, w, g, slots, count)[0]

    return changed


def share_of_old(target: Target, slot: str, count: int) -> float:
    """How much of an old slot the new one holds."""
    one, optimizer = np.ones(1), target.optimizer
    none, whole = (
        optimizer.change(Float(), one, one, dict.fromkeys(optimizer.SLOTS, kept * one), count)
        for kept in (0.0, 1.0)
    )
    return float(whole[1][slot][0]) - float(none[1][slot][0])


def written_step(target: Target, slot: str) -> str:
    """What should stand there, as code would write it."""
    optimizer: Any = target.optimizer
    name, momentum = optimizer.name, getattr(optimizer, "momentum", 0.0)
    if slot == "velocity" and getattr(optimizer, "velocity", "gradient") != "gradient":
        return f"{momentum:g} * v {'-' if optimizer.velocity == 'step' else '+'} rate * g"
    if slot:
        return WRITTEN_SLOTS.get((name, slot), WRITTEN_SLOTS.get(("", slot), "as declared")).format(
            **{field: getattr(optimizer, field, 0.0) for field in ("beta_1", "beta_2", "rho")},
            momentum=momentum,
            dampened="" if not getattr(optimizer, "dampening", 0.0) else "(1 - dampening) * ",
        )
    form = getattr(optimizer, "epsilon_at", "") or (
        "inside" if getattr(optimizer, "inside", False) else "corrected"
    )
    x, m = {"adagrad": ("s", "g"), "rmsprop": ("v", "g")}.get(name, ("v_hat", "m_hat"))
    x = "v - m**2" if getattr(optimizer, "centered", False) else x
    quotient = {
        "inside": f"rate * {m} / sqrt({x} + eps)",
        "raw": "rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + eps)",
    }.get(form, f"rate * {m} / (sqrt({x}) + eps)")
    if not getattr(optimizer, "bias_correction", True):
        quotient = quotient.replace("_hat", "")
    if epsilon := getattr(optimizer, "epsilon", 0.0):
        quotient += f" with eps = {epsilon:g}"
    if name == "momentum":
        return f"rate * (g + {momentum:g} * v)" if optimizer.nesterov else "rate * v"
    if name == "gradient_descent":
        return f"{optimizer.learning_rate:g} * g"
    if name == "adamw":
        return f"rate * {optimizer.decay:g} * W + {quotient}"
    return quotient if name in ("adam", "adagrad", "rmsprop") else f"the step of {name}"


# The new slots as code would write them, by the optimizer where its own differ.
WRITTEN_SLOTS = {
    ("", "velocity"): "{momentum:g} * v + {dampened}g",
    ("rmsprop", "velocity"): "{momentum:g} * u + g / (sqrt(v) + eps)",
    ("", "first_moment"): "{beta_1:g} * m + (1 - {beta_1:g}) * g",
    ("", "second_moment"): "{beta_2:g} * v + (1 - {beta_2:g}) * g**2",
    ("", "largest_second_moment"): "the larger one of u and v",
    ("", "mean_square"): "{rho:g} * v + (1 - {rho:g}) * g**2",
    ("", "mean_gradient"): "{rho:g} * m + (1 - {rho:g}) * g",
    ("", "mean_square_of_steps"): "{rho:g} * u + (1 - {rho:g}) * d**2, d the step by the rate",
    ("", "sum_of_squares"): "s + g**2",
}
