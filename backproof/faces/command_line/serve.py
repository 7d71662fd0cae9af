"""``backproof serve``: workers that stay warm for the runs to come."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from backproof.implementations.host import processes
from backproof.mathematics.errors import UsageError

IDLE = 900.0


def serve(
    context: typer.Context,
    idle: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="It ends after so long without a run.")
    ] = IDLE,
) -> None:
    """Keep frameworks imported for `verify --warm`, which starts this by itself.

    It listens on a socket that is its user's alone, and ends when it is not used.
    """
    if not processes.LINUX:
        raise UsageError("serve needs Linux: elsewhere no run can be forked off a warm process")
    from backproof.faces.warm.server import serve as listen

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    listen(context.obj, idle)


def leave(number: int, frame: object) -> None:
    """End in good order."""
    raise typer.Exit(0)
