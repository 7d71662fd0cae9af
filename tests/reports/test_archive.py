"""A stored folder: judged again in full, or refused with a sentence; never less than was judged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.record import archive
from backproof.comparison.record.record import FORMAT, Record
from backproof.comparison.run import judge_again
from backproof.mathematics.errors import UsageError
from backproof.reports.report import Report
from tests.reports.evaluated import evaluated, judged, wrong_loss
from tests.reports.sample import TODAY

FILES = (
    "environment.json",
    "evaluations/manifest.json",
    "evaluations/right/record.json",
    "evaluations/right/points.safetensors",
    "evaluations/right/subject.safetensors",
    "evaluations/right/torch.safetensors",
    "evaluations/wrong/torch.safetensors",
)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(bytes(content))


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "flipped": flip,
    "other": lambda path: path.write_bytes(b"\xff\xfe[1, 2]"),
    "folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    judged(evaluated("right"), evaluated("wrong", wrong_loss)).write(folder)
    return folder


@pytest.fixture
def stored(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "stored"))


@pytest.fixture
def older(stored: Path) -> Path:
    """The same as the version before wrote it: without a manifest, and without a format."""
    (stored / "evaluations" / "manifest.json").unlink()
    for path in stored.glob("evaluations/*/record.json"):
        described = json.loads(path.read_text())
        for key in ("format", "fingerprints", "work"):
            del described[key]
        path.write_text(json.dumps(described))
    return stored


def test_a_whole_folder_gives_the_same_rows(stored):
    known = archive.load(stored)
    again = list(judge_again(known.records, TODAY))
    rows = judged(evaluated("right"), evaluated("wrong", wrong_loss)).rows
    assert sorted(map(str, (row for each in again for row in each.rows))) == sorted(map(str, rows))
    assert known.environment == {"dtype": "float64"}
    assert known.notes == []


# But white space at the end of the manifest, which leaves its sense alone.
HARMFUL = [
    (name, damage)
    for name in FILES
    for damage in DAMAGES
    if not name.endswith("manifest.json") or damage not in ("longer", "flipped")
]


@pytest.mark.parametrize(("name", "damage"), HARMFUL)
def test_a_damaged_file_is_named(name, damage, stored):
    DAMAGES[damage](stored / name)
    with pytest.raises(UsageError) as refused:
        archive.load(stored)
    assert str(stored / name) in str(refused.value)
    assert "write the report again" in str(refused.value)


@pytest.mark.parametrize("damage", ["empty", "cut", "other"])
@pytest.mark.parametrize("name", [name for name in FILES if "manifest" not in name])
def test_a_damaged_file_of_the_version_before_is_named(name, damage, older):
    DAMAGES[damage](older / name)
    with pytest.raises(UsageError, match="is missing or damaged"):
        archive.load(older)


def test_a_folder_of_the_version_before_gives_the_same_rows(older):
    (right, wrong) = judge_again(archive.load(older).records, TODAY)
    assert {row.status for row in right.rows} == {Status.MATCH}
    assert {row.name for row in wrong.rows if row.status is Status.MISMATCH} == {"loss"}


@pytest.mark.parametrize("what", ["pairing", "reference"])
def test_less_than_was_judged_is_refused_of_the_version_before_too(what, older):
    if what == "pairing":
        shutil.rmtree(older / "evaluations" / "wrong")
        expected = "has comparisons of wrong with torch, whose evaluations are missing"
    else:
        (older / "evaluations" / "wrong" / "torch.safetensors").unlink()
        expected = "torch.safetensors"
    with pytest.raises(UsageError, match=expected):
        archive.load(older)


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_a_missing_pairing_is_named(name, stored):
    shutil.rmtree(stored / "evaluations" / name)
    with pytest.raises(UsageError, match=f"evaluations/{name}/points.safetensors is missing"):
        archive.load(stored)


def test_a_pairing_of_another_run_is_named(stored):
    shutil.copytree(stored / "evaluations" / "right", stored / "evaluations" / "more")
    with pytest.raises(UsageError, match="more is not of this run"):
        archive.load(stored)


def test_without_the_manifest_nothing_is_judged(stored):
    (stored / "evaluations" / "manifest.json").unlink()
    with pytest.raises(UsageError, match=r"manifest\.json is missing"):
        archive.load(stored)


@pytest.mark.parametrize("file", ["manifest.json", "right/record.json"])
@pytest.mark.parametrize(
    ("found", "message"),
    [
        (FORMAT + 1, f"written by a newer backproof .format {FORMAT + 1}"),
        (1000, "written by a newer backproof"),
        (1, "damaged .format 1"),
        (0, "damaged"),
        ("2", "damaged .format '2'"),
        ([], "damaged"),
    ],
)
def test_another_version_is_refused(file, found, message, stored):
    path = stored / "evaluations" / file
    described = json.loads(path.read_text())
    path.write_text(json.dumps(described | {"format": found}))
    if file != "manifest.json":  # else its seal would tell first
        (stored / "evaluations" / "manifest.json").unlink()
    with pytest.raises(UsageError, match=message):
        archive.load(stored)


def test_what_could_not_be_loaded_or_stored_is_not_forgotten(tmp_path, monkeypatch):
    save = Record.save

    def refusing(self: Record, folder: Path) -> None:
        if self.pairing == "odd":
            raise ValueError("loss has dtype float128, which no file holds")
        save(self, folder)

    monkeypatch.setattr(Record, "save", refusing)
    report = judged(evaluated(), evaluated("odd"), notes=["not loaded: bad.py:3: a mistake"])
    with pytest.raises(UsageError, match="the evaluations of odd cannot be stored"):
        report.write(tmp_path)
    known = archive.load(tmp_path)
    again = Report.of(judge_again(known.records, TODAY), known.environment, TODAY)
    again.notes += known.notes
    assert again.exit_status == 2
    assert "bad.py:3: a mistake" in again.notes[0]
    assert "odd: its evaluations were not stored" in again.notes[1]


# --- the limit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 1500, 3000, 6000])
def test_beyond_the_limit_what_matches_is_left_out_and_told(limit, tmp_path):
    report = judged(evaluated("right"), evaluated("wrong", wrong_loss))
    report.write(tmp_path / "all")
    report.write(tmp_path / "cut", evaluations_limit=limit)
    assert (tmp_path / "all" / "comparisons.csv").read_bytes() == (
        tmp_path / "cut" / "comparisons.csv"
    ).read_bytes()
    told = (tmp_path / "cut" / "report.md").read_text()
    assert "cannot be judged again" in told
    assert "cannot be judged again" not in (tmp_path / "all" / "report.md").read_text()
    known = archive.load(tmp_path / "cut")
    again = Report.of(judge_again(known.records, TODAY), known.environment, TODAY)
    assert again.rows == report.rows
    assert again.left_out == report.left_out
    again.write(tmp_path / "again", evaluations_limit=limit)
    assert (tmp_path / "again" / "report.md").read_text() == told
    # What does not match is kept, whatever it takes.
    failing = {(row.point, row.step) for row in report.rows if row.status is not Status.MATCH}
    kept = {(p.name, p.step) for p in known.records[1].parameters}
    assert failing <= kept


def test_within_the_limit_nothing_is_left_out(tmp_path):
    report = judged(evaluated("right"))
    report.write(tmp_path)
    assert report.left_out == {}
    assert not list(tmp_path.rglob("judged.json"))
