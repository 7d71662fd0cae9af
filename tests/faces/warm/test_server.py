"""The server of warm workers: its user's alone, with the verdicts of a cold run, and then gone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backproof.faces.warm import server
from backproof.implementations.host import processes
from backproof.mathematics.errors import UsageError
from tests.faces.plugin_project import backproof_alone, environment, write
from tests.faces.warm.test_watch import WRONG, worker

pytestmark = pytest.mark.skipif(
    not processes.LINUX, reason="a warm process is forked, as Linux can"
)


class Served:
    """A project, and a folder for sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        backproof = backproof_alone(folder / "backproof")
        # Longer than what the system takes for the address of a socket.
        self.sockets = folder / ("s" * 60) / ("t" * 60)
        self.sockets.mkdir(parents=True)
        self.environment = {
            **os.environ,
            **environment(backproof),
            "XDG_RUNTIME_DIR": str(self.sockets),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "backproof", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def serve(self, idle: float = 60) -> subprocess.Popen[bytes]:
        started = subprocess.Popen(
            [sys.executable, "-m", "backproof", "serve", "--idle", str(idle)],
            cwd=self.folder,
            env=self.environment,
        )
        deadline = time.monotonic() + 60
        while not list(self.sockets.glob("*/*.socket")) and time.monotonic() < deadline:
            time.sleep(0.02)
        return started


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    yield (made := Served(tmp_path))
    for process in Path("/proc").glob("[0-9]*"):  # what was started on demand
        with contextlib.suppress(OSError):  # others' processes, and those that have ended
            if os.fsencode(made.sockets) in (process / "environ").read_bytes():
                processes.end_all(int(process.name))


@pytest.mark.slow(5)
def test_a_warm_run_says_what_a_cold_one_says(served: Served) -> None:
    for name, change in (("good", "pass"), ("wrong", WRONG)):
        write(served.folder, name, change=change)
    cold = served.run("verify", "--report", "cold")
    process = served.serve()
    try:
        for _ in range(2):
            warm = served.run("verify", "--warm", "--report", "warm")
            assert (warm.returncode, warm.stderr) == (cold.returncode, cold.stderr)
            assert warm.stdout.replace("warm/", "cold/") == cold.stdout
            for name in ("comparisons.csv", "report.md"):
                told = [(served.folder / run / name).read_bytes() for run in ("cold", "warm")]
                assert told[0] == told[1]
        kept = worker(process.pid)
        usage = served.run("verify", "--warm", "--only", "nobody")
        assert (usage.returncode, worker(process.pid)) == (2, kept)
        assert "no pairing 'nobody'" in usage.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) in (0, 128 + signal.SIGTERM)
    assert list(served.sockets.glob("*/*.socket")) == []


@pytest.mark.slow(3)
def test_it_starts_on_demand_and_ends_by_itself(served: Served) -> None:
    write(served.folder, "good")
    assert served.run("verify", "--warm").returncode == 0
    assert list(served.sockets.glob("*/*.socket"))
    refused = served.run("serve")
    assert refused.returncode == 2
    assert "listens already" in refused.stderr
    (place,) = served.sockets.glob("*/*.socket")
    place.unlink()  # nobody finds it any more: the next one is another
    process = served.serve(idle=1)
    assert process.wait(timeout=60) == 0
    assert list(served.sockets.glob("*/*.socket")) == []


def test_a_folder_that_is_open_to_others_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    place = server.address()
    assert place.parent.stat().st_mode & 0o777 == 0o700
    place.parent.chmod(0o755)
    with pytest.raises(UsageError, match="open to others"):
        server.address()
