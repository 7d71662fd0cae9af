"""Under pytest: what ends the process that runs the comparisons is no session that has passed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backproof.implementations.host.processes import descendants
from tests.faces.planted_ends import HARD, HELD, SOFT, write
from tests.faces.plugin_project import PLUGINS, backproof_alone, environment
from tests.faces.test_plugin_ends import alive, pids, wait_until
from tests.halves import slow_but

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there it can be forked")

DEEDS = SOFT | HARD | HELD


@pytest.fixture(scope="module")
def backproof(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backproof_alone(tmp_path_factory.mktemp("backproof"))


def started(folder: Path, backproof: Path, *arguments: str) -> subprocess.Popen[str]:
    """Pytest on a project."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *PLUGINS, *arguments],
        cwd=folder,
        env={**os.environ, **environment(backproof)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


# With pytest-xdist one of each sort: what is seen, and what is not, at each moment.
ALONE = [
    ("file", "exits"),
    ("file", "c_exits"),
    ("file", "killed"),
    ("data", "leaves"),
    ("data", "c_exits"),
    ("subject", "killed"),
    ("subject", "raises_no_exception"),
]
SPREAD = [ALONE[index] for index in (0, 2, 4, 6)]


@pytest.mark.parametrize(
    ("moment", "name", "spread"),
    slow_but(
        [("file", "c_exits", ()), ("subject", "raises_no_exception", ())],
        [*((*each, ()) for each in ALONE), *((*each, ("-n", "1")) for each in SPREAD)],
        1.5,
    ),
)
def test_it_is_said_and_the_others_are_judged(
    moment: str, name: str, spread: tuple[str, ...], tmp_path: Path, backproof: Path
) -> None:
    write(tmp_path, "a_good")
    write(tmp_path, "bad", **{moment: DEEDS[name].code})
    process = started(
        tmp_path,
        backproof,
        "comparisons",
        "--continue-on-collection-errors",
        "--backproof-report",
        "report",
        *spread,
    )
    out, _ = process.communicate(timeout=120)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED, out
    assert "bad" in out
    # Where a process of pytest-xdist was lost, its controller ends itself in good order.
    lost = spread and moment == "file" and name in HARD
    assert ("was lost while loading" if lost else DEEDS[name].said) in out
    assert "3 passed" in out
    assert "a_good" in (tmp_path / "report" / "comparisons.csv").read_text()


@pytest.mark.slow(5)
def test_code_that_holds_the_interpreter_is_given_up(tmp_path: Path, backproof: Path) -> None:
    write(tmp_path, "a_good")
    write(tmp_path, "bad", data=HELD["holds"].code)
    process = started(tmp_path, backproof, "comparisons", "--backproof-time-limit", "1")
    out, _ = process.communicate(timeout=120)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED, out
    assert "gave no answer for 1 s and was killed while calling data() of bad" in out
    assert "3 failed, 3 passed" in out


def passes(process: subprocess.Popen[str]) -> None:
    """Every test has passed."""
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out


def test_only_a_session_with_comparisons_goes_on_in_a_child(
    tmp_path: Path, backproof: Path
) -> None:
    test = f"def test_it():\n    import os\n    assert (os.getppid() == {os.getpid()}) is "
    (tmp_path / "test_alone.py").write_text(test + "True\n")
    passes(started(tmp_path, backproof, "test_alone.py"))
    write(tmp_path, "good")
    passes(started(tmp_path, backproof, "--backproof-in-process"))
    (tmp_path / "test_alone.py").write_text(test + "False\n")
    passes(started(tmp_path, backproof))


@pytest.mark.parametrize("name", slow_but(["SIGKILL"], ["SIGKILL", "SIGTERM", "SIGHUP"], 1))
def test_nobody_is_left(name: str, tmp_path: Path, backproof: Path) -> None:
    write(tmp_path, "spins", references='{"numpy": "spins"}')
    process = started(tmp_path, backproof, "comparisons")
    try:
        wait_until(lambda: bool(pids(tmp_path, "spins")), process)
        every = descendants(process.pid)
        assert set(pids(tmp_path, "spins")) <= set(every)
        process.send_signal(getattr(signal, name))
        deadline = time.monotonic() + 2
        while any(map(alive, pids(tmp_path, "spins"))) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(map(alive, pids(tmp_path, "spins")))
        process.communicate(timeout=20)  # pytest takes its time to show an interrupt
        assert not any(map(alive, every))
        interrupted = -signal.SIGKILL if name == "SIGKILL" else pytest.ExitCode.INTERRUPTED
        assert process.returncode == interrupted
    finally:
        process.kill()
