"""What changed between two reports: every change is told, and two of the same run have none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backproof.comparison.judging.rows import Row, Status
from backproof.faces.command_line.main import app
from backproof.mathematics.errors import UsageError
from backproof.reports.changes import Changes, Figure, Verdicts
from tests.reports.sample import MATCHING, MISMATCHING, made

LATER = replace(MATCHING, step=1)


def written(folder: Path, *rows: Row, **environment: str) -> Path:
    report = made(*rows)
    report.environment |= environment
    report.write(folder)
    return folder


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return written(tmp_path / "old", MATCHING, LATER)


def between(old: Path, *rows: Row, **environment: str) -> Changes:
    return Changes.between(old, written(old.parent / "new", *rows, **environment))


def test_the_same_run_has_no_changes(old: Path) -> None:
    changes = between(old, MATCHING, LATER)
    assert (changes.verdicts, changes.figures, changes.versions) == ([], [], [])
    assert changes.sentence == "Every one of the 2 comparisons has the verdict that it had."


def test_what_is_worse_stands_first_with_its_cause(old: Path) -> None:
    changes = between(old, replace(MISMATCHING, step=0), LATER, replace(MATCHING, step=2))
    assert changes.worse
    assert changes.verdicts == [
        Verdicts("tiny", "torch", MATCHING.name, "MATCH", "MISMATCH", 1, "why"),
        Verdicts("tiny", "torch", MATCHING.name, "–", "MATCH", 1, ""),
    ]


def test_a_comparison_that_is_not_made_any_more_is_worse(old: Path) -> None:
    changes = between(old, MATCHING)
    assert [(each.old, each.new, each.worse) for each in changes.verdicts] == [("MATCH", "–", True)]


def test_what_failed_and_passes_now_is_not(tmp_path: Path) -> None:
    old = written(tmp_path / "old", MISMATCHING)
    changes = between(old, replace(MISMATCHING, status=Status.MATCH, cause=""))
    assert not changes.worse
    assert changes.sentence.startswith("0 comparisons that passed do not")


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("gradient power", "power", 1e-11),
        ("bound used", "bound_used", 0.75),
        ("correct digits", "subject_digits", 12.5),
    ],
)
def test_another_figure_is_told(old: Path, name: str, column: str, value: float) -> None:
    (found,) = between(old, replace(MATCHING, **{column: value}), LATER).figures
    if name == "correct digits":  # there were none
        assert found.old != found.old
        found = replace(found, old=0.0)
    assert found == Figure("tiny", "torch", name, found.old, value)


def test_other_versions_are_told(old: Path) -> None:
    changes = between(old, MATCHING, LATER, numpy="9.9")
    assert changes.versions == [("numpy", "–", "9.9")]
    assert not changes.worse


def test_the_names_of_tensors_may_look_like_numbers(old: Path) -> None:
    odd = replace(MATCHING, tensor="NaN", pairing="tiny")
    changes = between(old, MATCHING, LATER, odd)
    assert [each.name for each in changes.verdicts] == ["gradient/NaN"]


@pytest.mark.parametrize("text", [None, "", "a,b\n1,2\n", "\x00\xff"])
def test_a_folder_that_holds_no_report_is_refused(old: Path, text: str | None) -> None:
    table = old / "comparisons.csv"
    table.unlink()
    if text is not None:
        table.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match=r"comparisons\.csv (cannot be read|has no column)"):
        Changes.between(old, old)


def test_a_damaged_environment_is_refused(old: Path) -> None:
    (old / "environment.json").write_text("{")
    with pytest.raises(UsageError, match="is damaged"):
        Changes.between(old, old)


def test_the_command_tells_them_and_its_status(old: Path) -> None:
    new = written(old.parent / "new", replace(MISMATCHING, step=0), LATER, numpy="[red]9")
    done = CliRunner().invoke(app, ["compare", str(old), str(new)])
    assert done.exit_code == 1
    assert "MATCH → MISMATCH tiny against torch: gradient/dense_1/kernel, 1 comparisons" in (
        done.stdout
    )
    assert done.stdout.index("why") < done.stdout.index("[red]9")
    assert CliRunner().invoke(app, ["compare", str(old), str(old)]).exit_code == 0
