"""Writing a report: nothing half written, nothing lost that is not ours, all in its folder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.comparison.record.archive import folder_name
from backproof.comparison.record.record import Point, Record
from backproof.mathematics.errors import UsageError
from backproof.reports.formats import FORMATS, Format
from tests.reports.sample import MATCHING, MISMATCHING, made, record


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stored(folder):
    """The pairings whose evaluations are stored."""
    return sorted(path.name for path in (folder / "evaluations").iterdir() if path.is_dir())


def test_a_format_that_fails_leaves_the_former_report_untouched(tmp_path, monkeypatch):
    made(MATCHING).write(tmp_path)
    before = contents(tmp_path)

    def broken(report):
        raise ZeroDivisionError

    monkeypatch.setitem(FORMATS._read, "report_md", Format("report_md", "report.md", broken))
    with pytest.raises(ZeroDivisionError):
        made(MISMATCHING).write(tmp_path)
    assert contents(tmp_path) == before


def test_a_save_that_fails_leaves_the_former_report_whole(tmp_path, monkeypatch):
    made(MATCHING).write(tmp_path)
    before = contents(tmp_path)

    def broken(self, folder):
        (folder / "points.safetensors").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Record, "save", broken)
    with pytest.raises(UsageError, match=r"cannot be written \(No space left"):
        made(MISMATCHING).write(tmp_path)
    assert contents(tmp_path) == before


def test_what_others_keep_in_the_folder_stays(tmp_path):
    own = tmp_path / "evaluations" / "own"
    own.mkdir(parents=True)
    (own / "thesis.txt").write_text("years of work")
    (tmp_path / "evaluations" / "notes.txt").write_text("x")
    made(MATCHING).write(tmp_path)
    names = sorted(path.name for path in (tmp_path / "evaluations").iterdir())
    assert names == ["manifest.json", "notes.txt", "own", "tiny"]
    assert (own / "thesis.txt").read_text() == "years of work"


def test_what_is_in_the_way_is_named_and_kept(tmp_path):
    (tmp_path / "evaluations" / "tiny").mkdir(parents=True)
    (tmp_path / "evaluations" / "tiny" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="tiny is in the way"):
        made(MATCHING).write(tmp_path)
    assert (tmp_path / "evaluations" / "tiny" / "thesis.txt").exists()
    assert (tmp_path / "report.md").exists()


def test_evaluations_of_a_former_run_are_replaced_and_removed(tmp_path):
    former = made(MATCHING)
    former.records.append(record("gone"))
    former.write(tmp_path)
    assert (tmp_path / "evaluations" / "gone" / "record.json").exists()
    made(MATCHING).write(tmp_path)
    assert stored(tmp_path) == ["tiny"]


@pytest.mark.parametrize("name", ["../../up", "a/b", "..", ".", ".hidden", "", "größe 1"])
def test_no_name_of_a_pairing_leads_out_of_the_folder(tmp_path, name):
    report = made(replace(MATCHING, pairing=name))
    report.records = [record(name)]
    report.write(tmp_path / "in" / "report")
    found = [path.parent for path in tmp_path.rglob("record.json")]
    assert found == [tmp_path / "in" / "report" / "evaluations" / folder_name(name)]
    assert Record.load(found[0]).pairing == name


def test_usual_names_are_folder_names_as_they_are():
    for name in ("circles", "xor_2", "my-net.v1"):
        assert folder_name(name) == name


def test_values_that_cannot_be_stored_do_not_cost_the_report(tmp_path):
    report = made(MATCHING)
    dates = np.zeros(2, "datetime64[s]")
    report.records[0].evaluations = {"subject": {Point("data", 0): {"loss": dates}}}
    report.records.append(record("other"))
    with pytest.raises(UsageError, match="the evaluations of tiny cannot be stored"):
        report.write(tmp_path)
    assert (tmp_path / "comparisons.csv").exists()
    assert stored(tmp_path) == ["other"]


@pytest.mark.parametrize("name", ["comparisons.csv", "report.md", "evaluations"])
def test_a_place_that_cannot_be_written_is_named_and_the_rest_is_written(tmp_path, name):
    if name == "evaluations":
        (tmp_path / name).write_text("a file")
    else:
        (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=f"{name} is in the way"):
        made(MATCHING).write(tmp_path)
    others = {"comparisons.csv", "report.md", "environment.json"} - {name}
    assert all((tmp_path / other).is_file() for other in others)
