"""The network of the two circles: saturation, and the article's draws and first numbers."""

import numpy as np
import pytest
from sklearn.datasets import make_circles

from scratch import circles
from scratch.circles import Circles
from tests.scratch import oracle
from tests.scratch.oracle import EXPIT, FUNCTION, mp
from tests.scratch.textbook import circles_bounds, zeros


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("logit", [-1000, -40, 40, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_outputs_lose_no_digits(dtype: type, logit: int, target: int) -> None:
    parameters = zeros(Circles, dtype)
    parameters["dense_3/bias"][:] = logit
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        _, loss, gradients = Circles(parameters).evaluate([[1, 1]], [[target]])
    # The roundings of `circles_bounds`, but relative to numbers as small as exp(-1000).
    sign = 1 - 2 * target
    gradient = sign / (1 + mp.exp(-sign * logit))
    assert oracle.close(gradients["dense_3/bias"][0], gradient, EXPIT)
    assert oracle.close(loss, mp.log(1 + mp.exp(sign * logit)), 2 * FUNCTION + 1)


def test_weights_are_drawn_in_the_order_of_the_article() -> None:
    stream = np.random.RandomState(circles.SEED)
    for name, array in circles.initial_parameters(np.random.RandomState(4)).items():
        drawn = stream.randn(*array.shape) if name.endswith("kernel") else np.zeros(array.shape)
        np.testing.assert_array_equal(array, drawn)


def test_the_first_published_numbers() -> None:
    inputs, labels = make_circles(n_samples=1000, noise=0.05, random_state=4)
    targets = labels[:, None]
    network = Circles(circles.initial_parameters(np.random.RandomState(circles.SEED)))
    # The published loss is a rounded one, too: each of the two may be off by the bound.
    allowed = 2 * circles_bounds(network.parameters, inputs)["loss"].error(np.float64)
    assert abs(network.loss(inputs, targets) - 1.7162788190920542) <= allowed
    assert network.accuracy(inputs, targets) == 0.5
