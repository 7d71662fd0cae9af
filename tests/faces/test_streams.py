"""Every command with each of its streams closed, full, broken off, or without our letters."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faces.forking import Server, forking
from tests.faces.planted_ends import write
from tests.faces.plugin_project import backproof_alone
from tests.halves import slow_but

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has /dev/full, and only there it can be forked"
)

FULL, BROKEN = "/dev/full", "broken"
READ = ""


@dataclass(frozen=True)
class Streams:
    """Where standard input, output and error lead, and the output's encoding."""

    given: tuple[str | None, str | None, str | None]
    encoding: str = "utf-8"


STREAMS = {
    "usual": Streams(("/dev/null", READ, READ)),
    "input_closed": Streams((None, READ, READ)),
    "output_closed": Streams(("/dev/null", None, READ)),
    "error_closed": Streams(("/dev/null", READ, None)),
    "all_closed": Streams((None, None, None)),
    "output_full": Streams(("/dev/null", FULL, READ)),
    "error_full": Streams(("/dev/null", READ, FULL)),
    "both_full": Streams(("/dev/null", FULL, FULL)),
    "output_broken": Streams(("/dev/null", BROKEN, READ)),
    "both_broken": Streams(("/dev/null", BROKEN, BROKEN)),
    "ascii": Streams(("/dev/null", READ, READ), "ascii"),
}
# By name: the command, its exit status, and what it shows.
COMMANDS = {
    "verify": (("verify", "--only", "good"), 0, " comparisons match."),
    "verify_mismatch": (("verify", "--only", "wrong"), 1, "MISMATCH"),
    "verify_error": (("verify", "--only", "raises"), 3, "ERROR"),
    "verify_report": (("verify", "--only", "good", "--report", "again"), 0, "again/report.md"),
    "replay": (("replay", "report"), 0, " comparisons match."),
    "compare": (("compare", "report", "report"), 0, "has the verdict that it had"),
    "explain": (("explain", "good"), 0, "## Gradients"),
    "faults": (("faults", "good", "--reference", "numpy"), 0, "48 planted faults"),
    "fuzz": (("fuzz", "--cases", "1", "--reference", "numpy"), 3, "1 networks"),
    "calibrate": (("calibrate", "--reference", "numpy", "--dtype", "float64"), 0, "dtype"),
    "init": (("init", "laid"), 0, " files in"),
    "reproduce": (("reproduce", "--reference", "numpy"), 0, "1 CONSISTENT"),
    "help": (("--help",), 0, "Usage"),
    "no_command": (("verfy",), 2, ""),
}
# The result stands in a file of its own.
WRITTEN = ("verify_report",)
# What writes nothing on standard output has nothing to lose there.
SILENT = ("no_command",)
PUBLISHED = """system,quantity,index,step,value,determined,at_least,note
dice,chance,,1,0.25,no,,
"""
RECIPE = """
from backproof.reproduction import Key, Reproduction, Sampling

REPRODUCTION = Reproduction(
    system="dice",
    article="A paper of one number",
    sampling=Sampling(lambda seed: {Key("chance", None, 1): 0.25}, seconds=0.1),
)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with forking(backproof_alone(tmp_path_factory.mktemp("backproof"))) as ours:
        yield ours


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write(folder, "good")
    write(folder, "wrong", subject="batch = Batch(batch.inputs, batch.targets + 1e-3)")
    write(folder, "raises", subject="raise ValueError('wrong – ×')")
    recipes = folder / "comparisons" / "reproduce"
    recipes.mkdir()
    (recipes / "published.csv").write_text(PUBLISHED)
    (recipes / "dice.py").write_text(RECIPE)
    assert server.run(folder, "verify", "--only", "good", "--report", "report").status == 0
    return folder


# What ends otherwise is no matter of the command: three sorts of streams are enough.
AGAIN = ("verify_mismatch", "verify_error", "verify_report", "help", "no_command")
CASES = [
    (command, streams)
    for command in COMMANDS
    for streams in (("output_full", "both_broken", "all_closed") if command in AGAIN else STREAMS)
]


@pytest.mark.parametrize(
    ("command", "streams"),
    slow_but([(command, "output_full") for command in COMMANDS], CASES, 0.5),
)
def test_the_status_is_that_of_the_result_unless_it_is_lost(
    command: str, streams: str, server: Server, project: Path
) -> None:
    arguments, status, shown = COMMANDS[command]
    given = STREAMS[streams]
    shutil.rmtree(project / "laid", ignore_errors=True)
    done = server.run(project, *arguments, streams=given.given, encoding=given.encoding)
    lost = given.given[1] == FULL and command not in SILENT
    assert done.status == (2 if lost and status == 0 and command not in WRITTEN else status), done
    if given.given[1] == READ:
        assert shown in done.out
    if given.given[2] == READ:
        assert ("standard output cannot be written (No space left" in done.err) == lost
        assert "Traceback" not in done.err
    if command == "init":
        assert (project / "laid" / "comparisons").is_dir()
    assert not done.left
