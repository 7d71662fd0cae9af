"""summary.md: short whatever there is to tell, and what changed since the report before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backproof.comparison.judging.rows import Status
from backproof.comparison.run import Judged
from backproof.reports.formats import summary_md
from backproof.reports.report import Report
from tests.reports.page import planted
from tests.reports.sample import MATCHING, MISMATCHING, TODAY, made, record


def written(report: Report, folder: Path) -> str:
    report.write(folder)
    return (folder / "summary.md").read_text("utf-8")


def test_verdict_cause_and_file_stand_first():
    report = planted.wrong()
    lines = summary_md.render(report).splitlines()
    failing = sum(not row.status.passes for row in report.rows)
    assert failing
    assert lines[0].startswith(f"## ✕ MISMATCH: {failing:,} of {len(report.rows):,} comparisons")
    assert lines[2].startswith("- ✕ **two_layers** against torch (`scratch/two_layers.py:41`): in")
    assert "it should be 1 - a\\*\\*2" in lines[2]


def test_a_match_says_how_strong_it_is():
    report = planted.matching()
    text = summary_md.render(report)
    assert text.startswith(f"## ✓ MATCH: All {len(report.rows)} comparisons match.\n")
    assert "1 matches: an error in one of the first 1" in text


def test_forty_lines_are_enough_for_anything(tmp_path: Path):
    names = [f"pairing_{k}" for k in range(20)]
    records = [replace(record(name), omits=(f"activation/x{name}",)) for name in names]
    rows = [replace(MISMATCHING, pairing=name, cause="why " * 500) for name in names]
    judged = [Judged(each, [row]) for each, row in zip(records, rows, strict=True)]
    fine = [Judged(each, [replace(MATCHING, pairing=each.pairing)]) for each in records]
    Report.of(fine, {f"v{k}": k for k in range(30)}, TODAY).write(tmp_path)
    report = Report.of(judged, {}, TODAY)
    report.notes += [f"no{k}.py cannot be read" for k in range(9)]
    text = written(report, tmp_path)
    lines = text.splitlines()
    assert len(lines) <= 40
    assert "- and 15 more" in lines
    assert "- and 17 more" in lines
    assert "- and 7 more" in lines
    assert max(map(len, lines)) < 700
    assert "\n\n\n" not in text


def test_what_changed_since_the_report_before_is_told(tmp_path: Path):
    first = written(made(MATCHING), tmp_path)
    assert "before" not in first
    second = written(made(replace(MATCHING, status=Status.MISMATCH, cause="why")), tmp_path)
    assert "Since the report that was here before:" in second
    row = next(line for line in second.splitlines() if "gradient/dense_1/kernel, 1 ×" in line)
    assert [cell.strip() for cell in row.split("|")[2:4]] == ["MATCH", "MISMATCH"]


def test_the_same_run_again_writes_the_same_bytes(tmp_path: Path):
    assert written(made(MATCHING), tmp_path) == written(made(MATCHING), tmp_path)


def test_a_former_report_that_cannot_be_read_costs_nothing(tmp_path: Path):
    written(made(MATCHING), tmp_path)
    (tmp_path / "comparisons.csv").write_text("damaged")
    assert "before" not in written(made(MATCHING), tmp_path)


def test_a_version_that_changed_is_told(tmp_path: Path):
    for version in ("1", "2"):
        report = made(MATCHING)
        report.environment["numpy"] = version
        text = written(report, tmp_path)
    assert "| numpy | 1   | 2   |" in text
