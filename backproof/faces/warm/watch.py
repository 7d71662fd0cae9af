"""Watching a project: what a saved file concerns is judged at once, on workers that stay warm."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from backproof.faces.command_line.screen import console
from backproof.faces.command_line.selection import root_of
from backproof.faces.warm import keeper
from backproof.faces.warm.imports import concerned
from backproof.implementations.host import processes
from backproof.implementations.host.installation import to_install
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.reports.harmless import for_terminal

# Milliseconds: after so many without a change, what was saved is whole; and between two looks at
# whether the watching is to end.
STEP, TURN = 20, 200


def watch(
    paths: list[Path], apart: Sequence[Path], arguments: list[str], run: Callable[[], object]
) -> int:
    """Run a command now, and again for what every change concerns, until somebody interrupts.

    ``paths``: the pairings; ``apart``: folders that the command itself writes to; ``arguments``:
    its words; ``run``: what carries them out. Returns the last exit status.
    """
    root = root_of(paths)
    ask = asker(arguments, run)
    status = 0
    try:
        for changed in changes(root, apart):
            begun = time.monotonic()
            if changed is None:
                status = ask([])
            elif found := concerned(pairing_files(paths), root, changed):
                there = sorted(str(each.relative_to(root)) for each in changed if each.exists())
                names = ", ".join(there or ["removed files"])
                console.rule(for_terminal(names), style="dim")
                status = ask([str(path) for path in found])
            else:
                continue
            took = f"judged in {time.monotonic() - begun:.1f} s"
            console.print(f"[dim]{took}; watching, end with Ctrl+C[/]", highlight=False)
    except KeyboardInterrupt:
        return status
    return status


def pairing_files(paths: list[Path]) -> list[Path]:
    """The files that there are now."""
    from backproof.comparison.pairing.pairing import files

    return files([path for path in paths if path.exists()])


def changes(root: Path, apart: Sequence[Path]) -> Iterator[set[Path] | None]:
    """None when the watching begins, then the files of each change."""
    try:
        import watchfiles
    except ModuleNotFoundError as error:
        raise UsageError(f"{error}; install it with: {to_install('watch')}") from error
    ignored = [str(path.resolve()) for path in apart]
    begun = False
    for found in watchfiles.watch(
        root,
        watch_filter=watchfiles.DefaultFilter(ignore_paths=ignored),
        step=STEP,
        rust_timeout=TURN,
        yield_on_timeout=True,
    ):
        if not begun:  # from here on no change is missed, whatever is done meanwhile
            begun = True
            yield None
        if found:
            yield {Path(path) for _, path in found}


def asker(arguments: list[str], run: Callable[[], object]) -> Callable[[list[str]], int]:
    """What carries out the command for some files, or for all: on Linux by a keeper."""
    if not processes.LINUX:
        command = [sys.executable, "-m", "backproof", *arguments]
        return lambda paths: subprocess.run(command, check=False).returncode
    client = kept(run)
    request = {
        "arguments": arguments,
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }

    def ask(paths: list[str]) -> int:
        keeper.send(client, {**request, "paths": paths})
        begun, ended = keeper.receive(client), keeper.receive(client)
        if begun is None or ended is None:
            raise EvaluationError("the process that keeps the workers has ended: start again")
        return int(ended[0]["status"])

    return ask


def kept(run: Callable[[], object]) -> socket.socket:
    """Fork a keeper off this process, which ends with it; the socket to ask it by."""
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    if os.fork():
        theirs.close()
        return ours
    ours.close()
    processes.end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all: the run heeds it
    keeping = keeper.Keeper(run)
    try:
        keeping.serve(theirs)
    finally:
        keeping.close()
        processes.LEAVE(0)
