"""The network of the exclusive or: saturation, and the article's draws."""

import numpy as np
import pytest

from scratch import xor
from scratch.xor import Xor
from tests.scratch import oracle
from tests.scratch.oracle import EXPIT, mp
from tests.scratch.textbook import zeros


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("logit", [-1000, -40, 40, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_outputs_lose_no_digits(dtype: type, logit: int, target: int) -> None:
    parameters = zeros(Xor, dtype)
    parameters["dense_2/kernel"][0] = 2 * logit  # the hidden units give 1/2
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        _, loss, gradients = Xor(parameters).evaluate([[1, 1, 1]], [[target]])
    positive, negative = 1 / (1 + mp.exp(-logit)), 1 / (1 + mp.exp(logit))
    error = -negative if target else positive
    # Roundings: three expit, two products; times 1/2, exactly.
    gradient = error * positive * negative / 2
    assert oracle.close(gradients["dense_2/kernel"][0, 0], gradient, 3 * EXPIT + 2)
    assert oracle.close(loss, error**2 / 2, 2 * EXPIT + 1)


def test_weights_are_drawn_in_the_order_of_the_article() -> None:
    drawn = np.random.RandomState(10).random_sample(16) * 2 - 1
    parameters = xor.initial_parameters(np.random.RandomState(xor.SEED))
    np.testing.assert_array_equal(parameters["dense_1/kernel"].T.ravel(), drawn[:12])
    np.testing.assert_array_equal(parameters["dense_2/kernel"].T.ravel(), drawn[12:])
