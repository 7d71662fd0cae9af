"""Penalties: their values and gradients, and what a step makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.sums import rounds
from backproof.mathematics.network.penalty import Penalty

T = TypeVar("T")

# To hold a penalty's coefficient and to apply it; and two for a part that it has in common with
# that of the loss, as in (Σ loss + λ/2·ΣW²)/n.
PENALTY = 4


def penalties(
    ops: Ops[T], penalty: Penalty, w: T, further_terms: int, samples: int
) -> Iterator[tuple[str, T, T]]:
    """Kind, value and gradient: l2·Σw² and 2·l2·w, l1·Σ|w| and l1·sign w, by their divisor.

    ``further_terms``: how many more the loss may sum together with those.
    """
    divisor = penalty.divisor(samples)
    # The number of samples is held and applied like the coefficient itself.
    roundings = PENALTY + 2 * rounds(divisor)

    def times(c: float, x: T) -> T:
        if c == divisor == 1:
            return ops.charged(x, roundings)
        return ops.scale(x, c, divisor, roundings=roundings - 1)

    if penalty.l2:
        total = ops.total(ops.multiply(w, w), further_terms=further_terms)
        yield "l2", times(penalty.l2, total), times(2 * penalty.l2, w)
    if penalty.l1:
        total = ops.total(ops.magnitude(w), further_terms=further_terms)
        yield "l1", times(penalty.l1, total), times(penalty.l1, ops.sign(w))


def with_separate_penalties(ops: Ops[T], penalty: Penalty, w: T, change: T, rate: float) -> T:
    """Widen the change to cover code that subtracts the penalty terms from W separately.

    W − ηg − 2ηλW in any order, or W(1 − 2ηλ) − ηg: for each penalty one rounded sum more, and of a
    decay 1 − 2ηλ and its product with W. None of these is larger than |W|, the change, and twice
    what the penalties take off (twice, for the gradient may all but cancel them in the change). At
    the size of the change rounds what `charged_at` adds to it, as often as there are penalties at
    least. A divisor of the samples only makes the sizes smaller.
    """
    times = bool(penalty.l1) + 2 * bool(penalty.l2)
    # A factor that is not rounded: these are sizes.
    size = ops.scale(w, 1 + 4 * rate * penalty.l2, roundings=-1)
    change = charged_at(ops, change, size, times)
    if penalty.l1:
        size = ops.scale(ops.sign(w), 2 * rate * penalty.l1, roundings=-1)
        change = charged_at(ops, change, size, times)
    return change
