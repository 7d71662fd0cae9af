"""The gate: every fault planted in the hand-written code is caught, every mere rewrite passes."""

from __future__ import annotations

import pytest

from backproof.comparison.judging.rows import Status, exit_status
from tests.gauging.gate import planted_articles
from tests.gauging.gate.planted import FAULTS, NOT_A_NUMBER, REWRITES, Edit, Judge
from tests.halves import slow_but


def pairing_of(edit: Edit) -> str:
    """What all networks share is judged on `circles`."""
    return edit.name.split(":")[0].replace("training", "circles")


ALL_FAULTS = [*FAULTS, *planted_articles.FAULTS]
ALL_REWRITES = [*REWRITES, *planted_articles.REWRITES]


def quick(edits: list[Edit]) -> list[Edit]:
    """Those of small networks."""
    return [edit for edit in edits if not edit.name.startswith(("captcha", "breast_cancer"))]


EXPLAINED = quick(ALL_FAULTS[::8])


@pytest.mark.parametrize(
    "fault", slow_but(EXPLAINED, ALL_FAULTS, 0.4), ids=lambda fault: fault.name
)
def test_a_planted_fault_is_a_mismatch(
    fault: Edit, judge_edited: Judge, request: pytest.FixtureRequest
) -> None:
    """The verdict; of some a cause is looked for as well, whose words are tested elsewhere."""
    if fault not in EXPLAINED:
        request.getfixturevalue("unexplained")
    rows = judge_edited(pairing_of(fault), fault.file, fault.old, fault.new)
    assert exit_status([row.status for row in rows]) == 1
    told = [row for row in rows if row.status is Status.MISMATCH]
    assert all("actual" in row.detail or "samples right" in row.detail for row in told if row.power)


@pytest.mark.parametrize(
    "rewrite",
    slow_but(quick(ALL_REWRITES[::4]), ALL_REWRITES, 0.4),
    ids=lambda rewrite: rewrite.name,
)
def test_a_correct_rewrite_passes(rewrite: Edit, judge_edited: Judge) -> None:
    rows = judge_edited(pairing_of(rewrite), rewrite.file, rewrite.old, rewrite.new)
    assert [row for row in rows if row.status is not Status.MATCH] == []


@pytest.mark.slow(3)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_not_a_number_is_an_error(judge_edited: Judge) -> None:
    rows = judge_edited("clusters", NOT_A_NUMBER.file, NOT_A_NUMBER.old, NOT_A_NUMBER.new)
    wrong = [row for row in rows if row.status is not Status.MATCH]
    errors = [row for row in wrong if row.status is Status.ERROR]
    assert {row.point for row in errors} == {"large_logits", "huge_outputs"}
    assert all("not finite" in row.cause for row in errors)
    assert exit_status([row.status for row in rows]) != 0


@pytest.mark.parametrize(
    ("name", "steps"),
    slow_but(
        [("xor", 100)],
        [
            ("xor", 100),
            ("circles", 100),
            ("clusters", 100),
            ("clusters_minibatch", 100),
            ("layered", 100),
            ("breast_cancer", 100),
            ("captcha", 3),
        ],
        2,
    ),
)
def test_strength_on_the_data(name: str, steps: int, judge_edited: Judge) -> None:
    """In float64 every gradient at every compared step would show a relative error of 1e-9."""
    nothing = "import numpy as np"
    rows = judge_edited(name, f"{name}.py", nothing, nothing, steps)
    gradients = [row for row in rows if row.quantity == "gradient" and row.point == "data"]
    assert len({row.step for row in gradients}) == steps
    assert max(row.power for row in gradients if row.power is not None) <= 1e-9
