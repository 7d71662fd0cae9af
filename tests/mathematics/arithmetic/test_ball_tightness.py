"""The balls are tight: adversaries come near to them, and on real networks they say a lot."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.comparison.pairing.pairing import Pairing
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from comparisons import circles, clusters
from tests.mathematics.arithmetic.ball_checks import CHECKS, searched

# Rules that round nothing have no radius of their own.
EXACT = {"exact", "sign", "magnitude", "doubled", "linear", "relu", "linear pulled", "relu pulled"}
EXACT |= {"hinge slopes", "inner_product slopes", "relu6", "relu6 pulled"}
EXACT |= {"absolute_error slopes"}
# Of the radius, an adversary of some habit reaches at least this much.
SHARE = 0.6
# One rule for several forms, each with its own worst case; no form errs as much as all together.
SHARES = {"softmax": 0.35, "categorical_cross_entropy rows": 0.3, "huber rows": 0.3}
SHARES |= {"smoothed_categorical_cross_entropy rows": 0.3}
# Products of what moves together, of which each is charged its own worst case.
SHARES |= {"focal rows": 0.3, "focal slopes": 0.2}
MOVED = {"focal rows": 0.8, "focal slopes": 0.6}


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("name", [name for name in CHECKS if name not in EXACT])
def test_roundings_alone_come_near_the_radius(name, dtype):
    """On ordinary numbers known exactly, where what the rule itself rounds is all there is."""
    share = SHARES.get(name, SHARE)
    found = searched(CHECKS[name], 300, dtypes=[dtype], inputs="exact", charges=((),), enough=share)
    assert found >= share


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in CHECKS
        if name not in ("exact", "sign")
        and name not in ("hinge slopes", "inner_product slopes", "absolute_error slopes")
    ],
)
def test_moved_inputs_come_near_the_radius(name):
    """On ordinary numbers with radii far larger than any rounding in float64."""
    share = MOVED.get(name, 0.9)
    found = searched(
        CHECKS[name], 300, dtypes=["float64"], inputs="moved", charges=((),), enough=share
    )
    assert found >= share


@pytest.mark.parametrize("pairing", [circles.PAIRING, clusters.PAIRING], ids=lambda p: p.name)
def test_the_gradients_of_a_real_network_are_bounded_to_eleven_digits(pairing: Pairing):
    """At the initial weights, in float64: at most 5·10⁻¹² of the largest element of each tensor."""
    batch = pairing.data().astype("float64")
    parameters = {name: value.astype("float64") for name, value in pairing.initial().items()}
    found = evaluate(BallOps(Rounding.of("float64")), pairing.network, parameters, batch)
    gradients = {name: ball for name, ball in found.items() if name.startswith("gradient/")}
    assert len(gradients) == len(parameters)
    for name, ball in gradients.items():
        assert ball.radius.max() <= 5e-12 * np.abs(ball.value).max(), name
