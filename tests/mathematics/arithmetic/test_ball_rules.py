"""The ball rules are sound: each covers its value and every adversary, in every form and dtype."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from tests.halves import slow_but
from tests.mathematics.arithmetic.ball_cases import DTYPES, Shape, Source
from tests.mathematics.arithmetic.ball_checks import CHARGES, CHECKS, Charges, model
from tests.mathematics.arithmetic.ball_gelu import FUNCTIONS as GELU
from tests.mathematics.arithmetic.ball_rectifiers import FUNCTIONS as RECTIFIERS


@pytest.mark.parametrize(
    ("name", "dtype"),
    slow_but([*product(CHECKS, ["float64"])], product(CHECKS, DTYPES), 0.1),
)
@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(random=st.randoms(use_true_random=False), charges=st.sampled_from(CHARGES))
def test_a_rule_covers_its_value_and_every_implementation(
    name: str, dtype: str, random: Random, charges: Charges
) -> None:
    """`ball_checks` has what is compared; balls are exact or not, tiny to huge, at kinks or not."""
    CHECKS[name](Source(BallOps(model(dtype, charges)), random))


@pytest.mark.parametrize(("dtype", "most"), [("bfloat16", 63), ("float16", 511)])
def test_a_sum_too_long_for_its_dtype_has_no_bound(dtype, most):
    """From n·u = ¼ on: no radius is finite, not of a row of zeros either, where 0·∞ is NaN."""
    ops = BallOps(Rounding.of(dtype))
    for length, bounded in ((most, True), (most + 1, False)):
        left, right = np.ones((2, length)), np.ones((length, 2))
        left[1], right[:, 1] = 0, 0
        product = ops.matmul(ops.exact(left), ops.exact(right))
        column = ops.total(ops.exact(np.ones((length + 1, 1))), 0)
        assert np.isfinite(product.radius).all() == np.isfinite(product.radius).any() == bounded
        assert np.isfinite(column.radius).all() == bounded


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_an_element_without_a_bound_leaves_the_others_theirs(lost):
    """Underflow is charged to each element that may feel it, whatever the others are."""
    rounding = Rounding.of("float64")
    ops, small = BallOps(rounding), np.array([[1e-200, 1.0]])
    ball = Ball(small, np.array([[1e-210, lost]]))
    product = ops.multiply(ball, ops.exact(small))
    for result in (
        *(product, ops.add(product, product), ops.total(product, axis=0)),
        *(ops.scale(ball, 1e-200), ops.matmul(ball.T, ops.exact(np.array([[1e-200]])))),
    ):
        first, second = np.ravel(result.radius)
        assert rounding.tiny <= first < 1e-300
        assert not second < 1


class Given(Source):
    """One row of logits, as given, with their targets."""

    def __init__(
        self, ops: BallOps, random: Random, z: list[float], radius: list[float], y: list[float]
    ) -> None:
        super().__init__(ops, random)
        self.z, self.radius, self.y = np.array([z]), np.array([radius]), np.array([y])

    def shape(self, most: int = 4) -> tuple[int, int]:
        rows, columns = self.z.shape
        return rows, columns

    def logits(self, shape: Shape) -> Ball:
        return Ball(self.z, self.radius)

    def targets(self, kind: str, shape: Shape) -> Ball:
        return self.ops.exact(self.y)


BINARY, CATEGORICAL = "binary_cross_entropy rows", "categorical_cross_entropy rows"


@pytest.mark.parametrize(
    ("names", "dtype", "z", "radius", "y"),
    [
        # The value underflows to 0, but what lies within its radius does not.
        (["sigmoid"], "float64", [-760.0], [60.0], [0.0]),
        (["softmax"], "float64", [0.0, -760.0], [0.0, 60.0], [1.0, 0.0]),
        # 1 − p rounds to 0, but the radius lets p move away from 1.
        (["softmax"], "float64", [70.0, 118.3], [7.4, 12.5], [0.0, 1.0]),
        (["categorical_cross_entropy slopes"], "float32", [70.0, 118.3], [7.4, 12.5], [0.0, 1.0]),
        # PyTorch's (1 − y)·z − log σ(z) cancels: it errs by u·|z|, the loss itself is e^−30.
        ([BINARY], "float64", [-30.0], [0.0], [0.0]),
        # A subnormal target is flushed, and was multiplied by a large logit.
        ([BINARY], "float64", [-700.0], [0.0], [1e-308]),
        # exp(z − lse) with an error of u·|lse| above 1 in the exponent.
        (["softmax"], "bfloat16", [-529.0, 290.6], [0.0, 0.0], [0.0, 1.0]),
        # All that a softmax of logs rounds, at its largest: equal logits.
        (["softmax", CATEGORICAL], "float64", [0.0, 0.0], [0.0, 0.0], [0.5, 0.5]),
        # max(z, 0) + log1p(e^−|z|) where both functions err by all they may.
        ([BINARY], "float32", [0.0, -5.0], [0.0, 0.0], [0.0, 0.0]),
        # Nothing is known: no radius may be finite but one that covers everything.
        (["sigmoid", "softmax", "tanh"], "float64", [1.0, 2.0], [900.0, np.inf], [1.0, 0.0]),
        pytest.param(
            [*RECTIFIERS, *GELU],
            "float64",
            [1.0, -2.0],
            [900.0, np.inf],
            [1.0, 0.0],
            marks=pytest.mark.slow(0.5),
        ),
        # 1 − (1 − e) has lost e, which the slope needs far below 0.
        pytest.param(
            ["elu bent", "selu"],
            "float64",
            [-27.7, -30.0],
            [1e-6, 1e-3],
            [0.0, 0.0],
            marks=pytest.mark.slow(0.5),
        ),
        # e^z, z³ and its products with what underflows are large or small beside each other.
        pytest.param(
            ["gelu pulled", "gelu tanh pulled"],
            "float16",
            [7.5, -4.0],
            [0.0, 0.0],
            [0.0, 0.0],
            marks=pytest.mark.slow(0.5),
        ),
        pytest.param(
            ["selu pulled", "elu steep pulled"],
            "float16",
            [-0.5, -9.0],
            [0.0, 0.0],
            [0.0, 0.0],
            marks=pytest.mark.slow(0.5),
        ),
        # tanh is 1 in every implementation, or not yet.
        pytest.param(
            ["gelu tanh pulled"],
            "float64",
            [7.3, -7.4],
            [0.0, 0.1],
            [0.0, 0.0],
            marks=pytest.mark.slow(0.5),
        ),
    ],
)
def test_what_random_cases_seldom_meet_is_covered(names, dtype, z, radius, y):
    for name in names:
        for seed in range(150):
            source = Given(BallOps(Rounding.of(dtype)), Random(seed), z, radius, y)
            CHECKS[name](source)
