"""What is said of numbers that no fault of the catalogue explains: each with a case without it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis import Evidence, diagnose
from backproof.comparison.diagnosis.slopes import verdict
from backproof.comparison.diagnosis.structure import described, first
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record.record import SUBJECT, Record
from backproof.comparison.record.subject_run import measure_slopes
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.probes import probes
from tests.comparison.diagnosis.grounds import record_of

RATE = GradientDescent(0.1)
NETWORK = Network(
    (Dense(3, 4, "tanh"), Dense(4, 4, "tanh"), Dense(4, 2, "linear")),
    Loss("squared_error", scale=0.5),
    Penalty(l2=0.01),
)
KERNEL = "gradient/dense_2/kernel"
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]


def changed(name: str, change: Change, quantities=("activation", "loss", "gradient")) -> Record:
    """The definition, with one tensor changed at every point, by its values and the weights."""
    record = record_of(NETWORK, RATE, quantities=quantities)
    for point, results in record.evaluations[SUBJECT].items():
        weights = record.parameters[point].get(name.partition("/")[2], np.zeros(1))
        results[name] = np.asarray(change(results[name], weights), np.float64)
    return record


def told(name: str, change: Change) -> str:
    record = changed(name, change)
    return described(Evidence(record, Bounds(record), SUBJECT))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g, w: 0.37 * g, "it is 0.37 times what it should be"),
        (lambda g, w: (1 + 3e-9) * g, "it is larger by a share of 3e-09 than it should be"),
        (lambda g, w: g + 0.123 * w, "it has 0.123 times the parameter too much: a penalty"),
        (lambda g, w: g.T, "it is transposed"),
        (lambda g, w: g[::-1], "it is with its rows in reverse order"),
        (lambda g, w: np.roll(g, 1, axis=1), "it is with its columns off by one"),
        (lambda g, w: g[[1, 0, 3, 2]], "it has the right elements in another order"),
        (lambda g, w: at(g, (1, 2), 7.0), "one element alone is off, at (1, 2)"),
        (lambda g, w: at(g, (1, slice(None)), 7.0), "only rows 1 of 4 are off"),
        (lambda g, w: at(g, (slice(None), [0, 3]), 7.0), "only columns 0, 3 of 4 are off"),
    ],
)
def test_a_relation_is_found(change: Change, words: str) -> None:
    said = told(KERNEL, change)
    assert said.startswith(f"the first tensor to diverge is {KERNEL} and what comes before it")
    assert words in said


def at(values: np.ndarray, place: object, number: float) -> np.ndarray:
    other = values.copy()
    other[place] = number
    return other


def near_one(unit: float) -> Change:
    """Rounded to multiples of so much, as what is computed from numbers near 1."""
    return lambda a, w: np.round(a / unit) * unit


def test_an_activation_in_a_form_that_loses_its_small_elements_is_told_so() -> None:
    said = told("activation/dense_1", near_one(2.0**-50))
    assert "much only of elements that are small, as if tanh were computed from" in said
    assert 'adapters.declared(subject, {"tanh": 2.78e-15})' in said


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("activation/dense_1", near_one(2.0**-46)),  # no form loses that much
        ("activation/dense_3", lambda a, w: a + 15 * 2.0**-53),  # a linear unit has one form
        (KERNEL, lambda g, w: g + 15 * 2.0**-53),
    ],
)
def test_nothing_else_is_put_down_to_a_form(name: str, change: Change) -> None:
    said = told(name, change)
    assert said.startswith(f"the first tensor to diverge is {name}")
    assert "small" not in said


def test_elements_in_their_places_are_in_no_other_order() -> None:
    """Within the widest bound sorted numbers look alike, whatever is wrong with the small ones."""
    assert "order" not in told(KERNEL, lambda g, w: g + 1e-17 * (np.abs(g) < 1e-3))


def test_numbers_that_have_no_relation_are_called_none() -> None:
    noise = np.random.default_rng(3)
    said = told(KERNEL, lambda g, w: g + noise.normal(size=g.shape))
    assert said == f"the first tensor to diverge is {KERNEL} and what comes before it matches"


def test_a_ratio_that_is_not_the_same_everywhere_is_none() -> None:
    turn = iter(range(1, 100))
    assert "times" not in told(KERNEL, lambda g, w: (1 + 0.1 * next(turn)) * g)


def test_samples_and_units_of_an_activation_are_named() -> None:
    only = probes(NETWORK, RATE, "float64")[0]
    record = record_of(NETWORK, RATE, quantities=("activation",), points=[only])
    results = record.evaluations[SUBJECT]
    (point,) = results
    results[point]["activation/dense_2"] = at(results[point]["activation/dense_2"], [1, 5], 9.0)
    said = described(Evidence(record, Bounds(record), SUBJECT))
    assert said.endswith(
        "activation/dense_2 and what comes before it matches: only samples 1, 5 of 7 are off"
    )


def test_the_first_tensor_is_that_of_the_computation() -> None:
    """Backwards the last layer comes first; and the loss comes before every gradient."""
    record = changed("gradient/dense_1/kernel", lambda g, w: g + 1)
    for results in record.evaluations[SUBJECT].values():
        results["gradient/dense_3/bias"] = results["gradient/dense_3/bias"] + 1
    assert first(Evidence(record, Bounds(record), SUBJECT)) == "gradient/dense_3/bias"
    for results in record.evaluations[SUBJECT].values():
        results["loss"] = results["loss"] + 1
    assert first(Evidence(record, Bounds(record), SUBJECT)) == "loss"


def cubic(parameters, batch: Batch):
    """A network with a loss that is in no catalogue, (a − y)⁴, and its right gradient."""
    w, b = parameters["dense_1/kernel"], parameters["dense_1/bias"]
    off = batch.inputs @ w + b - batch.targets
    delta = 4 * off**3
    return {
        "loss": np.sum(off**4),
        "gradient/dense_1/kernel": batch.inputs.T @ delta,
        "gradient/dense_1/bias": delta.sum(axis=0),
    }


def of_a_sine(parameters, batch):
    """Another loss that nobody would list, and its right gradient."""
    x, y = batch.inputs, batch.targets
    error = x @ parameters["dense_1/kernel"] + parameters["dense_1/bias"] - y
    loss = np.exp(np.sin(error))
    delta = np.cos(error) * loss
    gradients = {"kernel": x.T @ delta, "bias": delta.sum(axis=0)}
    return {"loss": loss.sum(), **{f"gradient/dense_1/{n}": g for n, g in gradients.items()}}


LINE = Network((Dense(3, 2, "linear"),), Loss("squared_error", batch="sum"))


def record_with(subject, dtype: str = "float64") -> tuple[Record, Pairing]:
    pairing = Pairing(
        name="line",
        network=LINE,
        subject=subject,
        data=lambda: Batch(np.ones((2, 3)), np.ones((2, 2))),
        initial=dict,
        optimizer=RATE,
        quantities=("loss", "gradient"),
    )
    record = record_of(LINE, RATE, quantities=pairing.quantities, dtype=dtype)
    for point in record.evaluations[SUBJECT]:
        found = subject(record.parameters[point], record.batch(point))
        record.evaluations[SUBJECT][point] = {n: np.asarray(v, dtype) for n, v in found.items()}
    return record, pairing


def wrong_in(name: str, factor: float):
    """The same with one gradient scaled."""

    def subject(parameters, batch):
        results = cubic(parameters, batch)
        results[name] = factor * results[name]
        return results

    return subject


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_right_gradient_of_another_loss_is_told_apart(dtype: str) -> None:
    record, pairing = record_with(of_a_sine, dtype)
    measure_slopes(pairing, record)
    assert verdict(record, Bounds(record)) == ([], ["dense_1/kernel", "dense_1/bias"])
    record.slopes.clear()
    diagnosis = diagnose(
        Evidence(record, Bounds(record), SUBJECT), lambda: measure_slopes(pairing, record)
    )
    assert diagnosis is not None
    assert diagnosis.causes == ()
    assert "right gradient of another loss" in diagnosis.sentence


def test_another_loss_and_its_gradient_are_each_read() -> None:
    record, _ = record_with(cubic)
    diagnosis = diagnose(Evidence(record, Bounds(record), SUBJECT))
    assert diagnosis is not None
    assert diagnosis.causes
    assert "the loss that is reported is another: sum of squared_error**2" in diagnosis.sentence
    assert "the delta is 4 * (a - y)**3; it should be dL/da" in diagnosis.sentence


@pytest.mark.parametrize(("factor", "dtype"), [(1.1, "float32"), (1 + 1e-8, "float64")])
def test_a_gradient_that_is_not_of_its_own_loss_is_wrong(factor: float, dtype: str) -> None:
    record, pairing = record_with(wrong_in("gradient/dense_1/bias", factor), dtype)
    measure_slopes(pairing, record)
    assert verdict(record, Bounds(record)) == (["dense_1/bias"], ["dense_1/kernel"])
    diagnosis = diagnose(Evidence(record, Bounds(record), SUBJECT))
    assert diagnosis is not None
    if factor == 1.1:
        assert diagnosis.sentence.endswith("the bias is 1.1 times what it should be")
    else:  # no number that anybody would write
        assert diagnosis.sentence.endswith("gradient/dense_1/bias is not its own")


def test_a_subject_that_fails_where_it_is_differentiated_has_no_slopes() -> None:
    def failing(parameters, batch):
        raise ZeroDivisionError

    record, pairing = record_with(cubic)
    measure_slopes(Pairing(**{**vars(pairing), "subject": failing}), record)
    assert record.slopes == {}
    assert verdict(record, Bounds(record)) == ([], [])
