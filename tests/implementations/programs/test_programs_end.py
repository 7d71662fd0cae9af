"""A program ends with the process that asked it, and what it has started ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.faces.test_plugin_ends import alive, wait_until
from tests.project import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which processes run")

# It starts a process in a session of its own, whose parent ends; then it answers nothing any more.
PROGRAM = """
    import os, sys, time
    from pathlib import Path

    print('{"ok": true}', flush=True)
    sys.stdin.buffer.readline()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            Path("daemon.pid").write_text(str(os.getpid()))
            os.closerange(0, 3)
            while True:
                pass
        os._exit(0)
    while not Path("daemon.pid").exists():
        time.sleep(0.01)
    Path("program.pid").write_text(str(os.getpid()))
    while True:
        pass
"""
ASKING = """
    import sys
    import backproof
    from backproof import Dense, Loss, Network

    network = Network((Dense(3, 1, "sigmoid"),), Loss("binary_cross_entropy"))
    program = backproof.external([sys.executable, "program.py"], time_limit=float(sys.argv[1]))
    try:
        program.open(network, backproof.GradientDescent(1.0), "float64")
    except Exception as error:
        print(error)
"""


def asking(folder: Path, limit: float) -> subprocess.Popen[str]:
    """A process that asks the program to open a network."""
    (folder / "program.py").write_text(textwrap.dedent(PROGRAM))
    (folder / "asking.py").write_text(textwrap.dedent(ASKING))
    return subprocess.Popen(
        [sys.executable, "asking.py", str(limit)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def started(folder: Path) -> list[int]:
    """The program and what it has started."""
    return [int((folder / f"{name}.pid").read_text()) for name in ("program", "daemon")]


@pytest.mark.slow(3)
def test_one_that_is_given_up_leaves_nobody(tmp_path: Path) -> None:
    process = asking(tmp_path, 3)
    out, _ = process.communicate(timeout=60)
    assert "gave no answer for 3 s and was killed" in out
    assert not any(map(alive, started(tmp_path)))


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_one_whose_asker_is_killed_leaves_nobody(name: str, tmp_path: Path) -> None:
    process = asking(tmp_path, 600)
    wait_until(lambda: (tmp_path / "program.pid").exists(), process)
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=20)
    deadline = time.monotonic() + 2
    while any(map(alive, started(tmp_path))) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, started(tmp_path)))
