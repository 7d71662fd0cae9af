"""What cannot be decided says where the bound was lost: overflow, long sums, roundings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.bounds.models import traits_of
from backproof.comparison.judging.judging import compare_point
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.judging.verdicts import pass_coarse, pass_small, pass_zeros
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding, held_in, round_to
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.step import step
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters

DEEP = Network((Dense(4, 3, "tanh"), Dense(3, 2, "tanh"), Dense(2, 2)), Loss("squared_error"))


def rows_of(
    network: Network, parameters: Parameters, batch: Batch, dtype: str, reference: str = "torch"
) -> dict[str, Row]:
    """The definition against itself, as an implementation that errs in nothing."""
    point, optimizer = Point(DATA, 0), GradientDescent(0.1)
    parameters = {name: round_to(array, dtype) for name, array in parameters.items()}
    batch = Batch(round_to(batch.inputs, dtype), round_to(batch.targets, dtype))
    wide = {name: array.astype(np.float64) for name, array in parameters.items()}
    with np.errstate(all="ignore"):
        values = evaluate(Float(), network, wide, batch.astype("float64"))
        values |= step(Float(), network, wide, values, optimizer)
    tensors = {name: np.asarray(value, held_in(dtype)) for name, value in values.items()}
    record = Record(
        pairing="weak",
        subject="definition",
        network=network,
        optimizer=optimizer,
        dtype=dtype,
        quantities=("activation", "loss", "gradient", "updated"),
        waivers=(),
        references=(reference,),
        steps=1,
        calibrated=(reference,),
        batches={DATA: batch},
        parameters={point: parameters},
        evaluations={SUBJECT: {point: tensors}, reference: {point: tensors}},
    )
    rows = compare_point(record, Bounds(record), Certainty(record, wanted=False), reference, point)
    return {row.name: row for row in rows}


SIZE = 1e-3


@pytest.mark.parametrize(
    ("term", "elsewhere", "status"),
    [
        (1.0, SIZE, Status.MATCH),
        (1e300, SIZE, Status.UNDECIDED),  # the bound of 1e300 − 1e300 is 1e284
        (1.0, 0.0, Status.UNDECIDED),  # no point shows how large the tensor is
    ],
)
def test_zeros_pass_only_beside_a_size(term: float, elsewhere: float, status: Status) -> None:
    network = Network((Dense(2, 1, bias=False),), Loss("squared_error"))
    found = {}
    record = Record(
        pairing="zeros",
        subject="definition",
        network=network,
        optimizer=GradientDescent(0.1),
        dtype="float64",
        quantities=("activation",),
        waivers=(),
        references=("torch",),
        steps=1,
        batches=dict.fromkeys((DATA, "elsewhere"), Batch(np.ones((1, 2)), np.zeros((1, 1)))),
        evaluations={SUBJECT: {}, "torch": {}},
    )
    for place, a, b in ((DATA, term, -term), ("elsewhere", elsewhere, 0.0)):
        point = Point(place, 0)
        record.parameters[point] = {"dense_1/kernel": np.array([[a], [b]])}
        found[point] = {"activation/dense_1": np.array([[a + b]])}
        record.evaluations[SUBJECT][point] = record.evaluations["torch"][point] = found[point]
    bounds, unsure = Bounds(record), Certainty(record, wanted=False)
    rows = [row for p in found for row in compare_point(record, bounds, unsure, "torch", p)]
    assert rows[0].status is Status.UNDECIDED
    pass_zeros(rows, record, bounds)
    assert rows[0].status is status


def passing_through_zero(
    least: float, strong: int, accuracy: dict[str, float]
) -> tuple[Record, list[Row]]:
    """Four steps, the first ones of which are compared with strength; rows of what is small."""
    network = Network((Dense(2, 1, bias=False),), Loss("squared_error"))
    steps = [Point(DATA, step) for step in range(4)]
    record = Record(
        pairing="small",
        subject="definition",
        network=network,
        optimizer=GradientDescent(0.1),
        dtype="float64",
        quantities=("gradient",),
        waivers=(),
        references=("torch",),
        steps=4,
        accuracy=accuracy,
        batches={DATA: Batch(np.ones((1, 2)), np.zeros((1, 1)))},
        evaluations={SUBJECT: {}, "torch": {}},
    )
    for place, point in enumerate(steps):
        a, b = (1.0, 1.0) if place < strong else (1e3, least - 1e3)
        record.parameters[point] = {"dense_1/kernel": np.array([[a], [b]])}
        given = {"gradient/dense_1/kernel": np.full((2, 1), 2 * (a + b))}
        record.evaluations[SUBJECT][point] = record.evaluations["torch"][point] = given
    bounds, unsure = Bounds(record), Certainty(record, wanted=False)
    rows = [row for p in steps for row in compare_point(record, bounds, unsure, "torch", p)]
    assert [row.status for row in rows[strong:]] == [Status.UNDECIDED] * (4 - strong)
    return record, rows


@pytest.mark.parametrize(
    ("strong", "status"),
    [
        (3, Status.MATCH),  # far below what it is at the other steps
        (1, Status.UNDECIDED),  # as weak at most steps
    ],
)
def test_what_passes_through_zero_is_held_against_its_usual_size(
    strong: int, status: Status
) -> None:
    record, rows = passing_through_zero(1e-13, strong, {})
    pass_small(rows, record)
    assert [row.status for row in rows[strong:]] == [status] * (4 - strong)
    noted = [row.detail.startswith("small here") for row in rows]
    assert noted == [False] * strong + [status is Status.MATCH] * (4 - strong)


@pytest.mark.parametrize(
    ("least", "strong", "accuracy", "status"),
    [
        (4e-12, 3, {"tanh": 1e-3}, Status.MATCH),
        (4e-12, 3, {}, Status.UNDECIDED),  # nothing is declared
        (4e-12, 1, {"tanh": 1e-3}, Status.UNDECIDED),  # as weak at most points
        (1e-13, 3, {"tanh": 1e-3}, Status.UNDECIDED),  # an error of its own size would pass
    ],
)
def test_what_a_declared_accuracy_makes_weak_is_noted(
    least: float, strong: int, accuracy: dict[str, float], status: Status
) -> None:
    record, rows = passing_through_zero(least, strong, accuracy)
    pass_coarse(rows, record)
    assert [row.status for row in rows[strong:]] == [status] * (4 - strong)
    noted = [row.detail.startswith("weak here, by what is declared of tanh") for row in rows]
    assert noted == [False] * strong + [status is Status.MATCH] * (4 - strong)


def drawn(network: Network, samples: int, scale: float = 1.0) -> tuple[Parameters, Batch]:
    stream = np.random.default_rng(0)
    parameters = drawn_parameters(network, stream)
    parameters = {name: scale * array for name, array in parameters.items()}
    return parameters, drawn_batch(network, stream, samples)


def test_a_clean_case_is_decided_everywhere() -> None:
    rows = rows_of(DEEP, *drawn(DEEP, 10), "float64")
    assert {row.status for row in rows.values()} == {Status.MATCH}


def test_an_overflow_is_named_with_its_layer() -> None:
    """The second layer's values are numbers, their products with the third layer's weights not."""
    network = replace(DEEP, layers=(Dense(4, 3), Dense(3, 2), Dense(2, 2)))
    parameters, batch = drawn(network, 5)
    parameters["dense_2/kernel"] *= 1e200
    parameters["dense_3/kernel"] *= 1e200
    rows = rows_of(network, parameters, batch, "float64")
    assert rows["activation/dense_2"].status is Status.MATCH
    matched = {name for name, row in rows.items() if row.status is Status.MATCH}
    assert matched <= {"activation/dense_1", "activation/dense_2"}
    found = rows["activation/dense_3"]
    assert "not finite" in found.cause or "lost at z/dense_3: it overflowed" in found.cause


def test_an_infinite_radius_is_named_with_its_layer() -> None:
    """The values are small: only the bound is lost, where errors of 1e300 meet weights of 1e10."""
    network = Network((Dense(2, 1, bias=False), Dense(1, 1, bias=False)), Loss("squared_error"))
    parameters = {
        "dense_1/kernel": np.array([[1e300], [-1e300]]),
        "dense_2/kernel": np.array([[1e30]]),
    }
    rows = rows_of(network, parameters, Batch(np.ones((1, 2)), np.zeros((1, 1))), "float64")
    assert rows["activation/dense_2"].status is Status.UNDECIDED
    assert "power" in rows["activation/dense_1"].cause
    assert "weak from z/dense_1 on" in rows["activation/dense_1"].cause


@pytest.mark.parametrize(
    ("samples", "status"), [(60, Status.MATCH), (65, Status.UNDECIDED), (70, Status.UNDECIDED)]
)
def test_a_sum_of_too_many_terms_is_undecided(samples: int, status: Status) -> None:
    """Keras sums a bias's gradient in bfloat16: n·u reaches ¼ with 65 terms; not its kernel's."""
    network = Network((Dense(1, 1),), Loss("squared_error", batch="sum"))
    parameters = {"dense_1/kernel": np.array([[0.5]]), "dense_1/bias": np.array([8.0])}
    batch = Batch(np.ones((samples, 1)), np.zeros((samples, 1)))
    rows = rows_of(network, parameters, batch, "bfloat16", "keras")
    assert (
        Rounding.declared(traits_of("keras"), "bfloat16", calibrated=True).unit_in("column_sum")
        == 2.0**-8
    )
    kernel, bias = rows["gradient/dense_1/kernel"], rows["gradient/dense_1/bias"]
    assert kernel.status is Status.MATCH
    assert bias.status is Status.UNDECIDED
    if status is Status.UNDECIDED:
        assert "lost at data_gradient/dense_1/bias: it sums" in bias.cause
        assert "¼" in bias.cause
    else:
        assert "weak from data_gradient/dense_1/bias on" in bias.cause


def test_too_many_roundings_are_undecided_from_a_layer_on() -> None:
    network = Network(tuple(Dense(3, 3, "tanh") for _ in range(5)), Loss("squared_error"))
    rows = rows_of(network, *drawn(network, 3, scale=2.0), "bfloat16")
    weak = [row for row in rows.values() if row.status is Status.UNDECIDED]
    assert weak
    assert all(" from " in row.cause and "dense_" in row.cause for row in weak)
    assert not any(row.status is Status.MATCH and row.power > 1 / 8 for row in rows.values())


def test_a_weak_loss_is_not_the_gradients_fault() -> None:
    """What is named lies on the way to the tensor: the loss, or the layers that it came through."""
    network = Network((Dense(2, 1),), Loss("squared_error"), Penalty(l2=0.1))
    parameters = {"dense_1/kernel": np.array([[1.0], [-1.0]]), "dense_1/bias": np.zeros(1)}
    batch = Batch(np.array([[1.0, 1.0 - 2.0**-7]]), np.array([[2.0**-7]]))
    rows = rows_of(network, parameters, batch, "bfloat16")
    for name, row in rows.items():
        if row.status is Status.UNDECIDED and not name.startswith("loss"):
            assert "loss/rows" not in row.cause
