"""Every pairing's PyTorch twin, recorded at its start and judged without a framework."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backproof import verify
from backproof.comparison import run
from backproof.comparison.judging import verdicts
from backproof.comparison.pairing.pairing import Pairing, load_all
from backproof.comparison.record import subject_run
from backproof.comparison.record.record import DATA, Point
from backproof.mathematics.network.parameters import MASK
from tests.halves import slow_but
from tests.project import ROOT
from tests.workers import Shared

PAIRINGS = {each.name: each for each in load_all([ROOT / "comparisons"])[0]}
START = Point(DATA, 0)


def of_torch(pairing: Pairing, workers: run.Workers) -> tuple[dict[str, Any], set[str]]:
    """What the twin gives at the start, by name; and the statuses that `verify` gives it there."""
    alone = replace(pairing.against(["torch"]), steps=1, points=None)
    (found,) = run.verify([alone], workers, datetime.date.today(), certified=False)
    assert isinstance(found, run.Judged), found
    record = found.record
    batch, state = record.batch(START), record.parameters[START]
    given = {f"parameters/{name}": value for name, value in state.items()}
    given |= {"inputs": batch.inputs, "targets": batch.targets}
    given |= {f"{MASK}{node}": mask for node, mask in batch.masks.items()}
    if batch.weights is not None:
        given["weights"] = batch.weights
    rows = [row for row in found.rows if (row.point, row.step) == (DATA, 0)]
    assert rows
    return given | record.evaluations["torch"][START], {str(row.status) for row in rows}


@pytest.mark.parametrize("name", slow_but(["xor"], PAIRINGS, 4))
def test_a_twin_is_judged_as_recorded_numbers(
    name: str, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "explain", lambda *_: False)  # the verdict alone
    monkeypatch.setattr(subject_run, "probes", lambda *_: [])  # at the start alone
    pairing = PAIRINGS[name]
    given, statuses = of_torch(pairing, shared("torch"))
    optimizer = pairing.optimizer if "updated" in pairing.quantities else None
    report = verify(pairing.network, recorded=given, optimizer=optimizer)
    assert {str(row.status) for row in report.rows} == statuses == {"MATCH"}
    wrong = next(name for name in given if name.startswith("gradient/"))
    given[wrong] = given[wrong] * (1 + 1e-6 * np.ones_like(given[wrong]))
    assert str(verify(pairing.network, recorded=given, optimizer=optimizer).status) == "MISMATCH"
