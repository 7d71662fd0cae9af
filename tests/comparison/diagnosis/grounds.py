"""Records made by hand: a network's points, with the definition for subject and reference alike."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.judging.rows import Row
from backproof.comparison.judging.verdicts import compare
from backproof.comparison.pairing.pairing import Pairing, load_all
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.comparison.record.subject_run import at_rest
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.network import quantities
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.probes.probes import Probe, probes
from tests.project import ROOT

PAIRINGS = {each.name: each for each in load_all([ROOT / "comparisons"])[0]}
TODAY = datetime.date(2026, 1, 1)


def record_of(
    network: Network,
    optimizer: Optimizer,
    data: tuple[Parameters, Batch] | None = None,
    *,
    steps: int = 3,
    intervene: Intervention = unchanged,
    quantities: tuple[str, ...] = quantities.ALL,
    points: list[Probe] | None = None,
    dtype: str = "float64",
) -> Record:
    """The definition with changes is the subject, on its own training steps and at the probes."""
    record = Record(
        pairing="made",
        subject="made",
        network=network,
        optimizer=optimizer,
        dtype=dtype,
        quantities=quantities,
        waivers=(),
        references=("torch",),
        steps=steps,
        evaluations={SUBJECT: {}, "torch": {}},
    )
    right: list[dict[str, Any]] = []

    def visit(point: Point, parameters: Parameters, batch: Batch) -> dict[str, Any]:
        record.parameters[point] = parameters
        earlier = list(right)
        given = (network, optimizer, parameters, batch)
        right.append(computed(*given))
        wrong = computed(*given, intervene, earlier)
        for name, found in ((SUBJECT, wrong), ("torch", right[-1])):
            wanted = record.names(point)
            record.evaluations[name][point] = {
                key: np.asarray(value) for key, value in found.items() if key in wanted
            }
        return wrong

    if data is not None:
        state, batch = data
        record.batches[DATA] = batch
        for step in range(steps):
            found = visit(Point(DATA, step), state, batch)
            state = {name: found[f"updated/{name}"] for name in state}
    chosen = probes(network, optimizer, dtype) if points is None else points
    for probe in chosen:
        record.batches[probe.name] = probe.batch
        visit(Point(probe.name, 0), probe.parameters, probe.batch)
    return record


def of_pairing(
    pairing: Pairing, intervene: Intervention = unchanged, *, dtype: str = "float64"
) -> Record:
    """A pairing's first steps and probes, computed by its definition with changes."""
    batch, initial = pairing.start(ROOT, dtype)
    data = (initial | at_rest(pairing.network, pairing.optimizer, dtype), pairing.cut(batch, 0))
    return record_of(pairing.network, pairing.optimizer, data, intervene=intervene, dtype=dtype)


def judged(record: Record) -> list[Row]:
    """The rows that the gate makes of a record."""
    return compare(record, Bounds(record), Certainty(record, wanted=False), TODAY)
