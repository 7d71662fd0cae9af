"""What must hold for every hand-written network, and for what drives them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from scratch.training import FullBatchNetwork
from tests.scratch.oracle import Array, Arrays
from tests.scratch.textbook import CAPTCHA, CIRCLES, CLUSTERS, MINIBATCH, XOR, Case
from tests.scratch.textbook_layered import LAYERED

CASES = [XOR, CIRCLES, CLUSTERS, CAPTCHA, MINIBATCH, *LAYERED]
TENSORS = [(case, name) for case in CASES for name in ("loss", *case.network.SHAPES)]
RATE = 0.3

each_network = pytest.mark.parametrize("case", CASES, ids=lambda case: case.network.__name__)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def copied(arrays: Arrays) -> dict[str, Array]:
    return {name: array.copy() for name, array in arrays.items()}


def assert_same(actual: Arrays, expected: Arrays) -> None:
    """Bit for bit; a gradient has no NaN, and -0 equals 0."""
    assert list(actual) == list(expected)
    for name, array in actual.items():
        np.testing.assert_array_equal(array, expected[name], strict=True)


@each_network
@each_dtype
def test_loss_and_gradients_err_by_no_more_than_rounding(case: Case, dtype: type) -> None:
    assert case.exceeding(case.evaluate(dtype)) == []


@pytest.mark.parametrize(("case", "name"), TENSORS)
def test_an_error_in_the_tenth_digit_is_found(case: Case, name: str) -> None:
    actual = case.evaluate()
    actual[name] = actual[name] * (1 + 1e-10)
    assert case.exceeding(actual) == [name]


@each_network
@each_dtype
def test_everything_stays_in_the_dtype_of_the_parameters(case: Case, dtype: type) -> None:
    network = case.build(dtype)
    inputs, targets = case.inputs.astype(np.float64), case.targets.astype(np.float64)
    activations, loss, gradients = network.evaluate(inputs, targets)
    stepped = network.step(inputs, targets, RATE)
    arrays = [*activations, *gradients.values(), *network.parameters.values()]
    dtypes = {array.dtype for array in arrays} | {loss.dtype, stepped.dtype}
    assert dtypes == {np.dtype(dtype)}


@each_network
@each_dtype
def test_evaluate_is_forward_loss_and_gradients(case: Case, dtype: type) -> None:
    network = case.build(dtype)
    activations, loss, gradients = network.evaluate(case.inputs, case.targets)
    for one, other in zip(activations, network.forward(case.inputs), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    assert loss == network.loss(case.inputs, case.targets)
    assert_same(gradients, network.gradients(case.inputs, case.targets))
    widths = [shape[1] for shape in network.SHAPES.values() if len(shape) == 2]
    assert [a.shape for a in activations] == [(len(case.inputs), width) for width in widths]


@each_network
@each_dtype
def test_a_step_subtracts_rate_times_gradient(case: Case, dtype: type) -> None:
    network = case.build(dtype)
    before, loss = copied(network.parameters), network.loss(case.inputs, case.targets)
    gradients = network.gradients(case.inputs, case.targets)
    assert network.step(case.inputs, case.targets, RATE) == loss
    rate = dtype(RATE)
    assert_same(network.parameters, {k: before[k] - rate * gradients[k] for k in before})


@each_network
@each_dtype
def test_training_is_its_steps(case: Case, dtype: type) -> None:
    stepping, training, silent = case.build(dtype), case.build(dtype), case.build(dtype)
    losses = [(i, stepping.step(case.inputs, case.targets, RATE)) for i in range(5)]
    told: list[tuple[int, np.floating[Any]]] = []

    def on_step(step: int, loss: np.floating[Any]) -> None:
        told.append((step, loss))
        training.accuracy(case.inputs[:3], case.targets[:3])  # another batch must not disturb

    training.train(case.inputs, case.targets, learning_rate=RATE, steps=5, on_step=on_step)
    silent.train(case.inputs, case.targets, learning_rate=RATE, steps=5)
    assert told == losses
    assert_same(training.parameters, stepping.parameters)
    assert_same(silent.parameters, stepping.parameters)


@each_network
def test_losses_are_computed_only_for_the_steps_asked_for(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[np.floating[Any]] = []
    told: list[tuple[int, np.floating[Any]]] = []
    loss = case.network._loss

    def counting(*arguments: Any) -> np.floating[Any]:
        computed.append(loss(*arguments))
        return computed[-1]

    monkeypatch.setattr(case.network, "_loss", counting)
    case.build().train(
        case.inputs,
        case.targets,
        learning_rate=RATE,
        steps=7,
        on_step=lambda *given: told.append(given),
        at=range(0, 7, 3),
    )
    assert told == list(zip([0, 3, 6], computed, strict=True))


@each_network
def test_nothing_returned_or_given_changes_afterwards(case: Case) -> None:
    given = {name: value.astype(np.float64) for name, value in case.parameters.items()}
    inputs, targets = case.inputs.astype(np.float64), case.targets.astype(np.float64)
    network, kept = case.network(given), (copied(given), inputs.copy(), targets.copy())
    activations, _, gradients = network.evaluate(inputs, targets)
    forward, alone = network.forward(inputs), network.gradients(inputs, targets)
    returned = [*activations, *gradients.values(), *forward, *alone.values()]
    copies = [array.copy() for array in returned]

    network.step(inputs[::-1], targets[::-1], RATE)
    network.evaluate(-inputs, targets)
    network.train(inputs, targets, learning_rate=RATE, steps=2)

    for array, copy in zip(returned, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert_same(given, kept[0])
    np.testing.assert_array_equal(inputs, kept[1])
    np.testing.assert_array_equal(targets, kept[2])


@each_network
def test_batches_of_other_sizes_do_not_disturb(case: Case) -> None:
    network = case.build()
    gradients = network.gradients(case.inputs, case.targets)
    network.gradients(case.inputs[:2], case.targets[:2])
    assert_same(network.gradients(case.inputs, case.targets), gradients)


@pytest.mark.parametrize("case", [CIRCLES, CLUSTERS], ids=lambda case: case.network.__name__)
def test_relu_has_slope_zero_at_its_kink(case: Case) -> None:
    parameters = {name: np.ones(shape) for name, shape in case.network.SHAPES.items()}
    parameters["dense_1/bias"][:] = 0
    parameters["dense_2/kernel"][0, 0] = 2  # softmax with equal rows would pass nothing back
    gradients = case.network(parameters).gradients(np.zeros((1, 2)), case.targets[:1])
    assert gradients["dense_2/bias"].any()
    assert not gradients["dense_1/bias"].any()


@each_network
def test_classes_and_accuracy(case: Case) -> None:
    network = case.build()
    probabilities = network.forward(case.inputs)[-1]
    if probabilities.shape[1] > 1:
        classes, labels = probabilities.argmax(axis=1), case.targets.argmax(axis=1)
    else:
        classes, labels = np.round(probabilities[:, 0]), case.targets[:, 0]
    predicted = network.predict(case.inputs)
    assert predicted.dtype == np.intp
    np.testing.assert_array_equal(predicted, classes)
    right = sum(bool(one == other) for one, other in zip(classes, labels, strict=True))
    assert 0 < right < len(labels)  # or the next line would not tell right from wrong
    assert network.accuracy(case.inputs, case.targets) == right / len(labels)


def test_softmax_gives_distributions() -> None:
    probabilities = CLUSTERS.build().forward(CLUSTERS.inputs)[-1]
    # The sum of exp rounds twice, each quotient once, the sum of the quotients twice.
    assert np.all(np.abs(probabilities.sum(axis=1) - 1) <= 5 * np.finfo(np.float64).eps / 2)


@pytest.mark.parametrize(
    ("case", "counts"),
    [
        (XOR, {"dense_1": 12, "dense_2": 4}),
        (CIRCLES, {"dense_1": 30, "dense_2": 55, "dense_3": 6}),
        (CLUSTERS, {"dense_1": 15, "dense_2": 18}),
        (LAYERED[0], {"dense_1": 16, "dense_2": 10}),
        (LAYERED[1], {"dense_1": 9, "dense_2": 12, "dense_3": 8}),
        (CAPTCHA, {"dense_1": 15, "dense_2": 12, "dense_3": 12}),
    ],
)
def test_parameter_counts(case: Case, counts: dict[str, int]) -> None:
    assert case.build().parameter_count() == counts


def reshaped(parameters: dict[str, Array]) -> dict[str, Array]:
    return parameters | {"dense_1/kernel": parameters["dense_1/kernel"].T}


def without_one(parameters: dict[str, Array]) -> dict[str, Array]:
    return {name: parameters[name] for name in list(parameters)[1:]}


def mixed(parameters: dict[str, Array]) -> dict[str, Array]:
    return parameters | {"dense_1/kernel": parameters["dense_1/kernel"].astype(np.float32)}


def half(parameters: dict[str, Array]) -> dict[str, Array]:
    return {name: array.astype(np.float16) for name, array in parameters.items()}


@each_network
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (reshaped, "should have"),
        (without_one, "should have"),
        (mixed, "all be float64 or all float32"),
        (half, "all be float64 or all float32"),
    ],
)
def test_wrong_parameters_are_refused(
    case: Case, change: Callable[[dict[str, Array]], dict[str, Array]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        case.network(change(copied(case.build().parameters)))


@each_network
def test_parameters_may_come_in_any_order(case: Case) -> None:
    backwards = dict(reversed(case.build().parameters.items()))
    assert_same(case.network(backwards).parameters, case.build().parameters)


@each_network
def test_wrong_batches_are_refused(case: Case) -> None:
    network: FullBatchNetwork = case.build()
    for inputs, targets, message in (
        (case.inputs[0], case.targets, "should be"),
        (case.inputs.T, case.targets, "should be"),
        (case.inputs, case.targets[:, 0], "should be"),
        (case.inputs, case.targets[:1], "1 targets"),
        (case.inputs[:0], case.targets[:0], "batch > 0"),
    ):
        with pytest.raises(ValueError, match=message):
            network.step(inputs, targets, RATE)
