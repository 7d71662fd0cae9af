"""Whatever happens at whatever moment of writing: a report is the new one or the former, whole."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

import pytest
from safetensors import SafetensorError

from backproof.comparison.record import archive, record
from backproof.implementations.host import files
from backproof.implementations.host.files import UNFINISHED, settle, write_together
from backproof.mathematics.errors import UsageError
from backproof.reports.report import Report
from tests.halves import slow_but
from tests.reports.evaluated import evaluated, judged, wrong_loss

# A report of one pairing takes fewer steps than that; the last ones fall behind its end.
MOMENTS = range(1, 41)
FULL = OSError(28, "No space left on device")


class KilledError(BaseException):
    """Stands for the end of the process: nothing is undone or removed after it."""


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fail_at(moment: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise in the place of the n-th operation that writes to the disk."""
    left = [moment]

    def failing(original, full):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                raise full
            return original(*arguments, **options)

        return call

    monkeypatch.setattr(os, "fsync", failing(os.fsync, error))
    monkeypatch.setattr(Path, "rename", failing(Path.rename, error))
    monkeypatch.setattr(Path, "replace", failing(Path.replace, error))
    monkeypatch.setattr(Path, "write_text", failing(Path.write_text, error))
    disk = SafetensorError("I/O error: No space left") if error is FULL else error
    monkeypatch.setattr(record, "save_file", failing(record.save_file, disk))


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("former")
    judged(evaluated("former"), evaluated("tiny")).write(folder)
    return folder


@pytest.fixture(scope="module")
def latter(former: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("latter") / "report"
    shutil.copytree(former, folder)  # a summary tells what has changed since
    wrong().write(folder)
    return folder


@cache
def wrong() -> Report:
    """Judged once: writing changes nothing of it."""
    return judged(evaluated("tiny", wrong_loss))


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["disk_full", "interrupted"])
@pytest.mark.parametrize("moment", slow_but(MOMENTS[::4], MOMENTS, 0.1))
def test_what_fails_or_is_interrupted_leaves_the_former_report(
    moment, error, former, latter, tmp_path, monkeypatch
):
    folder = tmp_path / "report"
    shutil.copytree(former, folder)
    report = wrong()
    with monkeypatch.context() as patch:
        fail_at(moment, error, patch)
        try:
            report.write(folder)
        except (UsageError, KeyboardInterrupt):
            expected = former
        else:
            expected = latter
    assert contents(folder) == contents(expected)
    assert (expected is former) == (moment <= STEPS)
    assert not list(folder.glob(".*"))


# How many of those operations a report of one pairing takes in the place of one of two: 3 files of
# tensors and 1 of JSON, 5 seals, 2 for each of 5 files and the journal, the manifest, 15 renames.
STEPS = 37


@pytest.mark.parametrize("moment", slow_but(range(1, STEPS + 1, 4), range(1, STEPS + 1), 0.1))
def test_what_a_killed_run_has_left_is_undone_and_removed(
    moment, former, latter, tmp_path, monkeypatch
):
    folder = tmp_path / "report"
    shutil.copytree(former, folder)
    with monkeypatch.context() as patch:
        patch.setattr(files, "undo", lambda made: None)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        fail_at(moment, KilledError(), patch)
        with pytest.raises(KilledError):
            wrong().write(folder)
    replayed = archive.load(folder)
    assert [each.pairing for each in replayed.records] == ["former", "tiny"]
    wrong().write(folder)
    assert contents(folder) == contents(latter)
    assert not list(folder.glob(".*"))


def test_folders_of_the_version_before_are_removed_and_other_hidden_files_are_not(tmp_path):
    (tmp_path / ".evaluations-abcd1234" / "former").mkdir(parents=True)
    (tmp_path / ".report.md-abcd1234").write_text("half")
    (tmp_path / ".gitignore").write_text("*")
    (tmp_path / ".report.md-notes").write_text("mine")
    settle(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", ".report.md-notes"]


@pytest.mark.parametrize("behind", ["former", "nothing"])
def test_nothing_behind_a_link_is_deleted(behind, former, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(former / "evaluations", elsewhere) if behind == "former" else elsewhere.mkdir()
    before = contents(elsewhere)
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "evaluations").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="it is a link or a file, and nothing behind it"):
        judged(evaluated()).write(folder)
    assert contents(elsewhere) == before
    assert (folder / "report.md").exists()


def test_a_folder_with_more_than_evaluations_is_left_alone(former, tmp_path):
    shutil.copytree(former, tmp_path / "report")
    (tmp_path / "report" / "evaluations" / "former" / "thesis.txt").write_text("years of work")
    judged(evaluated()).write(tmp_path / "report")
    kept = tmp_path / "report" / "evaluations" / "former" / "thesis.txt"
    assert kept.read_text() == "years of work"


@pytest.mark.parametrize("moment", range(1, 9))
def test_other_reports_are_whole_too(moment, tmp_path, monkeypatch):
    new = {"reproduction.md": "new", "figures/loss.png": b"new"}
    write_together(tmp_path, dict.fromkeys(new, "old"))
    with monkeypatch.context() as patch:
        fail_at(moment, FULL, patch)
        with pytest.raises(UsageError, match=r"cannot be written \(No space left on device\)"):
            write_together(tmp_path, new)
    assert set(contents(tmp_path).values()) == {b"old"}
    write_together(tmp_path, new)
    assert set(contents(tmp_path).values()) == {b"new"}
    assert not list(tmp_path.glob(f"{UNFINISHED}*"))
