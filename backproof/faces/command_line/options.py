"""The options that several commands have, and what an exit status means in each."""

from __future__ import annotations

import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from backproof.comparison.record import LIMIT, MOST_CHANCE, SEED_BITS
from backproof.mathematics.errors import UsageError
from backproof.reports.detail import Detail

BYTES = 1_000_000
"""In a megabyte."""
MEGABYTES = LIMIT / BYTES

Report = Annotated[
    Path | None, typer.Option("--report", metavar="DIR", help="Write the reports there.")
]
History = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Add the run to a history, a file of SQLite, and show the trend in the report.",
    ),
]
Limit = Annotated[
    float,
    typer.Option(
        "--evaluations-limit",
        metavar="MB",
        min=0,
        help="Evaluations beyond so many megabytes are not stored, where they match.",
    ),
]
Certified = Annotated[
    bool, typer.Option(help="Certified values, for the digits that each implementation gets right.")
]
Chance = Annotated[
    float,
    typer.Option(
        "--false-alarm",
        metavar="CHANCE",
        min=0,
        max=MOST_CHANCE,
        help="The chance that correct code is called wrong somewhere in the whole run, where "
        "rounding errors are taken as random.",
    ),
]
Proven = Annotated[
    bool, typer.Option("--proven", help="Judge by worst cases alone, which no chance enters.")
]


Processes = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, help="Carried out by N processes of this machine, by Dask."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--dask", metavar="ADDRESS", help="Carried out by the Dask cluster there."),
]


Seed = Annotated[
    str | None,
    typer.Option(
        metavar="N|random",
        help="The seed of the probes; random: a fresh one, that no subject can know. The report "
        "tells it.",
    ),
]


def seed_of(given: str | None) -> int | None:
    """The seed that is asked for; raises `UsageError` for what is none."""
    if given == "random":
        return secrets.randbits(SEED_BITS)
    if given is not None and not given.isdecimal():
        raise UsageError(f"--seed {given!r}: give a whole number, or random")
    return None if given is None else int(given)


class Shown(StrEnum):
    """In which form a result is shown, beside the reports."""

    text = "text"
    github = "github"
    json = "json"


Form = Annotated[
    Shown,
    typer.Option(
        "--format",
        help="github: add a line for each pairing that does not pass, which GitHub shows as an "
        "annotation of its file. json: the verdict alone, as docs/verdict.schema.json has it.",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show causes and the verdict, no table.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show every tensor that fails, and the whole table.")
]

GATE = {
    0: "everything matches",
    1: "a mismatch",
    2: "else: wrong usage, or a pairing that cannot be loaded",
    3: "else: undecided, in error, nothing compared, or a run without its verdict",
}
"""What the exit statuses of ``verify`` and ``replay`` mean."""
DONE = {0: "done", 2: "wrong usage, or a pairing that cannot be loaded"}
"""Those of a command that judges nothing."""
DONE_WITH_FILE = {0: "done", 2: "wrong usage, or a file that cannot be read"}
"""Those of one that reads a file of backproof's."""
ALWAYS = (
    "2 a result that could not be written anywhere; 70 a fault of backproof itself; "
    "128 + n signal n has asked it to end"
)
"""Those of every command."""


def statuses(meanings: dict[int, str]) -> str:
    """A command's exit statuses, as the last lines of its help."""
    own = (f"{status} {meaning}" for status, meaning in meanings.items())
    return f"Exit status: {'; '.join((*own, ALWAYS))}"


def detail(quiet: bool, verbose: bool) -> Detail:
    """How much to show; one of the two at most."""
    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other: take one of them")
    return Detail.CAUSES if quiet else Detail.FULL if verbose else Detail.NORMAL
