"""The ball rules are sound: each covers its value and every adversary, in every form and dtype."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backproof.arithmetic.ball import BallOps
from backproof.rounding import Rounding
from tests.arithmetic.ball_cases import DTYPES, Source
from tests.arithmetic.ball_checks import CHARGES, CHECKS


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CHECKS)
@settings(max_examples=50, derandomize=True, deadline=None, database=None)
@given(random=st.randoms(use_true_random=False), charges=st.sampled_from(CHARGES))
def test_a_rule_covers_its_value_and_every_implementation(
    name: str, dtype: str, random: Random, charges: tuple[tuple[str, float], ...]
) -> None:
    """`ball_checks` says what is compared; balls are exact or not, tiny to huge, at kinks."""
    CHECKS[name](Source(BallOps(Rounding.of(dtype, charges)), random))
