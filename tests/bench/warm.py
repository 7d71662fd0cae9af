"""A verdict on workers that are warm, against that of a cold run.

In seconds, the bars are 1 for a save that is watched and 1.5 for a command: where a cold run of the
pairing takes 7 seconds, as on two cores of 2024, that is a seventh, and a little more than a fifth.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.project import ROOT

PAIRING = "circles"
SAVES = 10


def ratios() -> Iterator[tuple[str, float, str]]:
    """A save under watch, and a command with ``--warm``, each against the cold command."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        for part in ("scratch", "reference", "comparisons"):
            shutil.copytree(ROOT / part, project / part)
        sockets = Path(folder) / "s"
        sockets.mkdir()
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(sockets), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "backproof", "verify", "--only", PAIRING]
        cold = took(command, project, environment)
        yield (
            f"a save under watch / cold verify of {PAIRING}",
            saved(command, project, environment) / cold,
            "<= 0.15",
        )
        server = subprocess.Popen([*command[:3], "serve"], cwd=project, env=environment)
        while not list(sockets.glob("*/*.socket")):
            time.sleep(0.02)
        took([*command, "--warm"], project, environment)  # from which it learns what to keep
        warm = statistics.median(
            took([*command, "--warm"], project, environment) for _ in range(SAVES)
        )
        server.send_signal(signal.SIGTERM)
        server.wait()
        yield f"verify --warm / cold verify of {PAIRING}", warm / cold, "<= 0.22"


def took(command: list[str], project: Path, environment: dict[str, str]) -> float:
    """Seconds until a command has ended."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=project, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def saved(command: list[str], project: Path, environment: dict[str, str]) -> float:
    """Seconds from a save to its verdict: the median."""
    file = project / "scratch" / f"{PAIRING}.py"
    source = file.read_text()
    times: list[float] = []
    begun = 0.0
    with subprocess.Popen(
        [*command, "--watch"], cwd=project, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for turn in range(SAVES + 2):  # the first run is cold, the second waits for the workers
            for line in process.stdout:
                if "watching, end with" in line:
                    break
            if turn > 1:
                times.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            file.write_text(f"{source}# {turn}\n")
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    return statistics.median(times)
