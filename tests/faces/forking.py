"""Commands forked off one process that has imported everything: each costs no imports of its own.

What happens is what happens to ``python -m backproof`` in a shell, from the streams to the guard.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.faces.plugin_project import environment

SERVER = """
import gc, io, json, os, resource, sys
import jinja2, pandas, typer._adapters
import backproof.comparison.record.archive, backproof.comparison.run
import backproof.gauging.faults.mutation, backproof.gauging.fuzzing.fuzzing
import backproof.implementations.calibration.calibration
import backproof.mathematics.derivation.derivation
import backproof.reproduction.run, backproof.reproduction.terminal, backproof.reproduction.report
from backproof.faces.command_line.main import main
from backproof.reports import environment, faults, formats, report, terminal

report.all_formats()
import backproof.mathematics.layers.dense, backproof.mathematics.optimizers.gradient_descent
import backproof.mathematics.losses.squared_error, backproof.mathematics.functions.linear
backproof.implementations.calibration.calibration.LOCAL.clear()  # it takes long to measure
gc.freeze()  # what is there is never looked through again, nor copied by that

def carried_out(asked):
    os.setsid()  # by that, or by the variable, whoever is left is found
    os.environ["FORKED_AS"] = str(os.getpid())
    os.chdir(asked["cwd"])
    sys.path.insert(0, asked["cwd"])
    os.environ.update(asked["environment"])
    os.umask(asked["umask"])
    for what, limit in asked["limits"].items():
        resource.setrlimit(getattr(resource, what), (limit, limit))
    for number, path in enumerate(asked["streams"]):
        os.close(number)
        if path == "broken":
            _, writing = os.pipe()  # its other end has this number, and is closed
            os.dup2(writing, number)
            os.close(writing)
            continue
        assert os.open(path or os.devnull, os.O_RDWR | os.O_CREAT | os.O_APPEND) == number
    for number, path in enumerate(asked["streams"]):
        if path is None:
            os.close(number)
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        try:
            stream = io.TextIOWrapper(open(number, "rb" if number == 0 else "wb", 0),
                encoding=asked["encoding"], line_buffering=True, write_through=True)
        except OSError:
            stream = None
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = ["backproof", *asked["arguments"]]
    main()

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        carried_out(json.loads(line))
        os._exit(111)
    _, status = os.waitpid(pid, 0)
    print(json.dumps([pid, os.waitstatus_to_exitcode(status)]), flush=True)
"""


class Done(NamedTuple):
    """How a command has ended: its status, what it has said, and who of it still runs."""

    status: int
    out: str
    err: str
    left: list[int]

    @property
    def said(self) -> str:
        """All of it, in one line."""
        return " ".join((self.out + self.err).split())


class Server:
    """Carries out commands, one after the other."""

    def __init__(self, backproof: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", SERVER],
            env={**os.environ, **environment(backproof)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        folder: Path,
        *arguments: str,
        streams: Sequence[str | None] = ("/dev/null", "", ""),
        encoding: str = "utf-8",
        environment: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        umask: int = 0o022,
    ) -> Done:
        """``streams``: the file of each, or "broken": a pipe that nobody reads.

        None is closed, and an empty name is read here.
        """
        assert self.process.stdin
        assert self.process.stdout
        with tempfile.TemporaryDirectory() as kept:
            said = [Path(kept, f"{number}") for number in range(3)]
            asked = {
                "arguments": arguments,
                "cwd": str(folder),
                "environment": dict(environment or {}),
                "limits": dict(limits or {}),
                "umask": umask,
                "encoding": encoding,
                "streams": [
                    str(path) if given == "" else given
                    for given, path in zip(streams, said, strict=True)
                ],
            }
            self.process.stdin.write(f"{json.dumps(asked)}\n")
            self.process.stdin.flush()
            session, status = json.loads(self.process.stdout.readline())
            out, err = (
                path.read_text(errors="replace") if path.exists() else "" for path in said[1:]
            )
        return Done(status, out, err, left_of(session))


@contextmanager
def forking(backproof: Path) -> Iterator[Server]:
    """A server, ended afterwards."""
    server = Server(backproof)
    try:
        yield server
    finally:
        server.process.communicate()


def left_of(session: int) -> list[int]:
    """The processes that a command has started, by whatever way, and that still run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, its, *_ = (process / "stat").read_text().rpartition(")")[2].split()
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile, or is somebody else's
            continue
        if state != "Z" and (int(its) == session or f"FORKED_AS={session}".encode() in variables):
            found.append(int(process.name))
    return found
