"""Whatever a part of one's own does while a stored run is judged again: it is said, and costs it.

The part is loaded by `replay`, asked for its bounds, and a format of one's own is rendered.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faces.forking import Server, forking
from tests.faces.planted_ends import HANGS, HARD, HELD, SOFT, write
from tests.faces.plugin_project import backproof_alone
from tests.faces.test_bad_input import rows_of
from tests.halves import slow_but

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the deeds are of Linux: posix, its signals, its C library"
)

# At each moment it does what a file of that name says, if there is one.
PARTS = """
import ctypes, os, posix, signal, sys, time
from dataclasses import dataclass
from pathlib import Path

from backproof import register
from backproof.implementations.host import watched
from backproof.mathematics.functions.linear import Linear
from backproof.reports.formats import Format

class Odd(BaseException):
    pass

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")

def at(moment):
    if Path(moment).exists():
        exec(Path(moment).read_text(), globals())

watched.TIME_LIMIT = 1.0  # of a format
at("loading")

@register("activation")
@dataclass(frozen=True)
class Same(Linear):
    name = "same"

    def ball(self, z, rounding):
        at("judging")
        return z

    def certified(self, z):
        at("certifying")
        return z

def render(report):
    at("writing")
    return "brief"

register("report format")(Format("brief", "brief.txt", render))
"""
DEEDS = {**SOFT, **HARD, **HANGS, **HELD}
MOMENTS = ("loading", "judging", "certifying", "writing")
# Those of one sort end alike: all at the moment that most depends on user code.
FEW = ("exits", "leaves", "raises", "raises_no_exception", "c_exits", "sleeps")
CASES = [(moment, name) for moment in MOMENTS for name in (DEEDS if moment == "judging" else FEW)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with forking(backproof_alone(tmp_path_factory.mktemp("backproof"))) as ours:
        yield ours


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "parts.py").write_text(PARTS)
    write(folder, "a_good")
    write(folder, "own", file="import parts")
    path = folder / "comparisons" / "own.py"
    path.write_text(path.read_text().replace("Dense(2, 1)", 'Dense(2, 1, "same")'))
    done = server.run(folder, "verify", "--report", "report")
    assert done.status == 0, done
    assert (folder / "report" / "brief.txt").read_text() == "brief"
    return folder


@pytest.mark.parametrize(("moment", "name"), slow_but([("judging", "exits")], CASES, 0.6))
def test_nothing_passes_and_it_is_said(
    moment: str, name: str, project: Path, server: Server
) -> None:
    (project / moment).write_text(DEEDS[name].code)
    shutil.rmtree(project / "again", ignore_errors=True)
    try:
        done = server.run(project, "replay", "report", "--report", "again", "--time-limit", "1")
    finally:
        (project / moment).unlink()
    assert done.status in (2, 3), done
    assert "Traceback" not in done.said
    assert not done.left
    if moment in ("judging", "certifying"):
        rows = rows_of(project / "again")
        by_pairing = {each: {r["status"] for r in rows if r["pairing"] == each} for each in NAMES}
        assert by_pairing == {"a_good": {"MATCH"}, "own": {"ERROR"}}
        said = {row["cause"] for row in rows if row["pairing"] == "own"}
    else:
        said = {done.said}
        assert "parts.py" in done.said or "report format brief" in done.said
    assert any(DEEDS[name].said in each or in_short(name) in each for each in said), said
    if moment == "writing":
        assert "brief.txt is not made" in done.said
        assert {row["status"] for row in rows_of(project / "again")} == {"MATCH"}


NAMES = ("a_good", "own")


def in_short(name: str) -> str:
    """What is said of it where the sentence begins otherwise."""
    return (
        "SystemExit: 0" if name in ("exits", "leaves", "leaves_by_posix", "calls_sys_exit") else "?"
    )
