"""Certified values are computed as long as a pairing's take no more than seconds together."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.comparison.bounds import certainty
from backproof.comparison.bounds.certainty import Certainty, affordable, chosen, multiplications
from backproof.comparison.record.record import DATA, Point, Record
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers.gradient_descent import GradientDescent


def record_of(samples: int, points: list[Point]) -> Record:
    network = Network((Dense(2, 3, "tanh"), Dense(3, 1)), Loss("squared_error"))
    parameters = {name: np.ones(shape) for name, shape in network.shapes().items()}
    return Record(
        pairing="p",
        subject="s",
        network=network,
        optimizer=GradientDescent(0.1),
        dtype="float64",
        quantities=("loss",),
        waivers=(),
        references=(),
        steps=7,
        batches={
            DATA: Batch(np.ones((samples, 2)), np.ones((samples, 1))),
            "general": Batch(np.ones((4, 2)), np.ones((4, 1))),
        },
        parameters=dict.fromkeys(points, parameters),
    )


STEPS = [Point(DATA, step) for step in range(7)]
OTHERS = [Point("final", 0), Point("general", 0)]


def test_first_middle_and_last_step_further_weights_and_probes_are_chosen() -> None:
    record = record_of(5, STEPS + OTHERS)
    assert chosen(record) == {STEPS[0], STEPS[3], STEPS[6], *OTHERS}
    # Nine weights, three products; three steps and the further weights on the data, the probe.
    assert multiplications(record) == 3 * 9 * (4 * 5 + 4)


def test_what_takes_too_long_together_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = record_of(5, STEPS[:1]), record_of(5, STEPS + OTHERS)
    monkeypatch.setattr(certainty, "MOST_MULTIPLICATIONS", multiplications(few))
    assert affordable(few)
    assert set(Certainty(few).at(STEPS[0])) == {"loss"}
    assert not affordable(many)
    assert Certainty(many).points == set()
