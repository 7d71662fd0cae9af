"""Records with evaluations, made without any framework: those of the definition in floats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backproof.comparison import run
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record.record import Record
from backproof.comparison.record.subject_run import run as run_subject
from backproof.comparison.run import judge_again
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.reports.report import Report
from tests.reports.sample import NETWORK, TODAY

QUANTITIES = ("activation", "loss", "gradient")


def by_definition(parameters: Any, batch: Batch) -> dict[str, Any]:
    """What a correct subject gives."""
    given = evaluate(Float(), NETWORK, parameters, batch)
    return {name: value for name, value in given.items() if name.split("/")[0] in QUANTITIES}


def wrong_loss(parameters: Any, batch: Batch) -> dict[str, Any]:
    given = by_definition(parameters, batch)
    return given | {"loss": given["loss"] * 1.001}


def pairing(name: str = "tiny", subject: Any = by_definition) -> Pairing:
    return Pairing(
        name=name,
        network=NETWORK,
        subject=subject,
        data=lambda: Batch(np.arange(8.0).reshape(4, 2) - 3, np.array([[0.0], [1.0], [1.0], [0]])),
        initial=lambda: {
            "dense_1/kernel": np.array([[0.5], [-0.25]]),
            "dense_1/bias": np.array([0.125]),
        },
        optimizer=GradientDescent(0.1),
        references={"torch": None},
        quantities=QUANTITIES,
    )


class NoWorkers:
    """What a run wants of its workers, where no twin is asked."""

    dtype = "float64"
    root = Path()
    limit = 60.0

    def __init__(self) -> None:
        self.by_name = {"torch": None}
        self.names = {"torch"}

    def suited(self, pairing: Pairing) -> NoWorkers:
        return self

    def start(self, name: str) -> None:
        pass

    def calibrated(self, name: str) -> bool:
        return False


def answered(pairing: Pairing, record: Record, workers: Any) -> list[Any]:
    """In the place of `run.ask`: the subject runs, and the twin is right at once."""
    for _ in run_subject(pairing, record, workers.root, workers.limit):
        pass
    record.evaluations["torch"] = {
        point: by_definition(values, record.batch(point))
        for point, values in record.parameters.items()
    }
    record.errors["torch"] = {}
    return []


def evaluated(name: str = "tiny", subject: Any = by_definition) -> Record:
    """The record of a pairing, as a run makes it."""
    made = pairing(name, subject)
    record = run.new_record(made, NoWorkers())  # type: ignore[arg-type]
    answered(made, record, NoWorkers())
    return record


def judged(*records: Record, notes: list[str] | None = None) -> Report:
    """The report of a run."""
    report = Report.of(judge_again(records, TODAY), {"dtype": "float64"}, TODAY)
    return replace(report, notes=notes or [])
