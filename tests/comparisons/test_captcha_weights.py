"""The stored weights of `captcha` are those that training leads to, and classify all characters."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from comparisons import _captcha_weights as weights
from comparisons._captcha_images import samples
from comparisons.captcha import PAIRING
from scratch.captcha import Captcha, flatten, initial_parameters

# As shares of the largest weight: some thirty and five times what an ulp in one of the initial
# weights, or another processor's linear algebra, was seen to make of them (4e-8 and 2e-2; measured
# in `comparisons/_captcha_weights.py`). Rounding to float32 is 6e-8 of a weight.
DETERMINED = {"middle": 1e-6, "final": 0.1}

Weights = dict[str, NDArray[np.floating]]


@pytest.fixture(scope="module")
def trained() -> Weights:
    return dict(weights.trained())


def apart(one: Weights, other: Weights) -> list[str]:
    """The points at which they differ by more than training determines."""
    return [
        point
        for point, share in DETERMINED.items()
        if np.abs(one[point] - other[point]).max() > share * np.abs(other[point]).max()
    ]


def network(theta: NDArray[np.floating]) -> Captcha:
    made = Captcha(initial_parameters(np.random.RandomState(0)))
    made.theta[:] = theta
    return made


def test_training_leads_to_the_stored_weights(trained: Weights) -> None:
    assert apart(dict(weights.stored()), trained) == []


def test_other_weights_are_found_out(trained: Weights) -> None:
    stored = dict(weights.stored())
    assert apart({**stored, "middle": stored["middle"] * (1 + 1e-5)}, trained) == ["middle"]
    assert apart({**stored, "final": stored["middle"]}, trained) == ["final"]
    assert apart({point: 0 * theta for point, theta in stored.items()}, trained) == [*DETERMINED]


def test_every_character_is_recognised_after_100_iterations_as_published(trained: Weights) -> None:
    inputs, targets = samples()
    for theta in (trained["final"], weights.stored()["final"]):
        assert network(theta).accuracy(inputs, targets) == 1.0
    start = network(flatten(initial_parameters(np.random.RandomState(10))))
    assert start.accuracy(inputs, targets) < 0.1
    losses = [float(network(trained[point]).loss(inputs, targets)) for point in DETERMINED]
    assert start.loss(inputs, targets) > losses[0] > losses[1]


def test_the_pairing_is_compared_there() -> None:
    points = PAIRING.further("float64")
    assert list(points) == ["middle", "final"]
    for name, theta in weights.stored().items():
        np.testing.assert_array_equal(flatten(points[name]), theta.astype(np.float64))
