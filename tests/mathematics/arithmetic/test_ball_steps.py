"""Steps that take penalties off the weight by themselves: each part of the rule counts.

Rate and penalties are powers of two, and the change is known exactly, so that nothing but the
rounding of the step's own sums and products is left to be covered.
"""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition import penalties
from backproof.mathematics.network.penalty import Penalty
from tests.mathematics.arithmetic.adversary import ONE, Adversary
from tests.mathematics.arithmetic.ball_cases import DTYPES, share

PENALTIES = tuple(
    Penalty(l2, l1) for l2 in (0.0, 2.0**-6, 1.0, 16.0) for l1 in (0.0, 0.25, 64.0) if l2 or l1
)
RATE = 0.5
CASES = 3000


def eight_bits(random: Random) -> float:
    """A number that every dtype holds, of any ordinary size."""
    return random.choice((-1, 1)) * random.randint(128, 255) * 2.0 ** random.randint(-16, 4)


def stepped(m: Adversary, penalty: Penalty, w: arb, taken: arb) -> arb:
    """w less what the gradient and each penalty take off, in any order; or a decay of w first."""
    kept, terms = w, [-taken]
    if penalty.l2:
        decay = arb(2 * RATE * penalty.l2)
        if m.random.random() < 0.5:
            kept = m.multiply(m.subtract(ONE, decay), w)
        else:
            terms.append(-decay * w)
    if penalty.l1:
        terms.append(-RATE * penalty.l1 * w.sgn())
    return m.total([kept, *terms])


def search(dtype: str, cases: int = CASES) -> None:
    """Draw steps of one weight; fail where an adversary's is outside of the radius."""
    ops = BallOps(Rounding.of(dtype))
    for seed in range(cases):
        random = Random(seed)
        penalty, w = random.choice(PENALTIES), eight_bits(random)
        pull = RATE * (2 * penalty.l2 * w + penalty.l1 * np.sign(w))
        # The gradient may all but cancel what the penalties take off.
        taken = eight_bits(random) - random.choice((0.0, pull))
        change = Ball(np.array([[taken + pull]]), np.zeros((1, 1)))
        held = ops.exact(np.array([[w]]))
        after = ops.subtract(
            held, penalties.with_separate_penalties(ops, penalty, held, change, RATE)
        )
        for _ in range(4):
            m = Adversary(ops.rounding, random)
            exact = arb(w) - arb(taken) - arb(pull)
            found = stepped(m, penalty, arb(w), arb(taken))
            share(after, [exact], [found], f"{penalty}, w = {w}, seed {seed}")


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_way_to_take_the_penalties_off_is_covered(dtype: str) -> None:
    search(dtype)


def no_decay(ops: BallOps, a: Ball, c: float, *given: Any, roundings: int = 1) -> Ball:
    """The size of what a decay makes of W is that of W."""
    return a if c > 1 and roundings == -1 else SCALE(ops, a, c, *given, roundings=roundings)


def no_sign(ops: BallOps, a: Ball) -> Ball:
    """What an L1 penalty takes off has no size."""
    return Ball(0 * a.value, None)


SCALE = BallOps.scale


@pytest.mark.parametrize(("rule", "careless"), [("scale", no_decay), ("sign", no_sign)])
def test_each_size_is_needed(rule: str, careless: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BallOps, rule, careless)
    with pytest.raises(AssertionError, match="but the radius is"):
        search("float32")


def test_the_size_of_the_change_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a radius that is added to its own, but with no rounding at its size."""

    def beside(ops: BallOps, value: Ball, at: Ball, times: int) -> Ball:
        own = charged_at(ops, Ball(0 * value.value, None), at, times).radius
        assert value.radius is not None
        assert own is not None
        return Ball(value.value, value.radius + own)

    monkeypatch.setattr(penalties, "charged_at", beside)
    with pytest.raises(AssertionError, match="but the radius is"):
        search("float32")


def test_each_rounding_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def less(ops: Any, value: Any, at: Any, times: int) -> Any:
        return charged_at(ops, value, at, times - 1)

    monkeypatch.setattr(penalties, "charged_at", less)
    with pytest.raises(AssertionError, match="but the radius is"):
        search("float32")
