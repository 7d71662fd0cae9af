"""Certified values as pairs of float64: high + low ± radius covers what Arb enclosed."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from flint import arb

from backproof.mathematics.arithmetic.certified import CertifiedOps, certify, truth
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.definition.evaluate import evaluate
from tests.mathematics.arithmetic.ball_networks import precision, random_network, random_point


@pytest.mark.parametrize("bits", [30, 128, 1100])
def test_a_truth_covers_what_was_enclosed_down_to_underflow(bits):
    """Sizes from e^−900, far below the smallest subnormal number, to e^700; and exact zeros."""
    with precision(bits):
        random = Random(bits)
        entries = [
            arb(random.uniform(-900, 700)).exp() * random.choice((1, -1)) for _ in range(500)
        ]
        entries += [arb(0), arb(2) ** -1074, arb(2) ** -1075, arb(3) * arb(2) ** -1074]
        found = truth(Certified(entries, (len(entries),)))
    with precision(4000):
        for x, high, low, radius in zip(
            entries, found.high.tolist(), found.low.tolist(), found.radius.tolist(), strict=True
        ):
            assert (arb(high) + arb(low) + arb(0, radius)).contains(x)
    assert entries[500] == found.high[500] == found.radius[500] == 0  # a zero is known exactly


def test_more_bits_are_taken_until_all_is_far_tighter_than_the_dtype():
    """From 30 bits on: every tensor ends within 2⁻²⁰ half ulps, and agrees with 500 bits."""
    for seed in range(20):
        random = Random(seed)
        network = random_network(random)
        parameters, batch = random_point(network, random, "float32")

        def values(ops, network=network, parameters=parameters, batch=batch):
            return evaluate(ops, network, parameters, batch)

        found = certify(values, 2.0**-24, bits=30)
        with precision(500):
            expected = values(CertifiedOps())
            for name, pair in found.items():
                size = np.abs(pair.high).max(initial=0)
                allowed = 2.0**-44 * np.maximum(np.abs(pair.high), 2.0**-30 * size)
                # What is zero but not by its form, as softmax(z) − 1 of one unit, is never tight.
                assert (pair.radius <= np.maximum(allowed, 2.0**-1074)).all()
                for high, low, radius, x in zip(
                    pair.high.ravel().tolist(),
                    pair.low.ravel().tolist(),
                    pair.radius.ravel().tolist(),
                    expected[name].entries,
                    strict=True,
                ):
                    assert not abs(arb(high) + arb(low) - x) > arb(radius)
