"""However a run is ended from outside, at whatever moment: no process of it is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest

from backproof.implementations.host.processes import descendants
from tests.faces.planted_ends import command, write
from tests.faces.plugin_project import backproof_alone, environment
from tests.faces.test_bad_input import rows_of
from tests.faces.test_plugin_ends import alive, pids, wait_until
from tests.halves import slow_but

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="asks Linux which processes run, and who has started them"
)

HERE = "from pathlib import Path; Path('here').touch(); time.sleep(600)"
# At each moment this is reached, and stays there. A worker is busy with a question of the pairing
# before; while a file is loaded there is none yet, and while the report is written none any more.
STAY = "lambda *_, **more: (Path('here').touch(), time.sleep(600))"
LATE = f"type('Late', (datetime.date,), {{'__lt__': {STAY}}})"
MOMENTS = {
    "import": {"file": HERE},
    "running": {"data": HERE},
    "judging": {
        "file": f"from pathlib import Path; Late = {LATE}",
        "waivers": "Waiver('numpy/loss', 'late', Late(2999, 1, 1)),",
    },
    "writing": {
        "file": "import backproof.reports.report as r; from pathlib import Path\n"
        f"r.Report.write = {STAY}",
    },
}
BUSY = ("running", "judging")


@pytest.fixture(scope="module")
def backproof(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backproof_alone(tmp_path_factory.mktemp("backproof"))


@pytest.mark.parametrize(
    ("moment", "name"),
    slow_but(
        [("running", "SIGTERM"), ("writing", "SIGTERM")],
        product(MOMENTS, ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"]),
        1,
    ),
)
def test_nobody_is_left(name: str, moment: str, tmp_path: Path, backproof: Path) -> None:
    """Two seconds later; what asks a run to end is its exit status, and no verdict."""
    if moment in BUSY:
        write(tmp_path, "b_spins", references='{"numpy": "spins"}')
    write(tmp_path, "a_judged" if moment == "judging" else "c_late", **MOMENTS[moment])
    process = subprocess.Popen(
        command("verify", "--report", "report"),
        cwd=tmp_path,
        env={**os.environ, **environment(backproof)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(
            lambda: (
                (tmp_path / "here").exists()
                and (moment not in BUSY or bool(pids(tmp_path, "spins")))
            ),
            process,
        )
        every = descendants(process.pid)
        assert every
        assert set(pids(tmp_path, "spins")) <= set(every)
        number = getattr(signal, name)
        process.send_signal(number)
        deadline = time.monotonic() + 2
        while any(map(alive, every)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(map(alive, every))
        process.wait(timeout=20)
        assert process.returncode == (-number if name == "SIGKILL" else 128 + number)
    finally:
        process.kill()
        process.wait(timeout=20)
        assert process.stderr
        process.stderr.close()


@pytest.mark.slow(8)
def test_a_terminal_sends_it_to_all_of_a_group(tmp_path: Path, backproof: Path) -> None:
    """What was judged is told and reported, and that it is not all."""
    last = "import backproof.comparison.run as r; from pathlib import Path\n"
    write(tmp_path, "a_judged", file=last + "r.name_layout = lambda *_: Path('here').touch()")
    write(tmp_path, "b_spins", references='{"numpy": "spins"}')
    process = subprocess.Popen(
        command("verify", "--report", "report"),
        cwd=tmp_path,
        env={**os.environ, **environment(backproof)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: (tmp_path / "here").exists(), process)
        time.sleep(0.5)  # what is left to do of a takes no time
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "a_judged" in out
    assert "interrupted: 1 not judged" in out
    report = (tmp_path / "report" / "report.md").read_text()
    assert "a_judged" in report
    assert "interrupted: 1 not judged" in report


ONCE = "Path('here').exists() or (Path('here').touch(), time.sleep(600))"


@pytest.mark.parametrize(
    ("parts", "told", "good"),
    [
        (
            {"data": f"from pathlib import Path; {ONCE}"},
            "no verdict: the run was ended by SIGKILL while calling data() of late",
            ["a_good"],
        ),
        (
            {
                "file": "import backproof.reports.report as r; from pathlib import Path\n"
                f"write = r.Report.write; r.Report.write = lambda *given, **more: ({ONCE}, "
                "write(*given, **more))[1]"
            },
            "",
            ["a_good", "late"],
        ),
    ],
)
def test_a_child_that_is_killed_is_told(
    parts: dict[str, str], told: str, good: list[str], tmp_path: Path, backproof: Path
) -> None:
    """As by a system without memory; all others are judged, told and reported."""
    write(tmp_path, "a_good")
    write(tmp_path, "late", **parts)
    process = subprocess.Popen(
        command("verify", "--report", "report"),
        cwd=tmp_path,
        env={**os.environ, **environment(backproof)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until((tmp_path / "here").exists, process)
        (child,) = (pid for pid in descendants(process.pid) if parent(pid) == process.pid)
        os.kill(child, signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 3, err
    assert "error: the run was ended by SIGKILL while" in err
    assert told in out
    assert {row["pairing"] for row in rows_of(tmp_path / "report")} == set(good)


def parent(pid: int) -> int:
    """The process that has started another."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
