"""Sums as correct code may take them: in any order over all their terms, scaled on the way.

The loss is a sum over samples, outputs and penalties; a gradient over samples and penalties. Either
is multiplied by parts of a coefficient, each before or after any of the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import NamedTuple

from flint import arb

from backproof.mathematics import losses
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.penalty import Penalty
from tests.mathematics.arithmetic.adversary import ONE, Adversary, Row, power_of_two
from tests.mathematics.arithmetic.ball_cases import Rows, flat
from tests.mathematics.arithmetic.ball_forms import LOSSES, binary_terms, categorical_terms

# Factors that every dtype holds as they are, but a product with which rounds.
WHOLE = (3, 5, 50)


class Part(NamedTuple):
    """A part of a coefficient: its exact value, how it is applied, what that takes in roundings."""

    value: arb
    apply: Callable[[arb], arb]
    roundings: int


def coefficient(m: Adversary, loss: Loss, samples: int, outputs: int) -> list[Part]:
    """What the values of a loss are multiplied by: part by part, or as one number."""
    parts = [part(m, arb(loss.scale))] if loss.scale != 1 else []
    axes = [(samples, loss.batch)]
    if not losses.named(loss.kind).BY_ROW:
        axes.append((outputs, loss.outputs))
    for count, reduction in axes:
        if count > 1 and reduction == "mean":
            parts.append(mean(m, count))
        elif count > 1 and m.random.random() < 0.3:  # a sum is a mean, times the count
            parts += [mean(m, count), part(m, arb(count))]
    m.random.shuffle(parts)
    if len(parts) > 1 and m.random.random() < 0.3:
        whole = reduce(arb.__mul__, (each.value for each in parts))
        return [part(m, whole, max(sum(each.roundings for each in parts) - 1, 0))]
    return parts


def part(m: Adversary, value: arb, roundings: int = 1) -> Part:
    """A number that was reached in so many roundings, as a factor."""
    if power_of_two(value):
        return Part(value, lambda x: m.multiply(x, value), 0)
    held = value if value in WHOLE else m.coefficient(value, roundings)
    return Part(value, lambda x: m.multiply(x, held), 1 + (value not in WHOLE) * roundings)


def mean(m: Adversary, count: int) -> Part:
    """A division by the count, or a product with its reciprocal."""
    if m.random.random() < 0.5 and not power_of_two(arb(count)):
        return Part(ONE / count, lambda x: m.rounded(x / count), 1)
    return part(m, ONE / count)


def applied(parts: Sequence[Part], x: arb) -> arb:
    return reduce(lambda value, each: each.apply(value), parts, x)


def terms_of(m: Adversary, kind: str) -> Callable[[Adversary, Row, Row, Row], Row]:
    """A form of a sample's loss: in one number, or in terms that are added one by one elsewhere."""
    apart = {
        "binary_cross_entropy": lambda m, z, a, y: flat(
            list(map(partial(binary_terms, m), z, a, y))
        ),
        "categorical_cross_entropy": categorical_terms,
    }
    if kind in apart and m.random.random() < 0.4:
        return apart[kind]
    return m.random.choice(list(LOSSES[kind].values()))


def whole_loss(m: Adversary, samples: Rows, parts: list[Part], penalised: Rows, p: Penalty) -> arb:
    """The loss of the samples' terms and of the weights of each tensor that has a penalty.

    Each part of the coefficient goes to the single terms, to the sum of each row of them, or to the
    sum of all; one may go to the sum of loss and penalties, whose coefficient then lacks it.
    """
    rows = turned(samples) if m.random.random() < 0.5 else samples
    levels: list[list[Part]] = [[], [], []]
    for each in parts:
        m.random.choice(levels).append(each)
    common = taken_out(m, levels[2])
    rows = [[applied(levels[0], x) for x in row] for row in rows]
    if levels[1] or m.random.random() < 0.5:
        rows = [[applied(levels[1], m.total(row))] for row in rows]
    terms = flat(rows)
    if levels[2] or m.random.random() < 0.5:
        terms = [applied(levels[2], m.total(terms))]
    for size, value in ((p.l2, lambda w: m.multiply(w, w)), (p.l1, abs)):
        if size:
            scale = part(m, arb(size) / product(common))
            terms += penalty_terms(m, [list(map(value, weights)) for weights in penalised], scale)
    m.random.shuffle(terms)
    return applied(common, m.total(terms))


def taken_out(m: Adversary, parts: list[Part]) -> list[Part]:
    """One of the parts, if it is a single factor, or none."""
    single = [each for each in parts if each.roundings <= 2]
    if not single or m.random.random() < 0.5:
        return []
    parts.remove(single[0])
    return single[:1]


def product(parts: Sequence[Part]) -> arb:
    return reduce(arb.__mul__, (each.value for each in parts), ONE)


def penalty_terms(m: Adversary, values: Rows, scale: Part) -> Row:
    """A penalty tensor by tensor, in one sum over all weights, or weight by weight."""
    if m.random.random() < 0.5:
        values = [flat(values)]
    if m.random.random() < 0.3:
        return [scale.apply(x) for x in flat(values)]
    if m.random.random() < 0.5:
        return [m.total([scale.apply(x) for x in row]) for row in values]
    return [scale.apply(m.total(row)) for row in values]


def whole_gradient(
    m: Adversary, left: Row | None, delta: Row, late: list[Part], pulls: Sequence[tuple[float, arb]]
) -> arb:
    """Σ left · delta, or Σ delta, over the samples, times the parts, and the pull of each penalty.

    ``pulls``: its coefficient, and what that multiplies.
    """
    late = list(late)
    common = taken_out(m, late)
    added = [part(m, arb(c) / product(common)).apply(x) for c, x in pulls]
    if m.random.random() < 0.5:
        whole = m.total(delta) if left is None else m.dot(left, delta)
        terms = [applied(late, whole), *added]
        m.random.shuffle(terms)
        return applied(common, m.total(terms))
    if left is not None and not late:
        return applied(common, m.dot(left, delta, added))
    products = delta if left is None else list(map(m.multiply, left, delta))
    return applied(common, m.total([*added, *(applied(late, x) for x in products)]))


def pulls(penalty: Penalty, w: arb) -> list[tuple[float, arb]]:
    """The coefficients of the derivatives of the penalties, and what they multiply."""
    both = ((penalty.l2, 2 * w), (penalty.l1, w.sgn()))
    return [(size, slope) for size, slope in both if size]


def turned(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]
