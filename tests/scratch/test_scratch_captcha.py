"""The network of the captchas: its flat vector, saturation, and its minimisation."""

from typing import Any

import numpy as np
import pytest

from scratch import captcha
from scratch.captcha import Captcha, flatten, unflatten
from tests.scratch.oracle import EXPIT, FUNCTION, Bounded, mp
from tests.scratch.textbook import CAPTCHA, zeros

SIZE = 99_636


def test_parameter_counts_of_the_article() -> None:
    assert captcha.length(captcha.SHAPES) == SIZE
    network = Captcha(captcha.initial_parameters(np.random.RandomState(captcha.SEED)))
    assert network.theta.shape == (SIZE,)
    assert network.parameter_count() == {
        "dense_1": 200 * 261,
        "dense_2": 200 * 201,
        "dense_3": 36 * 201,
    }


def test_the_vector_holds_each_layer_row_by_row_with_its_bias_first() -> None:
    theta = np.arange(float(SIZE))
    parameters = unflatten(theta)
    assert {name: array.shape for name, array in parameters.items()} == Captcha.SHAPES
    start = 0
    for layer, (fan_in, fan_out) in enumerate([(260, 200), (200, 200), (200, 36)], start=1):
        unit, into = np.meshgrid(np.arange(fan_out), np.arange(fan_in))
        row = start + unit * (1 + fan_in)
        np.testing.assert_array_equal(parameters[f"dense_{layer}/bias"], row[0])
        np.testing.assert_array_equal(parameters[f"dense_{layer}/kernel"], row + 1 + into)
        start += fan_out * (1 + fan_in)
    np.testing.assert_array_equal(flatten(parameters), theta)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_are_views_of_the_vector(dtype: type) -> None:
    network = CAPTCHA.build(dtype)
    assert network.theta.dtype == dtype
    before = network.loss(CAPTCHA.inputs, CAPTCHA.targets)
    network.theta[:] = 0
    assert not any(array.any() for array in network.parameters.values())
    assert network.loss(CAPTCHA.inputs, CAPTCHA.targets) != before


def test_weights_are_drawn_uniformly_in_the_order_of_the_vector() -> None:
    drawn = np.random.RandomState(10).uniform(-0.1, 0.1, SIZE)
    parameters = captcha.initial_parameters(np.random.RandomState(captcha.SEED))
    np.testing.assert_array_equal(flatten(parameters), drawn)


def saturated(dtype: type, logit: int, target: int) -> tuple[Any, dict[str, Any]]:
    """Loss and gradients where all 36 outputs have that logit and that target."""
    parameters = zeros(Captcha, dtype)
    parameters["dense_3/bias"][:] = logit
    with np.errstate(over="raise", invalid="raise"):
        _, loss, gradients = Captcha(parameters).evaluate(
            np.zeros((1, 260)), np.full((1, 36), target)
        )
    return loss, gradients


@pytest.mark.parametrize(
    ("logit", "target"), [(-80, 1), (-10, 1), (10, 1), (1000, 1), (-1000, 0), (-80, 0), (10, 0)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_has_the_digits_that_the_probability_has(
    dtype: type, logit: int, target: int
) -> None:
    loss, _ = saturated(dtype, logit, target)
    exact = mp.log(1 + mp.exp(logit if target == 0 else -logit))
    # What expit rounds moves log p by as much, log(1 - p) by p / (1 - p) = exp(logit) times as
    # much, to first order; then the logarithm rounds, and the sum over 36 outputs.
    moved = Bounded(np.array(1.0 if target else np.exp(float(logit))), EXPIT + 1).error(dtype)
    rounded = Bounded(np.array(float(exact)), FUNCTION + 36).error(dtype)
    assert abs(mp.mpf(float(loss)) - 36 * exact) <= 36 * (float(moved) + float(rounded))


@pytest.mark.parametrize(("logit", "target"), [(-1000, 1), (1000, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loss_is_finite_where_a_probability_is_0_or_1(
    dtype: type, logit: int, target: int
) -> None:
    loss, gradients = saturated(dtype, logit, target)
    assert loss == 36 * 100
    np.testing.assert_array_equal(gradients["dense_3/bias"], 1 - 2 * target)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_step_goes_along_the_gradient(dtype: type) -> None:
    """The vector that SciPy is given is the gradient in the order of θ."""
    network: Any = CAPTCHA.build(dtype)
    before = network.theta.copy()
    gradient = flatten(network.gradients(CAPTCHA.inputs, CAPTCHA.targets), network.SHAPES)
    network.minimize(CAPTCHA.inputs, CAPTCHA.targets, iterations=1)
    assert network.theta.dtype == dtype
    step = before - network.theta
    largest = np.argmax(np.abs(gradient))
    length = step[largest] / gradient[largest]
    assert length > 0
    # Length · gradient, its sum with θ, and that sum in the dtype are rounded, and what is computed
    # here twice; at the largest gradient, by which the others are scaled, as well.
    size = np.abs(before).max() + 2 * np.abs(step).max()
    assert np.abs(step - length * gradient).max() <= Bounded(size, 2 * 5).error(dtype)


def test_what_is_told_of_an_iteration_is_what_it_has_led_to() -> None:
    network: Any = CAPTCHA.build()
    told: list[int] = []
    losses = [float(network.loss(CAPTCHA.inputs, CAPTCHA.targets))]

    def on_iteration(iteration: int, loss: float) -> None:
        told.append(iteration)
        assert loss == network.loss(CAPTCHA.inputs, CAPTCHA.targets)
        losses.append(loss)
        network.accuracy(CAPTCHA.inputs[:3], CAPTCHA.targets[:3])  # its buffers are used between

    network.minimize(CAPTCHA.inputs, CAPTCHA.targets, iterations=9, on_iteration=on_iteration)
    assert told == list(range(1, 10))
    assert losses == sorted(losses, reverse=True)
    assert network.loss(CAPTCHA.inputs, CAPTCHA.targets) == losses[-1]

    silent: Any = CAPTCHA.build()
    silent.minimize(CAPTCHA.inputs, CAPTCHA.targets, iterations=9)
    np.testing.assert_array_equal(silent.theta, network.theta)
