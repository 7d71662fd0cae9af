"""The keeper: a process that stays, keeps workers and imports warm, and forks every run off itself.

A run is the command as it would be without a keeper, guard and all, but that its workers are ready
and what it imports of other people is imported. Of the user's own code the keeper imports nothing,
so a run has it as it is written now. On Linux alone: elsewhere no process can be forked so.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from backproof.faces import guard
from backproof.implementations import lending, protocol
from backproof.implementations.client import ENVIRONMENT, found_again, worker_command
from backproof.implementations.host import processes
from backproof.implementations.host.files import temporary_file
from backproof.implementations.lending import Key, Loan, Offer

LONGEST = 1 << 20
"""Bytes of a message."""
FRAMEWORKS = {"jax", "jaxlib", "keras", "tensorflow", "torch"}
"""What starts threads as it is imported: a process that has them is not forked."""


@dataclass
class Kept:
    """A worker between two runs."""

    process: subprocess.Popen[bytes]
    stderr: IO[bytes]
    versions: dict[str, str]

    @classmethod
    def start(cls, key: Key) -> Kept | None:
        """Start a worker and wait until it is ready; None if it does not get there."""
        stderr = temporary_file()
        quiet = {"PYTHONDONTWRITEBYTECODE": "1", processes.PARENT: str(os.getpid())}
        process = subprocess.Popen(
            worker_command(key[0], key[1], Path(key[2])),
            bufsize=0,  # whatever is read too much, a run would lack
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | ENVIRONMENT | found_again() | quiet,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            reply = protocol.receive(process.stdout)
        except protocol.ProtocolError:
            reply = None
        if reply is None:
            processes.end_all(process.pid)
            process.wait()
            return None
        return cls(process, stderr, reply[0]["versions"])

    def offer(self) -> Offer:
        """What a run borrows."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return Offer(
            self.process.pid,
            self.process.stdin.fileno(),
            self.process.stdout.fileno(),
            self.stderr.fileno(),
            self.versions,
        )

    def end(self) -> None:
        """End it, and close what is left of it."""
        processes.end_all(self.process.pid)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.stderr):
            assert pipe is not None
            pipe.close()


@dataclass
class Heard:
    """What a run has told by its end: of workers, and what it has imported."""

    wanted: list[Key] = field(default_factory=list)
    taken: list[Key] = field(default_factory=list)
    returned: list[Key] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)

    def take(self, lines: bytes) -> None:
        """Every whole line; the last one may be cut off with the run."""
        for line in lines.splitlines():
            with contextlib.suppress(ValueError):
                for name, value in json.loads(line).items():
                    told: list[Any] = getattr(self, name)
                    told.extend(value if name == "imported" else [tuple(value)])


class Keeper:
    """The process that stays."""

    def __init__(self, run: Callable[[], object], listening: socket.socket | None = None) -> None:
        """``run``: the command, for the words in ``sys.argv``; it may end by SystemExit.

        ``listening``: where further clients knock; while one is served, they are sent away.
        """
        self.run = run
        self.listening = listening
        self.workers: dict[Key, Kept] = {}

    def serve(self, client: socket.socket) -> None:
        """Answer a client's requests, one after another, until it has no more."""
        while (received := receive(client)) is not None:
            request, streams = received
            status, heard = self.carry_out(request, streams, client)
            send(client, {"status": status})
            self.prepare(heard)

    def carry_out(
        self, request: Mapping[str, Any], streams: list[int], client: socket.socket
    ) -> tuple[int, Heard]:
        """Fork a run, tell its number, and wait for it: its exit status, and what it has told.

        A request has the words of the command (``arguments``), the folder and the environment that
        it is to have (``folder``, ``environment``), and what it is narrowed to (``paths``).
        """
        for key, kept in list(self.workers.items()):
            if kept.process.poll() is not None:
                self.workers.pop(key).end()
        offers = {key: kept.offer() for key, kept in self.workers.items()}
        reading, writing = os.pipe()
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            for other in (client, self.listening):
                if other is not None:
                    other.close()
            processes.end_with_parent(keeper)
            become(request, streams)
            lending.begin(Loan(offers, writing, request["paths"]))
            leave_after(self.run)
        os.close(writing)
        for stream in streams:
            os.close(stream)
        send(client, {"pid": pid})
        heard = Heard()
        status = self.heard_to_the_end(pid, reading, client, heard)
        for key in set(heard.taken) - set(heard.returned):
            self.workers.pop(key).end()
        return status, heard

    def heard_to_the_end(self, pid: int, pipe: int, client: socket.socket, heard: Heard) -> int:
        """Wait for the end of a run, and take all that it tells; its exit status, as of a shell.

        A client that leaves takes its run with it; it has nothing to say meanwhile.
        """
        end = os.pidfd_open(pid)
        told = b""
        sources: set[Any] = {end, pipe, client, *([self.listening] if self.listening else [])}
        while end in sources:
            ready, _, _ = select.select(sources, [], [])
            if self.listening in ready:
                send_away(self.listening)
            if client in ready:
                sources.discard(client)
                os.kill(pid, signal.SIGTERM)
            if pipe in ready:
                part = os.read(pipe, LONGEST)
                told += part
                if not part:
                    sources.discard(pipe)
            elif end in ready:  # what it has left running holds the pipe, and has nothing to tell
                sources.discard(end)
        os.close(end)
        os.close(pipe)
        heard.take(told)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code if code >= 0 else 128 - code

    def prepare(self, heard: Heard) -> None:
        """Have at hand what the run would have had use of."""
        for name in heard.imported:
            if name not in sys.modules and name.partition(".")[0] not in FRAMEWORKS:
                # Whatever a module raises here, it raises again in a run that imports it.
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        for key in dict.fromkeys((*heard.wanted, *heard.taken)):
            if key not in self.workers and (kept := Kept.start(key)) is not None:
                self.workers[key] = kept

    def close(self) -> None:
        """End all workers."""
        while self.workers:
            self.workers.popitem()[1].end()


def send_away(listening: socket.socket | None) -> None:
    """Tell a client that nobody has time for it."""
    if listening is not None:
        with listening.accept()[0] as client:
            send(client, {"busy": True})


def become(request: Mapping[str, Any], streams: list[int]) -> None:
    """In a run: the folder, the environment, the streams and the words that it was asked with."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # The run guards its outputs anew: what the keeper writes to is the keeper's.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]
    # A file that is saved twice within a second may have the age of its bytecode.
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def leave_after(run: Callable[[], object]) -> NoReturn:
    """Run, and leave with its exit status; nothing of the keeper's is done at this end."""
    status = guard.OWN_FAULT
    try:
        run()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else status
    finally:
        guard.flush()
        processes.LEAVE(status)


def send(client: socket.socket, message: Mapping[str, object], streams: list[int] = []) -> None:  # noqa: B006
    """One message, and the streams that go with it."""
    content = json.dumps(message).encode()
    with contextlib.suppress(OSError):  # the client has gone: nobody waits for it
        socket.send_fds(client, [len(content).to_bytes(4)], streams)
        client.sendall(content)


def receive(client: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next message, and the streams that came with it; None if there are no more."""
    try:
        head, streams, _, _ = socket.recv_fds(client, 4, 3, socket.MSG_WAITALL)
        content = client.recv(int.from_bytes(head), socket.MSG_WAITALL) if head else b""
    except OSError:
        return None
    if len(head) < 4 or not content:
        return None
    message: dict[str, Any] = json.loads(content)
    return message, streams
