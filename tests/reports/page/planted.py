"""Reports on runs without any framework: two layers, right or with a planted fault."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from backproof.comparison import run
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record.record import Record
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.reports.report import Report
from tests.reports.evaluated import NoWorkers, judged
from tests.reports.evaluated import answered as answered_there

NETWORK = Network((Dense(3, 6, "tanh"), Dense(6, 1, "sigmoid")), Loss("binary_cross_entropy"))
OPTIMIZER = GradientDescent(0.5)
STEPS = 12
PLACE = "scratch/two_layers.py:41"


def subject_with(intervene: Intervention = unchanged) -> Any:
    """The definition in floats, with the value at a site changed."""

    def subject(parameters: Any, batch: Batch) -> dict[str, Any]:
        return computed(NETWORK, OPTIMIZER, parameters, batch, intervene)

    return subject


def wrong_slope(name: str, value: Any, scope: Any) -> Any:
    """The slope a·(1 − z), of no function at all, in a layer with tanh."""
    if name != "delta/dense_1":
        return value
    z, a = scope.values["z/dense_1"], scope.values["activation/dense_1"]
    return scope.values["delta/dense_2"] @ scope.values["kernel/dense_2"].T * a * (1 - z)


def record_of(name: str, subject: Any) -> Record:
    """The record of a run against a twin that is right."""
    stream = np.random.default_rng(3)
    inputs = stream.normal(size=(8, 3))
    pairing = Pairing(
        name=name,
        network=NETWORK,
        subject=subject,
        data=lambda: Batch(inputs, (inputs.sum(axis=1, keepdims=True) > 0).astype(float)),
        initial=lambda: {
            name: stream.normal(size=parameter.shape)
            for name, parameter in NETWORK.parameters.items()
        },
        optimizer=OPTIMIZER,
        references={"torch": None},
        steps=STEPS,
    )
    made = run.new_record(pairing, NoWorkers())  # type: ignore[arg-type]
    answered_there(pairing, made, NoWorkers())
    made.evaluations["torch"] = {
        point: computed(NETWORK, OPTIMIZER, values, made.batch(point))
        for point, values in made.parameters.items()
    }
    made.place = PLACE
    return made


@cache
def matching() -> Report:
    """All is right."""
    return judged(record_of("two_layers", subject_with()))


@cache
def wrong() -> Report:
    """One slope is another function's; beside it a pairing in which all is right."""
    return judged(
        record_of("fine", subject_with()), record_of("two_layers", subject_with(wrong_slope))
    )


def written(report: Report, folder: Path) -> Path:
    """The page of a report."""
    report.write(folder)
    return folder / "report.html"
