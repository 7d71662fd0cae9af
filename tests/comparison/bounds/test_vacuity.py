"""What no point exercises is no match, and the reason is named; what one does not is noted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.record.record import SUBJECT
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.probes import Probe, probes
from tests.comparison.diagnosis.grounds import judged, record_of

RATE = GradientDescent(0.1)
CIRCLES = Network(
    (Dense(2, 4, "relu"), Dense(4, 3, "sigmoid"), Dense(3, 1, "sigmoid")),
    Loss("binary_cross_entropy"),
    Penalty(l2=0.01),
)


def undecided(rows: list[Row]) -> dict[str, str]:
    return {row.name: row.cause for row in rows if row.status is Status.UNDECIDED}


def moved(name: str, **changes: float) -> Probe:
    """The general probe with some parameters set to one value."""
    probe = probes(CIRCLES, RATE, "float64")[0]
    values = {key.replace("__", "/"): value for key, value in changes.items()}
    parameters = {
        key: np.full_like(value, values[key]) if key in values else value
        for key, value in probe.parameters.items()
    }
    return Probe(name, parameters, probe.batch)


def test_an_ordinary_network_is_exercised() -> None:
    rows = judged(record_of(CIRCLES, RATE))
    assert {row.status for row in rows} == {Status.MATCH}


def test_a_softmax_of_one_class_has_no_cotangent() -> None:
    """Its gradient is the penalty's alone, and not zero: a wrong kernel gradient would pass."""
    network = Network(
        (Dense(2, 3, "tanh"), Dense(3, 1, "softmax")),
        Loss("categorical_cross_entropy"),
        Penalty(l2=0.01),
    )
    points = [
        replace(probe, batch=Batch(probe.batch.inputs, np.ones((len(probe.batch.inputs), 1))))
        for probe in probes(network, RATE, "float64")
    ]
    found = undecided(judged(record_of(network, RATE, points=points)))
    assert "every unit of dense_2 is saturated" in found["gradient/dense_2/kernel"]
    assert "every unit of dense_2 is saturated" in found["gradient/dense_1/kernel"]
    assert "every unit of dense_2 is saturated" in found["activation/dense_2"]
    assert "activation/dense_1" not in found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dense_1__bias": -100.0}, "every unit of dense_1 is dead"),
        ({"dense_2__bias": 100.0}, "every unit of dense_2 is saturated"),
        ({"dense_3__kernel": 0.0}, "the cotangent of dense_2 is zero"),
    ],
)
def test_units_that_pass_nothing_are_named(changes: dict[str, float], reason: str) -> None:
    idle = moved("idle", **changes)
    found = undecided(judged(record_of(CIRCLES, RATE, points=[idle])))
    assert reason in found["gradient/dense_1/kernel"]
    # One point that does exercise it is enough; the other is noted.
    rows = judged(record_of(CIRCLES, RATE, points=[idle, moved("alive")]))
    (noted,) = [r for r in rows if r.name == "gradient/dense_1/kernel" and r.point == "idle"]
    assert noted.status is Status.MATCH
    assert noted.detail == f"not exercised here: {reason}"


def test_a_loss_that_is_zero_is_undecided() -> None:
    network = replace(CIRCLES, loss=Loss("binary_cross_entropy", scale=0.0), penalty=Penalty())
    found = undecided(judged(record_of(network, RATE)))
    assert found["loss"] == "no point exercises it: it is zero"
    assert {name for name in found if name.startswith("gradient/")} == {
        f"gradient/{name}" for name in network.shapes()
    }


def test_a_step_too_small_to_be_seen_is_undecided() -> None:
    rate = GradientDescent(1e-30)
    general = probes(CIRCLES, rate, "float64")[:1]  # where a weight is 0, it is seen
    found = undecided(judged(record_of(CIRCLES, rate, points=general)))
    assert "the step moves no element of dense_1/kernel" in found["updated/dense_1/kernel"]


def test_what_nobody_computed_is_an_error() -> None:
    record = record_of(CIRCLES, RATE)
    for who in (SUBJECT, "torch"):
        for results in record.evaluations[who].values():
            del results["gradient/dense_1/bias"]
    rows = [row for row in judged(record) if row.name == "gradient/dense_1/bias"]
    assert {row.status for row in rows} == {Status.ERROR}
    assert all(row.cause.startswith("nobody computed it: subject: gave no") for row in rows)


def test_what_differs_at_one_point_is_exercised_there() -> None:
    """The point that passes nothing stays a match with its note; the mismatch keeps its words."""
    idle = moved("idle", dense_1__bias=-100.0)
    record = record_of(CIRCLES, RATE, points=[idle, moved("alive")])
    name = "gradient/dense_1/kernel"
    for at, results in record.evaluations[SUBJECT].items():
        if "alive" in str(at):
            results[name] = results[name] * 1.01
    rows = {row.point: row for row in judged(record) if row.name == name}
    assert rows["alive"].status is Status.MISMATCH
    assert "actual" in rows["alive"].detail
    assert rows["idle"].status is Status.MATCH
    assert rows["idle"].detail == "not exercised here: every unit of dense_1 is dead"


def test_a_mismatch_where_nothing_passes_keeps_its_words() -> None:
    """A gradient that is zero at a point, but not as the subject gave it: no note replaces it."""
    record = record_of(CIRCLES, RATE, points=[moved("idle", dense_1__bias=-100.0)])
    name = "gradient/dense_1/bias"
    for results in record.evaluations[SUBJECT].values():
        results[name] = results[name] + 1.0
    (row,) = (row for row in judged(record) if row.name == name)
    assert row.status is Status.MISMATCH
    assert "actual" in row.detail
