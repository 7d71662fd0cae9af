"""Rows and reports to test with: one small network against torch."""

from __future__ import annotations

import datetime
from dataclasses import replace

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Waiver
from backproof.comparison.record.record import Record
from backproof.comparison.run import Judged
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.reports.report import Report

TODAY = datetime.date(2026, 1, 1)
NETWORK = Network((Dense(2, 1, "sigmoid"),), Loss("binary_cross_entropy"))
MATCHING = Row(
    pairing="tiny",
    subject="tiny.subject",
    reference="torch",
    quantity="gradient",
    tensor="dense_1/kernel",
    point="data",
    step=0,
    dtype="float64",
    shape="2×1",
    max_abs_diff=1 / 3,
    max_rel_diff=0.1,
    bound=2 / 3,
    bound_used=0.5,
    power=1e-12,
    power_median=1e-13,
    power_worst=float("inf"),
    zeros=0,
    status=Status.MATCH,
)
MISMATCHING = replace(
    MATCHING, step=7, status=Status.MISMATCH, detail="at (0, 0): actual 1, expected 2", cause="why"
)


def record(
    pairing: str = "tiny",
    references: tuple[str, ...] = ("torch",),
    waivers: tuple[Waiver, ...] = (),
) -> Record:
    return Record(
        pairing=pairing,
        subject=f"{pairing}.subject",
        network=NETWORK,
        optimizer=GradientDescent(0.1),
        dtype="float64",
        quantities=("loss", "gradient"),
        waivers=waivers,
        references=references,
        steps=1,
    )


def made(*rows: Row, notes: list[str] | None = None, waivers: tuple[Waiver, ...] = ()) -> Report:
    """A report on the pairing tiny."""
    report = Report.of([Judged(record(waivers=waivers), list(rows))], {"dtype": "float64"}, TODAY)
    report.notes += notes or []
    return report
