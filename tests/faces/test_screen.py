"""A screen that fails loses nothing: the report is written, the exit status is the verdict's."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from backproof.comparison.record.record import FORMAT
from tests.faces.test_bad_input import write_pairing
from tests.halves import slow_but
from tests.reports.evaluated import evaluated, judged, wrong_loss

FULL = Path("/dev/full")
VERDICTS = {"match": 0, "mismatch": 1}
NEEDS_SHELL = pytest.mark.skipif(os.name == "nt", reason="redirects as a POSIX shell does")
# In a real shell; `test_streams` has each stream of each command.
REDIRECTIONS = (">&-", "2>&1 | true; exit ${PIPESTATUS[0]}", ">/dev/full")
SURROUNDINGS: tuple[dict[str, str], ...] = (
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"LC_ALL": "POSIX"},
    {"PYTHONIOENCODING": "latin-1:strict"},
    {"COLUMNS": "0"},
    {"COLUMNS": "1"},
    {"COLUMNS": "wide"},
    {"TERM": "dumb"},
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A stored run that matches, and one that does not."""
    found = {name: tmp_path_factory.mktemp(name) for name in VERDICTS}
    judged(evaluated("fine")).write(found["match"])
    judged(evaluated("fine"), evaluated("wrong – ×", wrong_loss)).write(found["mismatch"])
    return found


def replayed(
    folder: Path, redirection: str = "", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    command = f'"{sys.executable}" -m backproof replay "$FOLDER" --report "$REPORT" {redirection}'
    known = {"FOLDER": str(folder), "REPORT": str(folder / "again")} | variables
    return subprocess.run(
        ["bash", "-c", command], env={**os.environ, **known}, capture_output=True, check=False
    )


@NEEDS_SHELL
@pytest.mark.parametrize("redirection", slow_but([">&-"], REDIRECTIONS, 1))
@pytest.mark.parametrize("verdict", ["mismatch"])
def test_a_stream_that_cannot_be_written_costs_nothing(redirection, verdict, folders):
    if "/dev/full" in redirection and not FULL.exists():
        pytest.skip("only Linux has /dev/full")
    done = replayed(folders[verdict], redirection)
    assert done.returncode == VERDICTS[verdict], done.stderr
    again = folders[verdict] / "again"
    assert (again / "report.md").read_bytes() == (folders[verdict] / "report.md").read_bytes()
    for path in again.iterdir():
        path.unlink() if path.is_file() else None
    assert b"Traceback" not in done.stderr
    if redirection == ">/dev/full":
        assert b"standard output cannot be written (No space left on device)" in done.stderr


@NEEDS_SHELL
@pytest.mark.parametrize(
    ("variables", "verdict"),
    slow_but([(SURROUNDINGS[0], "mismatch")], product(SURROUNDINGS, VERDICTS), 1),
    ids=lambda given: given if isinstance(given, str) else "-".join(given.values()),
)
def test_the_locale_and_the_width_do_not_matter(variables, verdict, folders):
    done = replayed(folders[verdict], **variables)
    assert done.returncode == VERDICTS[verdict], done.stderr
    assert (folders[verdict] / "again" / "report.md").exists()
    said = b" ".join(done.stdout.split())
    expected = b"comparisons match." if verdict == "match" else b"MISMATCH"
    assert expected in said
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", slow_but(["[/x]"], ["[/x]", "[red]", "[", "\\", "a\x1b[2Jb"], 0.4))
def test_a_name_that_looks_like_markup_is_wrong_usage(name, tmp_path):
    (tmp_path / "comparisons").mkdir()
    (tmp_path / "comparisons" / "broken.py").write_text("x = 1 / 0\n")
    done = subprocess.run(
        [sys.executable, "-m", "backproof", "verify", "--reference", name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert f"no reference {name!r}" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_table_of_toml_prints_as_it_stands(tmp_path):
    (tmp_path / "network.toml").write_text('[loss]\nkind = "squared_error"\n')
    done = subprocess.run(
        [sys.executable, "-m", "backproof", "explain", "network.toml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "[[layers]]" in done.stderr


@pytest.mark.parametrize("damage", slow_but(["cut"], ["missing", "cut", "newer"], 0.5))
def test_a_damaged_folder_is_wrong_usage(damage, tmp_path):
    judged(evaluated()).write(tmp_path)
    record = tmp_path / "evaluations" / "tiny" / "record.json"
    if damage == "missing":
        record.unlink()
    elif damage == "cut":
        record.write_bytes(record.read_bytes()[:100])
    else:
        manifest = tmp_path / "evaluations" / "manifest.json"
        newer = f'"format": {FORMAT + 1}'
        manifest.write_text(manifest.read_text().replace(f'"format": {FORMAT}', newer))
    done = subprocess.run(
        [sys.executable, "-m", "backproof", "replay", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@NEEDS_SHELL
def test_no_folder_for_temporary_files_is_told(tmp_path):
    (tmp_path / "comparisons").mkdir()
    write_pairing(tmp_path / "comparisons", "any")
    script = (
        "import tempfile, sys\n"
        "def nowhere(*_, **__): raise FileNotFoundError(2, 'No usable temporary directory found')\n"
        "tempfile.TemporaryFile = tempfile.mkdtemp = nowhere\n"
        "sys.argv = ['backproof', 'verify']\n"
        "from backproof.faces.command_line.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "there is no folder for temporary files" in done.stderr
    assert "TMPDIR" in done.stderr
