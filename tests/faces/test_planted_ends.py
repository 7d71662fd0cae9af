"""Whatever user code does instead of an answer: it is said, and it costs its own pairing alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faces.planted_ends import HANGS, HARD, HELD, MOMENTS, SOFT, Deed, run, write
from tests.faces.plugin_project import backproof_alone, environment
from tests.faces.test_bad_input import rows_of
from tests.halves import slow_but

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the deeds are of Linux: posix, its signals, its C library"
)

Done = tuple[subprocess.CompletedProcess[str], list[dict[str, str]]]
CASES = {
    "soft": [(moment, name) for moment in MOMENTS for name in SOFT],
    "hard": [(moment, name) for moment in MOMENTS for name in HARD],
    "hangs": [(moment, name) for moment in MOMENTS for name in HANGS],
    # Each ends the run, which is then made again without it.
    "held": [(moment, name) for moment in ("file", "data", "subject") for name in HELD],
}
PLANTED = [(kind, moment, name) for kind, cases in CASES.items() for moment, name in cases]
DEEDS: Mapping[str, Deed] = {**SOFT, **HARD, **HANGS, **HELD}


@pytest.fixture(scope="module")
def backproof(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backproof_alone(tmp_path_factory.mktemp("backproof"))


def planted(folder: Path, backproof: Path, kind: str) -> Done:
    """One run over all cases of a kind, with a good pairing before, among and after them."""
    for good in ("a_good", "m_good", "z_good"):
        write(folder, good)
    for moment, name in CASES[kind]:
        write(folder, f"{name}_at_{moment}", **{moment: DEEDS[name].code})
    done = run(folder, backproof, "verify", "--report", "report", "--time-limit", "1")
    return done, rows_of(folder / "report")


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory, backproof: Path) -> Done:
    return planted(tmp_path_factory.mktemp("soft"), backproof, "soft")


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory, backproof: Path) -> Done:
    return planted(tmp_path_factory.mktemp("hard"), backproof, "hard")


@pytest.fixture(scope="module")
def hangs(tmp_path_factory: pytest.TempPathFactory, backproof: Path) -> Done:
    return planted(tmp_path_factory.mktemp("hangs"), backproof, "hangs")


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, backproof: Path) -> Done:
    return planted(tmp_path_factory.mktemp("held"), backproof, "held")


@pytest.mark.parametrize(
    ("kind", "moment", "name"),
    slow_but([case for case in PLANTED if case[0] == "soft"], PLANTED, 0.2),
)
def test_it_is_said_of_its_own_pairing(
    kind: str, moment: str, name: str, request: pytest.FixtureRequest
) -> None:
    done, rows = request.getfixturevalue(kind)
    pairing = f"{name}_at_{moment}"
    mine = [row for row in rows if row["pairing"] == pairing]
    assert {row["status"] for row in mine} <= {"ERROR"}
    said = {row["cause"] for row in mine} | {
        line
        for line in done.stdout.splitlines()
        if line.startswith(("not loaded: ", "no verdict: ")) and pairing in line
    }
    assert said
    assert any(DEEDS[name].said in line for line in said), said


@pytest.mark.parametrize("kind", slow_but(["soft"], CASES, 8))
def test_all_others_are_judged(kind: str, request: pytest.FixtureRequest) -> None:
    done, rows = request.getfixturevalue(kind)
    for good in ("a_good", "m_good", "z_good"):
        assert {row["status"] for row in rows if row["pairing"] == good} == {"MATCH"}
    assert done.returncode == (2 if kind == "soft" else 3), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("moment", "code", "status"),
    [
        ("file", "pass", 0),
        pytest.param("file", "raise SystemExit(0)", 3, marks=pytest.mark.slow(0.7)),
        pytest.param("points", "raise SystemExit(0)", 3, marks=pytest.mark.slow(0.7)),
        ("data", "ctypes.CDLL(None).exit(0)", 3),
        pytest.param("data", "raise ValueError", 2, marks=pytest.mark.slow(0.7)),
        ("subject", "raise SystemExit(0)", 3),
        # It ends the thread alone: who started it would not be known when it does more.
        ("file", "import threading; threading.Timer(0.5, os._exit, [0]).start()", 0),
        # What comes after the verdict changes nothing of it.
        pytest.param(
            "file", "import atexit; atexit.register(os._exit, 0)", 0, marks=pytest.mark.slow(0.7)
        ),
        ("subject", "import atexit; atexit.register(os._exit, 7)", 0),
        pytest.param(
            "file",
            "import threading; threading.Timer(1e9, print).start()",  # ends never by itself
            0,
            marks=pytest.mark.slow(11),
        ),
    ],
)
def test_the_exit_status_of_one_alone(
    moment: str, code: str, status: int, tmp_path: Path, backproof: Path
) -> None:
    write(tmp_path, "alone", **{moment: code})
    done = run(tmp_path, backproof, "verify")
    assert done.returncode == status, done.stdout + done.stderr


def test_a_verdict_is_not_the_exit_status_of_a_child(tmp_path: Path, backproof: Path) -> None:
    """A mismatch stays one, whatever is done at the exit."""
    write(
        tmp_path,
        "wrong",
        subject="import atexit; atexit.register(os._exit, 0); batch = "
        "Batch(batch.inputs, batch.targets + 1e-3)",
    )
    assert run(tmp_path, backproof, "verify").returncode == 1


@pytest.mark.parametrize("order", ["faults", "explain"])
@pytest.mark.parametrize("name", slow_but(["exits"], ["exits", "c_exits", "killed"], 1))
def test_other_commands_never_pass_by_it(
    order: str, name: str, tmp_path: Path, backproof: Path
) -> None:
    write(tmp_path, "a_good")
    write(tmp_path, "bad", file=DEEDS[name].code)
    arguments = ["bad"] if order == "explain" else ["--reference", "numpy"]
    done = run(tmp_path, backproof, order, *arguments)
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert "bad.py" in done.stdout + done.stderr
    assert DEEDS[name].said in done.stdout + done.stderr


def test_in_process_there_is_no_guard(tmp_path: Path, backproof: Path) -> None:
    """A debugger's own process goes on to be the one that runs."""
    write(tmp_path, "good", file="print('process', os.getppid(), file=sys.stderr)")
    done = run(tmp_path, backproof, "verify", "--in-process")
    assert f"process {os.getpid()}\n" in done.stderr
    assert done.returncode == 0
    assert f"process {os.getpid()}\n" not in run(tmp_path, backproof, "verify").stderr


def test_where_nothing_can_be_forked_the_program_is_started_once_more(
    tmp_path: Path, backproof: Path
) -> None:
    """As on Windows and a Mac: the same verdicts, and the same sentence."""
    write(tmp_path, "a_good")
    write(tmp_path, "bad", data=HARD["c_exits"].code)
    code = (
        "from backproof.implementations.host import processes; processes.LINUX = False; "
        "from backproof.faces.command_line.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", "--report", "report"],
        cwd=tmp_path,
        env={**os.environ, **environment(backproof)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 3, done.stderr
    assert "no verdict: the run ended by itself with status 0 while calling data() of bad" in (
        done.stdout
    )
    assert {row["pairing"] for row in rows_of(tmp_path / "report")} == {"a_good"}
