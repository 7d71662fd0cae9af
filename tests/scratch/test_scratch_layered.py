"""The network of any sizes: its draws, its interface, losses of one's own, saturation."""

import numpy as np
import pytest

from scratch.layered import (
    BinaryCrossEntropy,
    Layered,
    Sigmoid,
    SquaredError,
    Tanh,
    initial_parameters,
    shapes,
)
from tests.scratch import oracle
from tests.scratch.oracle import EXPIT, FUNCTION, Array, mp
from tests.scratch.textbook import Case
from tests.scratch.textbook_layered import LAYERED


def test_biases_are_drawn_before_all_kernels() -> None:
    stream = np.random.RandomState(3)
    biases = [stream.randn(1, units) for units in (4, 2)]
    kernels = [stream.randn(3, 4), stream.randn(4, 2)]
    parameters = initial_parameters((3, 4, 2), np.random.RandomState(3))
    assert {name: array.shape for name, array in parameters.items()} == shapes((3, 4, 2))
    for i in (1, 2):
        np.testing.assert_array_equal(parameters[f"dense_{i}/bias"], biases[i - 1][0])
        np.testing.assert_array_equal(parameters[f"dense_{i}/kernel"], kernels[i - 1])


@pytest.mark.parametrize("case", LAYERED, ids=lambda case: case.network.__name__)
def test_backpropagation_goes_from_the_last_layer_to_the_first(case: Case) -> None:
    network = case.build()
    assert isinstance(network, Layered)
    gradients = network.gradients(case.inputs, case.targets)
    found = network.backpropagate(case.inputs, case.targets)
    assert len(found) == network.depth
    for layer, (kernel, bias) in zip(range(network.depth, 0, -1), found, strict=True):
        np.testing.assert_array_equal(kernel, gradients[f"dense_{layer}/kernel"], strict=True)
        np.testing.assert_array_equal(bias, gradients[f"dense_{layer}/bias"], strict=True)


def test_sigmoid_and_squared_error_unless_told_otherwise() -> None:
    network = Layered((3, 2), initial_parameters((3, 2), np.random.RandomState(0)))
    assert type(network.activation) is Sigmoid
    assert type(network.loss_function) is SquaredError
    assert network.loss_function.factor == 1


class Absolute:
    """A loss of the user's own: nothing but a value and a derivative."""

    def value(self, outputs: Array, targets: Array) -> np.floating:
        return np.abs(outputs - targets).sum()

    def derivative(self, outputs: Array, targets: Array) -> Array:
        return np.sign(outputs - targets)


class Identity:
    """An activation of the user's own."""

    def value(self, z: Array) -> Array:
        return z

    def derivative(self, z: Array) -> Array:
        return np.ones_like(z)


def test_any_object_with_a_value_and_a_derivative_will_do() -> None:
    parameters = {"dense_1/kernel": np.array([[1.0, -1.0]]), "dense_1/bias": np.array([0.5, 0.25])}
    network = Layered((1, 2), parameters, activation=Identity(), loss=Absolute())
    inputs, targets = [[2.0], [-4.0]], [[0.0, 0.0], [0.0, 0.0]]
    activations, loss, gradients = network.evaluate(inputs, targets)
    np.testing.assert_array_equal(activations[0], [[2.5, -1.75], [-3.5, 4.25]])
    assert loss == 12
    np.testing.assert_array_equal(gradients["dense_1/kernel"], [[6, -6]])
    np.testing.assert_array_equal(gradients["dense_1/bias"], [0, 0])


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0, 1)])
def test_sizes_without_a_layer_or_a_unit_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Layered(sizes, {})


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("logit", [-1000, -40, 40, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_cross_entropy_of_logits_loses_no_digits(dtype: type, logit: int, target: int) -> None:
    parameters = {
        "dense_1/kernel": np.zeros((1, 1), dtype),
        "dense_1/bias": np.array([logit], dtype),
    }
    network = Layered((1, 1), parameters, loss=BinaryCrossEntropy())
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        _, loss, gradients = network.evaluate([[1]], [[target]])
    sign = 1 - 2 * target
    assert oracle.close(gradients["dense_1/bias"][0], sign / (1 + mp.exp(-sign * logit)), EXPIT)
    assert oracle.close(loss, mp.log(1 + mp.exp(sign * logit)), 2 * FUNCTION + 1)


@pytest.mark.parametrize("z", [-1000, -20, -0.5, 0.5, 20, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_derivatives_lose_no_digits(dtype: type, z: float) -> None:
    at = np.array([z], dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        sigmoid, tanh = Sigmoid().derivative(at)[0], Tanh().derivative(at)[0]
    # Two expit and their product; doubling z, and the factor 4, are exact.
    assert oracle.close(sigmoid, 1 / (2 + mp.exp(z) + mp.exp(-z)), 2 * EXPIT + 1)
    assert oracle.close(tanh, 1 / mp.cosh(z) ** 2, 2 * EXPIT + 1)
