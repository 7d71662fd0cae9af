"""A run in half precision: what was measured of a framework counts where it is known to hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.pairing.pairing import Pairing, load_all
from backproof.comparison.record.record import Record
from backproof.comparison.run import Judged, Workers, new_record
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.reports.report import Report
from tests.gauging.gate.conftest import ROOT, TODAY
from tests.reports.sample import record


@pytest.fixture
def pairing() -> Pairing:
    return next(each for each in load_all([ROOT / "comparisons"])[0] if each.name == "xor")


def test_a_model_of_ones_own_is_not_calibrated(
    pairing: Pairing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody measured what it is built of; a twin is built of what was."""
    monkeypatch.setattr(Workers, "calibrated", lambda self, name: True)
    with Workers([], "bfloat16", ROOT) as workers:
        assert all(pairing.references.values())
        assert new_record(pairing, workers).calibrated == ()
        built = replace(pairing, references={"keras": None, "torch": pairing.references["torch"]})
        assert new_record(built, workers).calibrated == ("keras",)


def test_no_worker_is_tried_in_other_dtypes() -> None:
    with Workers([], "float64", ROOT) as workers:
        assert not workers.calibrated("torch")


@pytest.mark.slow(3)
def test_a_worker_that_is_lost_is_not_calibrated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "backproof.implementations.calibration.precisions.measured_here", lambda *_: False
    )
    with Workers(["torch"], "bfloat16", ROOT) as workers:
        workers.by_name["torch"].kill()
        assert not workers.calibrated("torch")


def half(*calibrated: str) -> Record:
    known = record(references=("keras", "torch"))
    known.dtype, known.calibrated = "bfloat16", calibrated
    return known


def test_bounds_are_of_what_is_known() -> None:
    bounds = Bounds(half("torch"))
    assert bounds.rounding("torch").unit_in("matmul") == 2.0**-24
    assert bounds.rounding("keras").unit_in("matmul") == 2.0**-8
    assert bounds.rounding("keras").unit == 2.0**-7  # it may truncate
    assert bounds.rounding("subject") == Rounding.of("float32")


def test_the_report_says_what_is_charged() -> None:
    text = Report.of([Judged(half("torch"), [])], {"dtype": "bfloat16"}, TODAY).to_markdown()
    lines = [line for line in text.splitlines() if "bfloat16:" in line]
    assert lines[0].startswith("- keras, bfloat16: all is charged in bfloat16 itself")
    assert lines[1].startswith("- torch, bfloat16: ")
    assert "float32: " in lines[1]
    assert "matmul" in lines[1]


def test_a_record_remembers_it(tmp_path) -> None:
    half("torch").save(tmp_path)
    assert Record.load(tmp_path).calibrated == ("torch",)
