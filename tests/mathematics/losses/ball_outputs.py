"""The forms in which correct code takes a cross-entropy of the outputs themselves, and checks.

As in `ball_forms` and `ball_checks`: forms of an `Adversary`, the exact result beside them, and a
check of each part of either loss that fails where a ball does not cover what a form computes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from flint import arb

from backproof.mathematics import losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.losses import LossFunction
from tests.mathematics.arithmetic.adversary import ONE, ZERO, Adversary, Row, elementwise
from tests.mathematics.arithmetic.ball_cases import Source, flat, share, trials
from tests.mathematics.arithmetic.ball_checks import Check

Form = Callable[[Adversary, Row, Row], Row]  # of a and the targets y
KINDS = ("binary_cross_entropy", "categorical_cross_entropy")


def of_outputs(kind: str) -> LossFunction:
    """The loss, taken of the outputs."""
    found = losses.named(kind).of_outputs()
    assert found is not None
    return found


BINARY, CATEGORICAL = KINDS


def sides(a: arb, y: arb) -> list[tuple[arb, arb]]:
    """Weights and probabilities, of those with a weight."""
    return [(w, p) for w, p in ((y, a), (1 - y, 1 - a)) if w != 0]


EXACT: dict[tuple[str, int], Callable[[Row, Row], Row]] = {
    (BINARY, 0): lambda a, y: [
        sum((-w * q.log() for w, q in sides(p, t)), ZERO) for p, t in zip(a, y, strict=True)
    ],
    (BINARY, 1): lambda a, y: [(p - t) / (p * (1 - p)) for p, t in zip(a, y, strict=True)],
    (CATEGORICAL, 0): lambda a, y: [
        sum((-t * p.log() for p, t in zip(a, y, strict=True) if t != 0), ZERO)
    ],
    (CATEGORICAL, 1): lambda a, y: [-t / p for p, t in zip(a, y, strict=True)],
}


def two_terms(m: Adversary, a: arb, y: arb) -> arb:
    """−(y·log a + (1 − y)·log(1 − a))."""
    one = m.multiply(y, m.log(a))
    return -m.add(one, m.multiply(m.subtract(ONE, y), m.log(m.subtract(ONE, a))))


def with_log1p(m: Adversary, a: arb, y: arb) -> arb:
    """(y − 1)·log1p(−a) − y·log a."""
    return m.subtract(m.multiply(m.subtract(y, ONE), m.log1p(-a)), m.multiply(y, m.log(a)))


def chosen(m: Adversary, a: arb, y: arb) -> arb:
    """−log a where y = 1, −log(1 − a) where y = 0: a loss of classes."""
    if y == 1:
        return -m.log(a)
    return -m.log(m.subtract(ONE, a)) if y == 0 else two_terms(m, a, y)


def quotient(m: Adversary, a: arb, y: arb) -> arb:
    """(a − y)/(a(1 − a))."""
    return m.divide(m.subtract(a, y), m.multiply(a, m.subtract(ONE, a)))


def quotients(m: Adversary, a: arb, y: arb) -> arb:
    """(a − y)/a/(1 − a)."""
    return m.divide(m.divide(m.subtract(a, y), a), m.subtract(ONE, a))


def difference(m: Adversary, a: arb, y: arb) -> arb:
    """−y/a + (1 − y)/(1 − a)."""
    return m.add(-m.divide(y, a), m.divide(m.subtract(ONE, y), m.subtract(ONE, a)))


FORMS: dict[tuple[str, int], dict[str, Form]] = {
    (BINARY, 0): {form.__name__: elementwise(form) for form in (two_terms, with_log1p, chosen)},
    (BINARY, 1): {form.__name__: elementwise(form) for form in (quotient, quotients, difference)},
    (CATEGORICAL, 0): {
        "of all classes": lambda m, a, y: [-m.dot(y, list(map(m.log, a)))],
        "of classes with a target": lambda m, a, y: [
            -m.total([m.multiply(t, m.log(p)) for p, t in zip(a, y, strict=True) if t != 0])
        ],
    },
    (CATEGORICAL, 1): {"-y/a": elementwise(lambda m, a, y: -m.divide(y, a))},
}


def outputs(source: Source, shape: tuple[int, int], *, beyond: bool) -> Ball:
    """Outputs inside of (0, 1), or ``beyond`` 1, near the ends too; some reach an end, or more."""
    random, size = source.random, shape[0] * shape[1]
    if source.inputs != "any":
        value = np.reshape([random.uniform(0.1, 0.9) for _ in range(size)], shape)
        radius = value * (1 - value) * 2.0**-6 * source.rounding.unit**0.25
        return Ball(value, radius if source.inputs == "moved" else None)

    def drawn() -> float:
        kind = random.choice(("ordinary", "ordinary", "low", "high", "lowest", "beyond"))
        if kind == "beyond" and beyond:
            return random.uniform(1, 40)
        if kind == "lowest":
            return source.rounding.tiny * 2.0 ** random.uniform(-1, 30)
        near = 2.0 ** -random.uniform(1, 45)
        return {"low": near, "high": 1 - near}.get(kind, random.uniform(0, 1))

    value = np.reshape([drawn() for _ in range(size)], shape)
    room = value * np.maximum(np.abs(1 - value), beyond)
    kind = random.choice(("exact", "roundings", "within", "kink"))
    if kind == "exact":
        return Ball(value, None)
    if kind == "roundings":
        return Ball(value, value * source.rounding.unit * random.randint(1, 9))
    return Ball(value, room * (random.uniform(0, 0.45) if kind == "within" else 0.6))


def check(source: Source, kind: str, part: int) -> float:
    """The rows (part 0) or the derivative (part 1) of a loss of outputs, in each of their forms."""
    size, loss = source.shape(3), of_outputs(kind)
    a, y = outputs(source, size, beyond=kind == CATEGORICAL), source.targets(kind, size)
    # z is not looked at.
    nothing = Ball(np.full(size, np.nan), None)
    result, worst = source.ops.loss_and_slope(loss, nothing, a, y)[part], 0.0
    for own, (x, t) in trials(source.random, a, y):
        machine, form = Adversary(source.rounding, own), own.choice(list(FORMS[kind, part]))
        truth = flat(list(map(EXACT[kind, part], x.exact, t.exact)))
        compute = FORMS[kind, part][form]
        computed = flat(
            [compute(machine, *row) for row in zip(x.computed, t.computed, strict=True)]
        )
        what = f"{kind} {form} at {a.value}, {a.radius} for {y.value}"
        worst = max(worst, share(result, truth, computed, what))
    return worst


CHECKS: dict[str, Check] = {
    f"{kind.split('_')[0]} {what}": partial(check, kind=kind, part=part)
    for kind in KINDS
    for part, what in enumerate(("rows", "slopes"))
}
