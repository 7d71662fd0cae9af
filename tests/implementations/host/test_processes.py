"""Processes end with their parent where no signal says that it has ended, too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backproof.implementations.host import processes
from tests.faces.test_plugin_ends import alive, wait_until

CHILD = """
import os, sys, time
from pathlib import Path
from backproof.implementations.host import processes

processes.LINUX = {linux}
processes.end_with_parent(int(os.environ[processes.PARENT]))
Path("child.pid").write_text(str(os.getpid()))
while True:
    pass
"""
PARENT = """
import sys, time
from backproof.implementations.host import processes

processes.started([sys.executable, "child.py"])
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="asks Linux which processes run")
@pytest.mark.parametrize("linux", [True, False])
def test_a_busy_process_ends_with_its_parent(linux: bool, tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD.format(linux=linux))
    (tmp_path / "parent.py").write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, "parent.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
        text=True,
    )
    wait_until(lambda: (tmp_path / "child.pid").exists(), parent)
    time.sleep(0.1)
    child = int((tmp_path / "child.pid").read_text())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 2
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)


@pytest.mark.skipif(not processes.LINUX, reason="only there a thread's end is taken for a parent's")
def test_the_end_of_the_thread_that_asked_ends_no_process() -> None:
    started: list[subprocess.Popen[bytes]] = []
    code = (
        "import os, time; from backproof.implementations.host import processes as p; "
        "p.end_with_parent(int(os.environ[p.PARENT])); print(1, flush=True); time.sleep(600)"
    )
    thread = threading.Thread(
        target=lambda: started.append(
            processes.started([sys.executable, "-c", code], stdout=subprocess.PIPE)
        )
    )
    thread.start()
    thread.join()
    (process,) = started
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        time.sleep(0.2)
        assert process.poll() is None
        processes.end_all(process.pid)
        assert process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("status", "words"), [(-9, "was ended by SIGKILL"), (0, "ended by itself with status 0")]
)
def test_how_a_process_ended_in_words(status: int, words: str) -> None:
    assert processes.describe_exit(status) == words


@pytest.mark.slow(3)
@pytest.mark.skipif(not processes.LINUX, reason="only there it is told")
def test_time_that_the_machine_does_not_give_counts_for_no_limit() -> None:
    """Two busy processes on one core: the limit of each takes twice as long."""
    spin = "while True: pass"
    core = {min(os.sched_getaffinity(0))}
    busy = [
        subprocess.Popen(
            [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {core}); {chr(10)}{spin}"]
        )
        for _ in range(3)
    ]
    try:
        time.sleep(1)  # now each of them spins
        patience = processes.Patience(0.5, busy[0].pid)
        begun = time.monotonic()
        while (left := patience.left()) > 0:
            time.sleep(left)
        assert time.monotonic() - begun > 0.75
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_time_that_is_slept_counts() -> None:
    begun = time.monotonic()
    patience = processes.Patience(0.5, os.getpid(), threading.get_native_id())
    while (left := patience.left()) > 0:
        time.sleep(left)
    assert 0.5 <= time.monotonic() - begun <= 0.5 * processes.STRETCHED
