"""The Keras-like model: its mathematics, draws, batches and history, and what it refuses."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from scratch import breast_cancer
from scratch.breast_cancer import Model
from scratch.dense_block import DenseBlock
from tests.scratch import oracle
from tests.scratch.oracle import (
    EXPIT,
    FUNCTION,
    Array,
    Arrays,
    Bounded,
    exact_evaluation,
    exp,
    given,
    log,
    mp,
)

RNG = np.random.default_rng(9)
INPUTS, TARGETS = RNG.normal(size=(9, 3)).astype(np.float32), np.arange(9)[:, None] % 2
NAMES = [f"dense_{i}/{kind}" for i in (1, 2, 3) for kind in ("kernel", "bias")]
SHAPES = [(3, 4), (4,), (4, 3), (3,), (3, 1), (1,)]
WEIGHTS = [RNG.normal(size=shape).astype(np.float32) for shape in SHAPES]
TENSORS = ["loss", *NAMES]

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def small(dtype: Any = np.float64, block: type[DenseBlock] = DenseBlock) -> Model:
    """Return 3-4-3-1 with ReLU, and a sigmoid that is not last; its rate is exact in float32."""
    model = Model(3, 0.25, dtype=dtype)
    for units, activation in ((4, "relu"), (3, "sigmoid"), (1, "sigmoid")):
        model.add(block(units, activation))
    model.set_weights(WEIGHTS)
    return model


def textbook_loss(parameters: Arrays, inputs: Array, targets: Array) -> Any:
    w1, b1, w2, b2, w3, b3 = parameters.values()
    hidden = 1 / (1 + exp(-(np.maximum(inputs @ w1 + b1, 0) @ w2 + b2)))
    predicted = 1 / (1 + exp(-(hidden @ w3 + b3)))
    return -np.sum(targets * log(predicted) + (1 - targets) * log(1 - predicted))


@cache
def exact() -> Arrays:
    """Return the summed loss and its gradients."""
    return exact_evaluation(textbook_loss, dict(zip(NAMES, WEIGHTS, strict=True)), INPUTS, TARGETS)


def bounds() -> dict[str, Bounded]:
    """Follow the sizes, as in `tests.scratch.textbook`."""
    w1, b1, w2, b2, w3, b3 = map(given, WEIGHTS)
    x = given(INPUTS)
    a1 = x @ w1 + b1
    z2 = a1 @ w2 + b2
    a2 = z2.expit()
    z3 = a2 @ w3 + b3
    delta3 = z3.expit()
    delta2 = delta3 @ w3.T * a2 * z2.expit()
    delta1 = delta2 @ w2.T
    # A mean that is told, and is taken times n again: two roundings more.
    losses = z3.through(1, np.log(2), 2 * FUNCTION + 1).sum()
    return {
        "loss": Bounded(losses.size, losses.count + 2),
        "dense_1/kernel": x.T @ delta1,
        "dense_1/bias": delta1.sum(0),
        "dense_2/kernel": a1.T @ delta2,
        "dense_2/bias": delta2.sum(0),
        "dense_3/kernel": a2.T @ delta3,
        "dense_3/bias": delta3.sum(0),
    }


def evaluated(dtype: Any = np.float64) -> dict[str, Array]:
    """Return the summed loss and its gradients as the model has them."""
    model = small(dtype)
    loss, _ = model.evaluate(INPUTS, TARGETS)
    gradients = model.gradients(INPUTS, TARGETS)
    summed = np.asarray(loss * len(INPUTS), dtype)
    return {"loss": summed, **dict(zip(NAMES, gradients, strict=True))}


@each_dtype
def test_loss_and_gradients_err_by_no_more_than_rounding(dtype: Any) -> None:
    assert oracle.exceeding(evaluated(dtype), exact(), bounds()) == []


@pytest.mark.parametrize("name", TENSORS)
def test_an_error_in_the_tenth_digit_is_found(name: str) -> None:
    actual = evaluated()
    actual[name] = actual[name] * (1 + 1e-10)
    assert oracle.exceeding(actual, exact(), bounds()) == [name]


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("logit", [-1000, -40, 40, 1000])
@each_dtype
def test_saturated_outputs_lose_no_digits(dtype: Any, logit: int, target: int) -> None:
    model = Model(1, 1, dtype=dtype)
    model.add(DenseBlock(1, "sigmoid"))
    model.set_weights([[[0]], [logit]])
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        loss, _ = model.evaluate([[1]], [target])
        _, gradient = model.gradients([[1]], [target])
    sign = 1 - 2 * target
    assert oracle.close(gradient[0], sign / (1 + mp.exp(-sign * logit)), EXPIT)
    assert oracle.close(dtype(loss), mp.log(1 + mp.exp(sign * logit)), 2 * FUNCTION + 1)


def test_relu_has_slope_zero_at_its_kink() -> None:
    model = small()
    model.set_weights([np.ones(s) if i != 1 else np.zeros(s) for i, s in enumerate(SHAPES)])
    gradients = model.gradients(np.zeros((1, 3)), [0])
    assert gradients[3].any()
    assert not gradients[1].any()


@each_dtype
def test_everything_stays_in_its_dtype(dtype: Any) -> None:
    model = small(dtype)
    wide, targets = INPUTS.astype(np.float64), TARGETS.astype(np.float64)
    model.fit(wide, targets, batch_size=4, epochs=2)
    arrays = [
        *model.get_weights(),
        *model.activations(wide),
        *model.gradients(wide, targets),
        model.predict(wide),
    ]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_activations_accuracy_and_prediction() -> None:
    model = small()
    activations = model.activations(INPUTS)
    assert [a.shape for a in activations] == [(9, 4), (9, 3), (9, 1)]
    predicted = model.predict(INPUTS)
    np.testing.assert_array_equal(predicted, activations[-1], strict=True)
    right = int(np.sum(np.round(predicted) == TARGETS))
    assert 0 < right < 9  # or the next line would not tell right from wrong
    assert model.evaluate(INPUTS, TARGETS)[1] == right / 9
    assert model.evaluate(INPUTS, TARGETS[:, 0]) == model.evaluate(INPUTS, TARGETS)


@each_dtype
def test_a_step_subtracts_rate_times_summed_gradient(dtype: Any) -> None:
    model = small(dtype)
    before, told = model.get_weights(), model.evaluate(INPUTS, TARGETS)
    gradients = model.gradients(INPUTS, TARGETS)
    assert model.train_on_batch(INPUTS, TARGETS) == told
    for w, old, gradient in zip(model.get_weights(), before, gradients, strict=True):
        np.testing.assert_array_equal(w, old - dtype(0.25) * gradient)


def test_weights_are_drawn_kernel_then_bias_first_block_first() -> None:
    stream = np.random.default_rng(4)
    weights = breast_cancer.article(4).get_weights()
    assert [w.shape for w in weights] == [
        shape
        for fan_in, units in ((30, 128), (128, 64), (64, 32), (32, 1))
        for shape in ((fan_in, units), (units,))
    ]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        fan_in, units = kernel.shape
        drawn = stream.standard_normal((units, fan_in)) * np.sqrt(2 / (fan_in + units))
        np.testing.assert_array_equal(kernel, drawn.T)
        drawn = stream.standard_normal((units, 1)) * np.sqrt(1 / units)
        np.testing.assert_array_equal(bias, drawn[:, 0])


def test_an_epoch_takes_every_row_once_in_a_fresh_order() -> None:
    stream = np.random.default_rng(0)
    first, second = (list(breast_cancer.batches(469, 100, stream)) for _ in range(2))
    for epoch in (first, second):
        assert [len(rows) for rows in epoch] == [100, 100, 100, 100, 69]
        assert sorted(np.concatenate(epoch)) == list(range(469))
        assert list(np.concatenate(epoch)) != list(range(469))
    assert list(first[0]) != list(second[0])


def test_fit_is_a_step_on_each_batch() -> None:
    stepping, fitted = small(), small()
    stream, expected = np.random.default_rng(5), []
    for _ in range(3):
        told = [
            (len(rows), *stepping.train_on_batch(INPUTS[rows], TARGETS[rows]))
            for rows in breast_cancer.batches(9, 4, stream)
        ]
        assert [n for n, _, _ in told] == [4, 4, 1]
        loss, accuracy = (sum(t[0] * t[i] for t in told) / 9 for i in (1, 2))
        held_out = stepping.evaluate(INPUTS[:5], TARGETS[:5])
        expected.append((loss, accuracy, told[-1][1], *held_out))
    history = fitted.fit(INPUTS, TARGETS, 4, 3, (INPUTS[:5], TARGETS[:5, 0]), rng=5)
    for w, other in zip(fitted.get_weights(), stepping.get_weights(), strict=True):
        np.testing.assert_array_equal(w, other)
    names = ["loss", "accuracy", "last_batch_loss", "val_loss", "val_accuracy"]
    assert list(history.history) == names
    assert history.epoch == [0, 1, 2]
    # The sums of three products are taken in the same order, and nothing else differs.
    assert list(zip(*history.history.values(), strict=True)) == expected
    assert {type(value) for column in history.history.values() for value in column} == {float}


def test_seeds_decide_everything() -> None:
    def trained(seed: int, **batches: Any) -> list[Array]:
        model = breast_cancer.article(seed)
        model.fit(np.tile(INPUTS, 10), TARGETS, 4, 2, **batches)
        return model.get_weights()

    def same(one: list[Array], other: list[Array]) -> bool:
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    assert same(trained(1), trained(1))
    assert not same(trained(1), trained(2))
    assert not same(trained(1), trained(1, rng=7))
    assert same(trained(1, rng=7), trained(1, rng=np.random.default_rng(7)))


def test_without_validation_none_is_told() -> None:
    history = small().fit(INPUTS, TARGETS, 4, 2)
    assert list(history.history) == ["loss", "accuracy", "last_batch_loss"]
    assert small().fit(INPUTS, TARGETS, 4, 0).history == {}


def test_nothing_given_or_returned_changes_afterwards() -> None:
    weights, inputs = [w.astype(np.float64) for w in WEIGHTS], INPUTS.astype(np.float64)
    model = small()
    model.set_weights(weights)
    returned = [*model.get_weights(), *model.activations(inputs), *model.gradients(inputs, TARGETS)]
    copies = [array.copy() for array in returned]
    model.fit(inputs, TARGETS, 4, 2)
    for array, copy in zip(returned, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    for w, given_weight in zip(weights, WEIGHTS, strict=True):
        np.testing.assert_array_equal(w, given_weight)
    np.testing.assert_array_equal(inputs, INPUTS)


class PublishedBias(DenseBlock):
    """The bias gradient of the article's code: one number, the mean over units and samples."""

    def bias_gradient(self, delta: Array) -> Array:
        return np.full_like(self.bias, delta.mean())


def test_a_block_with_another_bias_gradient_can_be_trained() -> None:
    published, correct = small(block=PublishedBias), small()
    for i, (one, other) in enumerate(
        zip(published.gradients(INPUTS, TARGETS), correct.gradients(INPUTS, TARGETS), strict=True)
    ):
        if i % 2:  # a bias
            assert len(set(one)) == 1
            assert not np.array_equal(one, other)
        else:
            np.testing.assert_array_equal(one, other)
    moved = small(block=PublishedBias)
    moved.fit(INPUTS, TARGETS, batch_size=9, epochs=1)
    steps = moved.get_weights()[1] - WEIGHTS[1].astype(np.float64)
    assert np.ptp(steps) <= 2 * np.spacing(
        np.abs(WEIGHTS[1]).max()
    )  # start and end round once each


def without_sigmoid() -> None:
    model = Model(3, 1)
    model.add(DenseBlock(1, "relu"))
    model.train_on_batch(INPUTS, TARGETS)


def twice() -> None:
    model, block = Model(3, 1), DenseBlock(3, "relu")
    model.add(block)
    model.add(block)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: DenseBlock(3, "swish"), "no activation 'swish'; there are relu, sigmoid"),
        (lambda: DenseBlock(0, "relu"), "at least one unit"),
        (lambda: Model(0, 1), "at least 1"),
        (lambda: Model(3, 1, dtype=np.float16), "float64 or float32"),
        (lambda: Model(3, 1).predict(INPUTS), "no blocks"),
        (without_sigmoid, "needs probabilities"),
        (twice, "in the model already"),
        (lambda: small().predict(INPUTS[0]), "but should be"),
        (lambda: small().predict(INPUTS.T), "but should be"),
        (lambda: small().evaluate(INPUTS[:0], TARGETS[:0]), "samples > 0"),
        (lambda: small().evaluate(INPUTS, TARGETS[:1]), "targets have shape"),
        (lambda: small().evaluate(INPUTS, np.eye(9)), "targets have shape"),
        (lambda: small().fit(INPUTS, TARGETS, 0), "batch_size 0"),
        (lambda: small().fit(INPUTS, TARGETS, 4, -1), "epochs -1"),
        (lambda: small().set_weights(WEIGHTS[:-1]), "but should have"),
        (lambda: small().set_weights([WEIGHTS[0].T, *WEIGHTS[1:]]), "but should have"),
    ],
)
def test_what_cannot_be_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
