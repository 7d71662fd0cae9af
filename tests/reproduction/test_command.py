"""``backproof reproduce`` on a small project: what passes, and every way in which it must not."""

from __future__ import annotations

import csv
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from backproof.mathematics.errors import UsageError
from backproof.reproduction.judging import Verdict
from backproof.reproduction.report import write
from backproof.reproduction.run import Result, run
from tests.faces.test_bad_input import backproof
from tests.halves import slow_but
from tests.reproduction import sample


def obtained(folder: Path, references: tuple[str, ...] = ()) -> Result:
    return run(folder, references=references, processes=2)


def verdicts(result: Result) -> dict[str, Verdict]:
    names = [str(line.published.key) for line in result.lines]
    return dict(zip(names, (line.verdict for line in result.lines), strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the command with both twins, written."""
    root = tmp_path_factory.mktemp("project")
    sample.write(root)
    done = backproof("reproduce", "--report", "report", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Of 5 published numbers: 4 REPRODUCED, 1 CONSISTENT." in done.stdout
    return root / "report"


@pytest.mark.slow(7)
def test_the_report_is_written(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} == {
        *("reproduction.md", "reproduction.csv", "published.md", "published.csv", "figures")
    }
    with (whole / "reproduction.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == ["REPRODUCED"] * 4 + ["CONSISTENT"]
    for row in rows[:4]:
        for who in ("obtained", "keras_obtained", "torch_obtained"):
            assert float(row[who]) == pytest.approx(float(row["published"]), rel=1e-6)
    assert (whole / "figures" / "logistic-loss.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow(1)
def test_the_verdict_stands_beside_the_number_and_the_versions_below(whole: Path) -> None:
    for name in ("reproduction.md", "published.md"):
        text = (whole / name).read_text()
        heads = [line for line in text.splitlines() if line.startswith("| quantity")]
        assert len(heads) == 2
        for head in heads:
            cells = [cell.strip() for cell in head.split("|")[1:-1]]
            assert cells[cells.index("published") + 1] == "verdict"
    environment = (whole / "reproduction.md").read_text().partition("## Environment")[2]
    told = dict(re.findall(r"^\| (\w+) +\| (\S+)", environment, re.M))
    assert told["keras"] == version("keras")
    assert told["torch"].startswith(version("torch").partition("+")[0])
    assert "tensorflow" in told


@pytest.mark.slow(1)
def test_the_evidence_has_no_digits_of_the_machine(whole: Path) -> None:
    with (whole / "published.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert "obtained" not in rows[0]
    printed = len(rows[1]["published"].replace(".", "").lstrip("0"))
    digits = ["all 9", f"12 or more of {printed}", "all 8", "all 1", ""]
    for column in ("matching_digits", "keras_digits", "torch_digits"):
        assert [row[column] for row in rows] == digits
    text = (whole / "published.md").read_text()
    assert "figures/" not in text
    assert "Environment" not in text
    assert "Exposed by `gradient/dense_1/bias` at step 0" in text


@pytest.mark.slow(8)
def test_another_run_writes_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    sample.write(tmp_path)
    assert backproof("reproduce", "--report", "again", cwd=tmp_path).returncode == 0
    for path in sorted(whole.rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(whole)).read_bytes()


@pytest.mark.parametrize(
    "row", slow_but(["bias"], ["first", "last", "bias", "count", "chance"], 0.6)
)
def test_a_changed_digit_in_the_data(tmp_path: Path, row: str) -> None:
    rows = sample.published()
    cells = rows[row].split(",")
    # The last of the digits that must agree, or the first of one that lies within a range.
    at = {"last": cells[4].find(".") + 12, "chance": 0}.get(row, len(cells[4]) - 1)
    digit = cells[4][at]
    cells[4] = cells[4][:at] + ("7" if digit != "7" else "5") + cells[4][at + 1 :]
    rows[row] = ",".join(cells)
    result = obtained(sample.write(tmp_path, rows))
    assert result.exit_status == 1
    wrong = [line for line in result.lines if line.verdict is Verdict.NOT_REPRODUCED]
    assert [line.published.text for line in wrong] == [cells[4]]


@pytest.mark.parametrize(
    "change",
    [
        (
            '"gradient/dense_1/bias": delta.sum(axis=0)',
            '"gradient/dense_1/bias": delta.mean(axis=0)',
        ),
        pytest.param(("w - RATE * found", "w - 0.500001 * found"), marks=pytest.mark.slow(0.6)),
        pytest.param(
            ("range(STEPS + 1):\n        found", "range(1, STEPS + 2):\n        found"),
            marks=pytest.mark.slow(0.6),
        ),
    ],
    ids=["one wrong gradient", "another rate", "a step too few"],
)
def test_a_wrong_network(tmp_path: Path, change: tuple[str, str]) -> None:
    result = obtained(sample.write(tmp_path, change=change))
    assert result.exit_status in (1, 3)
    assert verdicts(result)[f"loss at {sample.STEPS}"] is not Verdict.REPRODUCED


@pytest.mark.slow(5)
def test_a_wrong_twin(tmp_path: Path) -> None:
    """The twin is built from the network; here that is not what was published."""
    change = ("optimizer=GradientDescent(RATE)", "optimizer=GradientDescent(0.4999)")
    folder = sample.write(tmp_path, change=change)
    done = backproof("reproduce", "--reference", "torch", cwd=tmp_path)
    assert done.returncode == 1
    assert "torch: " in done.stdout
    assert "subject: " not in done.stdout
    assert obtained(folder).exit_status == 0


def test_a_missing_article(tmp_path: Path) -> None:
    folder = sample.write(tmp_path)
    (folder / "logistic.py").rename(folder / "_logistic.py")
    result = obtained(folder)
    assert result.exit_status == 3
    assert set(verdicts(result).values()) == {Verdict.NOT_OBTAINED}
    assert all(line.why == "there is no recipe for logistic" for line in result.lines)


def test_numbers_missing_from_the_data(tmp_path: Path) -> None:
    rows = sample.published()
    del rows["bias"]
    result = obtained(sample.write(tmp_path, rows))
    assert result.exit_status == 2
    assert result.notes == ["obtained, but published.csv does not list it: logistic bias[0] at 40"]


RAISING = "    raise OSError('no disk')\n    told, parameters ="
EXITING = "    import os; os._exit(9)\n    told, parameters ="


@pytest.mark.parametrize(
    ("old", "new", "status", "who", "why"),
    [
        ("def train(", "def train(:", 2, "", ""),
        ("    told, parameters =", RAISING, 3, "loss at 0", "subject: OSError: no disk ("),
        pytest.param(
            "    told, parameters =",
            EXITING,
            3,
            "loss at 0",
            "the subject worker ended by itself with status 9",
            marks=pytest.mark.slow(0.6),
        ),
        pytest.param(
            'return {Key("chance"',
            'return {} and {Key("chance"',
            3,
            "chance at 1",
            "39 of 39 seeds give no number",
            marks=pytest.mark.slow(0.6),
        ),
        ('Key("bias", 0', 'Key("bias", 1', 2, "bias[0] at 40", "its recipe gives no such number"),
    ],
    ids=["broken file", "raises", "exits", "no samples", "wrong key"],
)
def test_what_cannot_be_run_is_told(
    tmp_path: Path, old: str, new: str, status: int, who: str, why: str
) -> None:
    result = obtained(sample.write(tmp_path, change=(old, new)))
    assert result.exit_status == status
    if who:
        (line,) = [line for line in result.lines if str(line.published.key) == who]
        assert line.verdict is Verdict.NOT_OBTAINED
        assert why in line.why
    else:
        assert "not loaded" in result.notes[0]


@pytest.mark.slow(4)
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('name == "gradient/dense_1/bias"', 'name == "no site"'), "no comparison of logistic"),
        (("effect=lambda: (Effect", "effect=lambda: 1 / 0 and (Effect"), "division by zero"),
    ],
    ids=["an erratum that nothing exposes", "an effect that raises"],
)
def test_errata_that_fail_are_errors(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    result = obtained(sample.write(tmp_path, change=change), references=("torch",))
    assert all(line.why == "" for line in result.lines)
    assert result.exit_status == 3
    assert any(problem in each for each in result.problems)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    folder = sample.write(tmp_path)
    with pytest.raises(UsageError, match="no system 'logistics'; there are logistic"):
        run(folder, only=["logistics"])
    done = backproof("reproduce", "--reference", "caffe", cwd=tmp_path)
    assert done.returncode == 2
    assert "no reference 'caffe'" in done.stderr
    assert backproof("reproduce", "nowhere", cwd=tmp_path).returncode == 2


@pytest.mark.slow(1)
def test_a_part_writes_no_evidence(tmp_path: Path) -> None:
    result = obtained(sample.write(tmp_path))
    write(result, tmp_path, {})
    assert not (tmp_path / "published.csv").exists()
    assert (tmp_path / "reproduction.csv").exists()
