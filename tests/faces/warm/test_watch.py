"""A project that is watched: what is saved is judged, that alone, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backproof.implementations.host import processes
from tests.faces.plugin_project import backproof_alone, environment, write

pytestmark = [
    pytest.mark.skipif(not processes.LINUX, reason="a warm process is forked, as Linux can"),
    pytest.mark.slow(5),
]
WRONG = "loss = loss * (1 + 1e-9)"


class Watched:
    """A ``verify --watch`` in a project."""

    def __init__(self, folder: Path, backproof: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backproof", "verify", "--watch", "--report", "report"],
            cwd=folder,
            env={**os.environ, **environment(backproof), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def said(self) -> str:
        """All that it says until it watches again."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line)
            if "watching, end with" in line:
                break
        return "".join(lines)

    def end(self) -> int:
        """Interrupt it, as Ctrl+C does."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("alpha", "omega"):
        write(project, name)
    started = Watched(project, backproof_alone(tmp_path / "backproof"))
    with started.process:
        yield started
        processes.end_all(started.process.pid)


def test_what_is_saved_is_judged_at_once_and_alone(watched: Watched) -> None:
    first = watched.said()
    assert "alpha" in first
    assert "omega" in first
    assert "comparisons match" in first
    write(watched.folder, "omega", change=WRONG)
    wrong = watched.said()
    assert "comparisons/omega.py" in wrong
    assert "MISMATCH loss" in wrong
    assert "alpha" not in wrong
    (watched.folder / "comparisons" / "omega.py").write_text("def")
    assert "omega.py:1: invalid syntax" in watched.said()
    write(watched.folder, "omega")
    assert "comparisons match" in watched.said()
    (watched.folder / "comparisons" / "three.py").write_text("import two_more")  # a new file
    assert "No module named 'two_more'" in watched.said()


def test_the_workers_stay_and_end_with_it(watched: Watched) -> None:
    watched.said()
    workers = []
    for change in ("pass", "pass  # again", WRONG):
        write(watched.folder, "alpha", change=change)
        watched.said()
        workers.append(worker(watched.process.pid))
    assert len(set(workers)) == 1
    os.kill(workers[0], signal.SIGKILL)
    write(watched.folder, "alpha")
    assert "comparisons match" in watched.said()
    every = processes.descendants(watched.process.pid)
    assert every
    assert watched.end() == 0
    deadline = time.monotonic() + 10
    while any(map(runs, every)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in every if runs(pid)] == []


def runs(pid: int) -> bool:
    """Whether a process has not ended; whoever has adopted one that has, may not have noticed."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def worker(pid: int) -> int:
    """The one worker below a process."""
    (found,) = [
        each
        for each in processes.descendants(pid)
        if b"implementations.worker" in Path(f"/proc/{each}/cmdline").read_bytes()
    ]
    return found
