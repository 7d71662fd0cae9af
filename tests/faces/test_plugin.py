"""The pytest plugin, as its users run it: outcomes, messages, selection and options."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.pytester import RunResult

from backproof.faces.command_line.selection import DType
from backproof.faces.pytest_plugin import DTYPES
from backproof.reports import history
from tests.faces.plugin_project import (
    CONFTEST,
    NAMES,
    PLUGINS,
    WAIVER,
    backproof_alone,
    by_test,
    environment,
    log,
    node,
    said,
    write,
)

pytest_plugins = ["pytester"]

Run = Callable[..., RunResult]


@pytest.fixture(scope="module")
def backproof(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backproof_alone(tmp_path_factory.mktemp("backproof"))


@pytest.fixture
def run_pytest(pytester: pytest.Pytester, backproof: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Pytest with this plugin and xdist, in a process of its own."""
    for name, value in environment(backproof).items():
        monkeypatch.setenv(name, value)
    return lambda *given: pytester.runpytest_subprocess(*PLUGINS, *given, timeout=120)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """One pairing that matches, and others that do not, each for a reason of its own."""
    root = pytester.path
    write(root, "a_good", references='{"numpy": None, "nosuch": None}')
    write(root, "b_wrong", change="kernel[1, 0] *= 1 + 1e-9")
    write(root, "c_raises", change="raise ValueError('no luck')")
    write(root, "d_waived", change="loss *= 2", waivers=WAIVER)
    write(root, "e_nan", change="kernel = kernel * np.nan", references='{"torch": None}')
    write(root, "f_empty", change="pass")
    empty = root / "comparisons" / "f_empty.py"
    text = empty.read_text().replace("np.arange(8.0).reshape(4, 2) - 3", "np.ones((4, 3))")
    empty.write_text(text)
    (root / "comparisons" / "no_pairing.py").write_text("x = 1\n")
    (root / "comparisons" / "_helper.py").write_text("raise ValueError('never imported')\n")
    (root / "conftest.py").write_text(textwrap.dedent(CONFTEST))
    return root


@pytest.mark.slow(6)
def test_outcomes_and_messages(project: Path, run_pytest: Run) -> None:
    """Each item passes or fails alone; a failure says what, where, how far and how much is allowed.

    Under xdist the outcomes are the same, and the controller alone starts workers and writes.
    """
    result = run_pytest("comparisons", "--backproof-report", "report", "--junitxml", "one.xml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = said(result)
    assert "11 failed, 9 passed, 1 waived" in text
    assert "Traceback" not in text
    assert "backproof/faces/pytest_plugin" not in text, (
        "no line of ours stands in a failure's report"
    )

    wrong = text[text.index("_ b_wrong[numpy-gradient/dense_1/kernel] _") :].split("\n___")[0]
    for part in (
        "b_wrong: gradient/dense_1/kernel against numpy, at",
        " times the bound",
        "at (1, 0): actual ",
        ", expected ",
        " is allowed; 1 of 2 elements (50.0%) differ by more than their bound",
    ):
        assert part in wrong
    assert re.search(r"so at (\d+) of \1 points and steps, first at step 0 on the data", wrong)
    assert (
        "ERROR: subject: the subject raised ValueError: no luck (comparisons/c_raises.py:" in text
    )
    assert "c_raises: loss against numpy, at step 0 on the data" in text
    assert "nosuch: the nosuch worker" in text
    assert "subject: gradient/dense_1/kernel is nan at (0, 0)" in text
    assert "ERROR: pairing f_empty: the data have inputs (samples, 3)" in text
    waived = text[text.index("waived comparisons") :].splitlines()[1]
    assert waived.startswith(node("d_waived", "loss") + ": MISMATCH, waived until 2999-01-01")
    assert "known since May" in waived
    assert f"backproof: report written to {project / 'report'}" in text

    outcomes = by_test(project / "one.xml")
    assert {name: outcome for name, (outcome, _) in outcomes.items()} == {
        **{f"a_good[numpy-{name}]": "passed" for name in NAMES},
        **{f"a_good[nosuch-{name}]": "failed" for name in NAMES},
        **{f"b_wrong[numpy-{name}]": "passed" for name in NAMES},
        "b_wrong[numpy-gradient/dense_1/kernel]": "failed",
        **{f"c_raises[numpy-{name}]": "failed" for name in NAMES},
        **{f"d_waived[numpy-{name}]": "passed" for name in NAMES},
        **{f"e_nan[torch-{name}]": "passed" for name in NAMES},
        "e_nan[torch-gradient/dense_1/kernel]": "failed",
        **{f"f_empty[numpy-{name}]": "failed" for name in NAMES},
    }
    _, good = outcomes["a_good[numpy-loss]"]
    assert good["status"] == "MATCH"
    assert 0 < float(good["bound"]) < 1e-3
    assert 0 <= float(good["bound_used"]) <= 1
    assert 0 < float(good["power"]) < 1e-12
    _, bad = outcomes["b_wrong[numpy-gradient/dense_1/kernel]"]
    assert bad["status"] == "MISMATCH"
    assert float(bad["bound_used"]) > 1e3
    assert outcomes["d_waived[numpy-loss]"][1]["status"] == "WAIVED"
    assert outcomes["c_raises[numpy-loss]"][1]["status"] == "ERROR"
    assert bad["file"] == "comparisons/b_wrong.py"
    subject = (project / bad["file"]).read_text().splitlines()[int(bad["line"]) - 1]
    assert subject.startswith("def subject(")
    raised = outcomes["c_raises[numpy-loss]"][1]
    line = (project / raised["file"]).read_text().splitlines()[int(raised["line"]) - 1]
    assert line.strip() == "raise ValueError('no luck')"
    assert log(project) == [*["start controller"] * 3, "write controller"]
    table = (project / "report" / "comparisons.csv").read_bytes()

    (project / "log").unlink()
    spread = run_pytest(
        "comparisons", "-n", "2", "--backproof-report", "again", "--junitxml", "two.xml"
    )
    assert spread.ret == pytest.ExitCode.TESTS_FAILED
    assert by_test(project / "two.xml") == outcomes
    assert "11 failed, 9 passed, 1 waived" in said(spread)
    assert log(project) == [*["start controller"] * 3, "write controller"]
    assert (project / "again" / "comparisons.csv").read_bytes() == table


@pytest.mark.slow(4)
def test_selection(project: Path, run_pytest: Run) -> None:
    """``--collect-only`` runs nothing; ``-k`` and the others run only what they select."""
    listed = run_pytest("comparisons", "--collect-only", "-q", "--backproof-report", "report")
    assert listed.ret == 0
    assert listed.outlines[:3] == [node("a_good", name) for name in NAMES]
    assert "21 tests collected" in said(listed)
    assert log(project) == []
    assert not (project / "report").exists()

    keywords = run_pytest("comparisons", "-k", "a_good and numpy and gradient", "-v")
    keywords.assert_outcomes(passed=2, deselected=19)
    assert f"{node('a_good', 'gradient/dense_1/kernel')} PASSED" in said(keywords)
    assert log(project) == ["start controller"], "no worker for a reference that was not selected"

    by_id = run_pytest(node("d_waived", "gradient/dense_1/bias"), "comparisons/a_good.py::a_good")
    by_id.assert_outcomes(passed=4, failed=3)

    none = run_pytest("comparisons", "-k", "nothing", "--backproof-report", "report")
    assert none.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "backproof: no comparison was selected, and no report written" in said(none)

    by_reference = run_pytest("comparisons/a_good.py", "--backproof-reference", "numpy")
    by_reference.assert_outcomes(passed=3)


@pytest.mark.slow(3)
def test_what_failed_last_runs_alone_or_first(project: Path, run_pytest: Run) -> None:
    wrong = node("b_wrong", "gradient/dense_1/kernel")
    run_pytest("comparisons/a_good.py", "comparisons/b_wrong.py", "--backproof-reference", "numpy")
    first = run_pytest("comparisons/b_wrong.py", "--ff", "-v")
    first.assert_outcomes(passed=2, failed=1)
    ran = [line.split()[0] for line in first.outlines if line.endswith("%]")]
    assert ran[0] == wrong
    alone = run_pytest("comparisons", "--lf", "--backproof-reference", "numpy")
    alone.assert_outcomes(failed=1)
    (summary,) = (line for line in alone.outlines if line.startswith("FAILED"))
    assert summary.startswith(f"FAILED {wrong}")
    write(project, "b_wrong")
    run_pytest("comparisons", "--lf", "--backproof-reference", "numpy").assert_outcomes(passed=1)


def test_the_summary_line_says_the_cause(
    project: Path, run_pytest: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = run_pytest("comparisons/b_wrong.py", "comparisons/c_raises.py")
    told = dict(
        line.removeprefix("FAILED ").split(" - ", 1)
        for line in result.outlines
        if line.startswith("FAILED")
    )
    assert told[node("b_wrong", "gradient/dense_1/kernel")].startswith("MISMATCH: ")
    assert "no luck" in told[node("c_raises", "loss")]
    assert not any(name.split("[")[1] in line for name, line in told.items())


@pytest.mark.slow(2)
def test_the_first_failure_waits_for_nothing_that_comes_after_it(
    pytester: pytest.Pytester, run_pytest: Run
) -> None:
    write(pytester.path, "a_wrong", change="kernel *= 2")
    write(pytester.path, "b_later", change="open('later', 'w').close()")
    run_pytest("comparisons", "-x").assert_outcomes(passed=1, failed=1)
    assert not (pytester.path / "later").exists()
    run_pytest("comparisons").assert_outcomes(passed=5, failed=1)
    assert (pytester.path / "later").exists()


def test_stop_at_the_first_failure(project: Path, run_pytest: Run) -> None:
    """The report then holds what was judged until there."""
    result = run_pytest(
        "comparisons/b_wrong.py", "comparisons/c_raises.py", "-x", "--backproof-report", "report"
    )
    result.assert_outcomes(passed=1, failed=1)
    table = (project / "report" / "comparisons.csv").read_text()
    assert "b_wrong" in table
    assert "c_raises" not in table


def test_float32(project: Path, run_pytest: Run) -> None:
    """A fault of 1e-9 lies within the bound, and the power says that it does."""
    result = run_pytest(
        "comparisons/b_wrong.py", "--backproof-dtype", "float32", "--junitxml", "out.xml"
    )
    result.assert_outcomes(passed=3)
    _, given = by_test(project / "out.xml")["b_wrong[numpy-loss]"]
    assert 1e-9 < float(given["power"]) < 1e-3


@pytest.mark.slow(2)
def test_every_precision_of_the_command_is_one_of_the_plugin(
    pytester: pytest.Pytester, run_pytest: Run
) -> None:
    assert [dtype.value for dtype in DType] == list(DTYPES)
    write(pytester.path, "good", references='{"torch": None}')
    run_pytest("comparisons", "--backproof-dtype", "bfloat16", "--junitxml", "out.xml")
    found = [given for _, given in by_test(pytester.path / "out.xml").values()]
    assert {given["status"] for given in found} <= {"MATCH", "UNDECIDED"}
    assert all(float(given["power"]) > 2**-9 for given in found)
    assert len(found) == len(NAMES)


def test_filters_of_warnings_change_no_verdict(pytester: pytest.Pytester, run_pytest: Run) -> None:
    write(pytester.path, "loud", change="np.exp(np.float64(1e4))")
    result = run_pytest("comparisons", "-W", "error")
    result.assert_outcomes(passed=3, warnings=1)
    assert "RuntimeWarning: overflow encountered in exp" in said(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backproof-report", "file/report"], "ERROR: --backproof-report: "),
        (["--backproof-reference", "teach"], "no reference 'teach'; there are "),
        (["--backproof-dtype", "float8"], "float8"),
        (["--backproof-time-limit", "0"], "invalid seconds value: '0'"),
    ],
)
def test_wrong_usage_ends_before_anything_runs(
    arguments: list[str], message: str, project: Path, run_pytest: Run
) -> None:
    (project / "file").write_text("")
    result = run_pytest("comparisons", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert log(project) == []


@pytest.mark.slow(2)
def test_files_that_cannot_be_collected(pytester: pytest.Pytester, run_pytest: Run) -> None:
    """Each is an error with file, line and reason; nothing runs, unless that is asked for."""
    root = pytester.path
    (root / "comparisons").mkdir()
    (root / "comparisons" / "a_broken.py").write_text("x = 1\ny = = 2\n")
    (root / "comparisons" / "b_failing.py").write_text("x = 1\ny = 1 / 0\n")
    write(root, "c_good")
    write(root, "d_same")
    same = root / "comparisons" / "d_same.py"
    same.write_text(same.read_text().replace('"d_same"', '"c_good"'))
    other = root / "other"
    other.mkdir()
    write(other, "e_other")
    result = run_pytest("comparisons", "other/comparisons")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    text = said(result)
    assert "a_broken.py:2: invalid syntax" in text
    assert "b_failing.py:2: ZeroDivisionError: division by zero" in text
    assert "d_same.py: a pairing is called c_good, as is one in " in text
    assert "e_other.py: this session's comparisons are those of " in text
    assert "Traceback" not in text
    result.assert_outcomes(errors=4)
    goes_on = run_pytest("comparisons", "--continue-on-collection-errors", "-n", "1")
    goes_on.assert_outcomes(passed=3, errors=3)


def test_a_session_without_comparisons_pays_nothing(
    pytester: pytest.Pytester, run_pytest: Run
) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            heavy = {"numpy", "scipy", "pandas", "rich", "typer", "torch", "keras", "concurrent"}
            assert heavy & set(sys.modules) == set()
        """
    )
    assert run_pytest("-p", "no:xdist.plugin", "--noconftest").ret == 0


def test_collecting_imports_no_framework_and_no_tables(
    pytester: pytest.Pytester, run_pytest: Run
) -> None:
    write(pytester.path, "good")
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print("heavy:", {"pandas", "rich", "torch", "keras", "tensorflow"} & set(sys.modules))
        """
    )
    assert "heavy: set()" in said(run_pytest("comparisons", "--collect-only", "-q"))


@pytest.mark.parametrize("spread", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow(2))])
def test_a_fault_of_ours_is_shown(
    spread: tuple[str, ...], pytester: pytest.Pytester, run_pytest: Run
) -> None:
    """The run breaks off after the first pairing: its rows stand, the others fail."""
    write(pytester.path, "a_good")
    write(pytester.path, "b_later")
    pytester.makeconftest(
        """
        import backproof.faces.pytest_plugin.run as run

        def broken(*given, verify=run.verify, **options):
            yield next(verify(*given, **options))
            raise LookupError("a hole in our code")

        run.verify = broken
        """
    )
    result = run_pytest("comparisons", *spread)
    result.assert_outcomes(passed=3, failed=3)
    assert "LookupError: a hole in our code" in said(result)
    assert "the comparisons were broken off" in said(result)


def test_a_report_that_cannot_be_written_at_the_end(
    pytester: pytest.Pytester, run_pytest: Run
) -> None:
    write(pytester.path, "good")
    pytester.makeconftest(
        """
        import backproof.faces.pytest_plugin.run as run

        def write(*given, **more):
            raise OSError("disk full")

        run.Run.write = write
        """
    )
    result = run_pytest("comparisons", "--backproof-report", "report")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert "3 passed" in said(result)
    assert "backproof: the report could not be written" in said(result)
    assert "OSError: disk full" in said(result)


def test_a_history_is_kept_and_a_damaged_one_costs_no_verdict(
    pytester: pytest.Pytester, run_pytest: Run
) -> None:
    write(pytester.path, "a_good")
    file = pytester.path / "history.sqlite"
    options = ("comparisons", "--backproof-history", file.name)
    assert run_pytest(*options).ret == 0
    (entry,) = history.read(file)
    assert (entry.pairing, entry.verdict) == ("a_good", "MATCH")
    file.write_text("no database " * 99)
    again = run_pytest(*options)
    assert again.ret == 0
    again.stdout.fnmatch_lines(["*backproof: the history * cannot be used*"])
