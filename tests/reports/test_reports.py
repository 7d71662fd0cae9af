"""The reports: whole files, the same bytes, every digit, and no match where there is none."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import replace

import numpy as np
import pytest

from backproof.comparison.judging.rows import COLUMNS, Status
from backproof.implementations.host import files
from backproof.implementations.host.files import check_writable, write_whole
from backproof.reports import formats
from backproof.reports.formats import comparisons_csv, report_md
from backproof.reports.report import all_formats
from tests.reports.sample import MATCHING, MISMATCHING, made


def test_the_table_has_its_columns_and_every_digit():
    text = comparisons_csv.render(made(MISMATCHING, MATCHING))
    table = list(csv.reader(io.StringIO(text)))
    assert tuple(table[0]) == COLUMNS
    first = dict(zip(COLUMNS, table[1], strict=True))
    assert float(first["max_abs_diff"]) == 1 / 3
    assert float(first["power_worst"]) == np.inf
    assert first["subject_digits"] == ""
    assert [row[COLUMNS.index("step")] for row in table[1:]] == ["0", "7"]
    assert "\r" not in text


def test_the_columns_are_those_promised():
    assert ", ".join(COLUMNS) == (
        "pairing, subject, reference, quantity, tensor, point, step, dtype, shape, max_abs_diff, "
        "max_rel_diff, bound, bound_used, power, power_median, power_worst, zeros, "
        "subject_digits, reference_digits, grade, status, cause, detail"
    )


def test_the_frame_holds_the_same_as_the_table():
    frame = made(MISMATCHING, MATCHING).to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["max_abs_diff"].tolist() == [1 / 3, 1 / 3]
    assert frame["status"].tolist() == ["MATCH", "MISMATCH"]


@pytest.mark.parametrize(
    ("rows", "notes", "status", "exit_status", "said"),
    [
        ([MATCHING], [], Status.MATCH, 0, "All 1 comparisons match."),
        ([MATCHING, MISMATCHING], [], Status.MISMATCH, 1, "1 MATCH, 1 MISMATCH"),
        ([MATCHING, replace(MATCHING, status=Status.ERROR)], [], Status.ERROR, 3, "1 ERROR"),
        ([replace(MATCHING, status=Status.UNDECIDED)], [], Status.UNDECIDED, 3, "1 UNDECIDED"),
        ([replace(MATCHING, status=Status.WAIVED)], [], Status.WAIVED, 0, "1 WAIVED"),
        ([], [], Status.ERROR, 3, "Nothing was compared"),
        ([MATCHING], ["broken.py:2"], Status.ERROR, 2, "1 not loaded"),
        ([], ["broken.py:2"], Status.ERROR, 2, "Nothing was compared"),
        ([MISMATCHING], ["broken.py:2"], Status.MISMATCH, 1, "1 not loaded"),
    ],
)
def test_only_a_full_match_is_called_one(rows, notes, status, exit_status, said):
    report = made(*rows, notes=notes)
    assert (report.status, report.exit_status) == (status, exit_status)
    assert said in report_md.render(report)
    assert ("comparisons match." in report.to_markdown()) == (rows == [MATCHING] and not notes)


def test_a_mismatch_is_told_with_its_cause_and_place():
    text = made(MATCHING, MISMATCHING).to_markdown()
    told = text[text.index("- **MISMATCH**") :].splitlines()[:3]
    assert told == [
        "- **MISMATCH** `gradient/dense_1/kernel`: why",
        "  - where: step 7",
        "  - worst, step 7: at (0, 0): actual 1, expected 2",
    ]
    assert "**Cause:** why" in text
    assert "\nWhat to do: `backproof explain tiny` derives " in text
    assert "worst, step 7: at (0, 0): actual 1, expected 2" in text
    assert "why" in text


def test_waivers_are_shown_in_every_report():
    assert "## Waivers\n\nNone." in made(MATCHING).to_markdown()
    waived = replace(MATCHING, status=Status.WAIVED, cause="MISMATCH, waived until 2027: rewrite")
    assert "waived until 2027: rewrite" in made(waived).to_markdown()


def test_two_reports_of_the_same_rows_are_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        made(MATCHING, MISMATCHING).write(tmp_path / name)
    for file in (
        "comparisons.csv",
        "report.md",
        "report.html",
        "summary.md",
        "environment.json",
        "evaluations/tiny/record.json",
    ):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_every_format_is_found():
    wanted = {"comparisons.csv", "report.md", "report.html", "summary.md", "environment.json"}
    assert {f.file for f in all_formats()} == wanted


def test_a_format_is_added_by_adding_a_file_of_any_name(tmp_path, monkeypatch):
    (tmp_path / "brief.py").write_text(
        "from backproof.reports.formats import Format\n"
        "PART = Format('brief', 'brief.txt', lambda report: 'brief')\n"
    )
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    made(MATCHING).write(tmp_path / "report")
    monkeypatch.delitem(sys.modules, "backproof.reports.formats.brief")
    monkeypatch.delitem(formats.FORMATS._read, "brief")
    assert (tmp_path / "report" / "brief.txt").read_text() == "brief"


def test_a_write_that_fails_leaves_the_former_file(tmp_path, monkeypatch):
    path = tmp_path / "comparisons.csv"
    write_whole(path, "before")

    def broken(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(files.os, "fsync", broken)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["comparisons.csv"]


def test_evaluations_of_pairings_that_are_gone_go_too(tmp_path):
    (tmp_path / "evaluations" / "gone").mkdir(parents=True)
    made(MATCHING).write(tmp_path)
    assert [p.name for p in (tmp_path / "evaluations").iterdir() if p.is_dir()] == ["tiny"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="no report can be written there"):
        check_writable(tmp_path / "file" / "report")
