"""However a session with comparisons ends, its workers end with it, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faces.plugin_project import PLUGINS, backproof_alone, environment, write

HANGING = '{"numpy": "hangs"}'
CONFTEST = """
    import os
    from pathlib import Path

    def pytest_configure(config):
        if hasattr(config, "workerinput"):
            Path(f"{os.getpid()}.pid").write_text("xdist")

    def pytest_runtest_logreport(report):
        if report.when == "call" and report.passed:
            Path("judged").touch()
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter, if it ends while it is read
        return False


def wait_until(
    condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60
) -> None:
    """Look again and again; fails when the process has ended, or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def start(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Pytest in a process group of its own, on pairings of which the second hangs in its twin."""
    write(tmp_path, "a_good")
    write(tmp_path, "b_hangs", references=HANGING)
    (tmp_path / "conftest.py").write_text(textwrap.dedent(CONFTEST))
    (tmp_path / "temporary").mkdir()
    backproof = backproof_alone(tmp_path_factory.mktemp("backproof"))
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *PLUGINS, "comparisons", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                **environment(backproof),
                "TMPDIR": str(tmp_path / "temporary"),
            },
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def pids(folder: Path, kind: str) -> list[int]:
    """The processes of a kind that have said who they are."""
    return [int(path.stem) for path in folder.glob("*.pid") if path.read_text() == kind]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="asks Linux which processes run")
@pytest.mark.parametrize("spread", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow(2))])
def test_an_interrupt_ends_the_workers(
    spread: tuple[str, ...], tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The report holds what was judged before."""
    process = start("--backproof-report", "report", *spread)
    wait_until(lambda: bool(pids(tmp_path, "hangs")) and (tmp_path / "judged").exists(), process)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "KeyboardInterrupt" in output
    assert not any(alive(pid) for kind in ("hangs", "xdist") for pid in pids(tmp_path, kind))
    assert list((tmp_path / "temporary").glob("backproof-*")) == []
    table = (tmp_path / "report" / "comparisons.csv").read_text()
    assert "a_good" in table
    assert "b_hangs" not in table


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="asks Linux which processes run")
def test_no_process_outlives_the_controller(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start("-n", "2")
    wait_until(lambda: bool(pids(tmp_path, "hangs")), process)
    process.kill()
    deadline = time.monotonic() + 20
    while any(alive(pid) for kind in ("hangs", "xdist") for pid in pids(tmp_path, kind)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow(2)
def test_a_worker_that_hangs_is_given_up(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The other pairing's items pass all the same."""
    process = start("-n", "2", "--backproof-time-limit", "1")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "3 failed, 3 passed" in output
    assert "the numpy worker gave no answer for 1 s and was killed" in output
