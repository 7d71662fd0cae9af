"""A history keeps what each run came to, whoever writes at once, whatever its file has become."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from backproof.comparison.judging.rows import Status
from backproof.mathematics.errors import UsageError
from backproof.reports import history
from tests.faces.test_bad_input import backproof, write_pairing
from tests.reports.sample import MATCHING, MISMATCHING, made


def test_a_row_says_what_its_run_came_to(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    first = made(MATCHING, replace(MATCHING, status=Status.UNDECIDED, bound_used=0.5, step=1))
    (entry,) = history.append(first, path, "abc")
    assert (entry.pairing, entry.reference) == (MATCHING.pairing, MATCHING.reference)
    assert (entry.verdict, entry.revision, entry.bound_used) == ("UNDECIDED", "abc", 0.5)
    assert json.loads(entry.counts) == {"MATCH": 1, "UNDECIDED": 1}
    first.environment["python"] = "4"
    both = history.append(first, path, "def")
    assert [each.revision for each in both] == ["abc", "def"]
    assert both[0].versions != both[1].versions
    assert history.read(path) == both


def test_runs_that_end_at_once_are_all_kept(tmp_path: Path) -> None:
    path, report = tmp_path / "history.sqlite", made(MATCHING)
    threads = [
        threading.Thread(target=history.append, args=(report, path, str(k))) for k in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(each.revision) for each in history.read(path)) == list(range(12))


@pytest.mark.parametrize("content", ["no database " * 99, "foreign"])
def test_what_is_no_history_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "history"
    if content == "foreign":
        with sqlite3.connect(path) as file:
            file.execute(f"CREATE TABLE {history.TABLE} (mine)")
        file.close()
    else:
        path.write_text(content)
    before = path.read_bytes()
    for use in (lambda: history.append(made(MATCHING), path, ""), lambda: history.read(path)):
        with pytest.raises(UsageError, match="cannot be used"):
            use()
    assert path.read_bytes() == before


def test_the_page_shows_the_trend_and_is_the_same_without_it(tmp_path: Path) -> None:
    plain = made(MISMATCHING).rendered()["report.html"]
    report = made(MISMATCHING)
    for _ in range(2):
        report.history = history.append(report, tmp_path / "history.sqlite", "")
    page = report.rendered()["report.html"]
    assert 'id="history"' in page
    assert "<title>run 2: " in page
    assert 'id="history"' not in plain
    report.history = None
    assert report.rendered()["report.html"] == plain


def test_the_commit_is_what_git_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert history.head() == ""
    for command in (
        "git init -q",
        "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one",
    ):
        subprocess.run(command.split(), check=True)
    known = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert history.head() == known.stdout[:12]
    monkeypatch.setenv("PATH", "")
    assert history.head() == ""


def test_a_run_is_added_and_a_damaged_file_costs_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "comparisons").mkdir()
    write_pairing(tmp_path / "comparisons", "one")
    options = ("--reference", "torch", "--history", "history.sqlite")
    done = backproof("verify", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = backproof("history", "history.sqlite", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "one" in told.stdout
    (tmp_path / "history.sqlite").write_text("no database " * 99)
    done = backproof("verify", *options, cwd=tmp_path)
    assert done.returncode == 0
    assert "comparisons match" in done.stdout
    assert "the history history.sqlite cannot be used" in " ".join(done.stderr.split())
    assert backproof("history", "history.sqlite", cwd=tmp_path).returncode == 2
    assert backproof("history", "nowhere", cwd=tmp_path).returncode == 2
