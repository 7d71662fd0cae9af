"""The other end of a worker: starts it, pipelines requests to it, and outlives its death."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from importlib.machinery import PathFinder
from pathlib import Path
from typing import IO, Any, Protocol

from backproof.implementations import protocol
from backproof.implementations.host import mapped, processes, threads
from backproof.implementations.host.files import temporary_file
from backproof.implementations.host.installation import to_install
from backproof.implementations.protocol import Tensors
from backproof.mathematics.errors import EvaluationError
from backproof.mathematics.places import INSTALLED, is_users, named

# Every framework computes on one CPU thread and is quiet.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
    **dict.fromkeys(threads.VARIABLES, "1"),
}

Reply = tuple[dict[str, Any], Tensors]
# So many characters of what makes no sense are quoted.
QUOTED = 200
START_LIMIT = 900.0
"""Seconds that a framework may take to be imported, on the slowest of machines."""
MODULE = "backproof.implementations.worker"
WARDEN = "backproof.implementations.host.warden"


class Process(Protocol):
    """A process with two pipes, as `subprocess.Popen` has it."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class Worker:
    """One process that evaluates one framework's twins in one dtype.

    Requests are answered in order. Whatever goes wrong (the process dies, hangs, writes garbage)
    becomes an `EvaluationError` of every request that is still open, and of those to come.
    """

    def __init__(
        self,
        framework: str,
        dtype: str,
        root: Path,
        *,
        limit: float = 300.0,
        module: str = MODULE,
        command: Sequence[str] = (),
    ) -> None:
        """Start the framework's worker, or ``command``, a program that speaks as one, in ``root``.

        ``module`` is what runs in the framework's worker. Raises OSError if a program cannot be
        started.
        """
        self.framework = framework
        self.name = f"the program {command[0]}" if command else f"the {framework} worker"
        self.limit = limit
        self.start_limit = limit if command else max(limit, START_LIMIT)
        self.lost: EvaluationError | None = None
        self._late = ""
        self._ended = threading.Event()
        self._silent = 0  # what stands in stderr before is not of this run
        self._losing = threading.Lock()
        self.stderr, self.process = self._started(module, command, dtype, root)
        self._requests: queue.SimpleQueue[tuple[dict[str, Any], Tensors] | None] = (
            queue.SimpleQueue()
        )
        self._open: queue.SimpleQueue[Future[Reply]] = queue.SimpleQueue()
        self.hello: Future[Reply] = Future()
        self._heard = time.monotonic()
        self._greet()
        self._threads = [
            threading.Thread(target=self._write, daemon=True),
            threading.Thread(target=self._read, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _greet(self) -> None:
        """Its first message is what it says of itself."""
        self._open.put(self.hello)

    def _started(
        self, module: str, command: Sequence[str], dtype: str, root: Path
    ) -> tuple[IO[bytes], Process]:
        """The process, and what it writes to standard error, closed when that has ended."""
        stderr = temporary_file()
        try:
            return stderr, processes.started(
                in_custody(command, root)
                if command
                else worker_command(self.framework, dtype, root, module),
                cwd=root if command else None,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=os.environ | ENVIRONMENT | found_again(),
                start_new_session=True,
            )
        except OSError:
            stderr.close()
            raise

    def request(self, message: Mapping[str, Any], tensors: Tensors | None = None) -> Future[Reply]:
        """Queue a request; its future holds the reply, or the error that the worker reported."""
        future: Future[Reply] = Future()
        with self._losing:
            if self.lost is not None:
                future.set_exception(self.lost)
                return future
            self._open.put(future)
        self._requests.put((dict(message), tensors or {}))
        return future

    def wait(self, future: Future[Reply]) -> Reply:
        """The reply, or an `EvaluationError`; a worker silent beyond its limit is killed.

        The limit counts from when the worker is ready: its import is no part of it.
        """
        try:
            if not self.hello.done():
                limit = self.start_limit
                self._result(self.hello, limit)
            limit = self.limit
            message, tensors = self._result(future, limit)
        except TimeoutError:
            self._late = (
                f"gave no answer for {limit:g} s and was killed; "
                "raise the time limit if the network is that large"
            )
            self.kill()
            # What it had written before is read once it is dead.
            self._ended.wait(timeout=5)
            raise self.lost or EvaluationError(f"{self.name} {self._late}") from None
        if message.get("ok") is not True:
            if not isinstance(message.get("error"), str):
                told = str(message)[:QUOTED]
                raise EvaluationError(
                    f'{self.name} answered {told}, which says neither "ok" nor "error"'
                )
            where = f" ({message['where']})" if message.get("where") else ""
            raise EvaluationError(f"{message['error']}{where}")
        return message, tensors

    def _result(self, future: Future[Reply], limit: float) -> Reply:
        """The reply, however long it takes while others come; TimeoutError if none does."""
        while not future.done():
            heard = self._heard
            patience = processes.Patience(limit, self.process.pid)
            while (left := patience.left()) > 0 and self._heard == heard:
                with contextlib.suppress(TimeoutError):
                    return future.result(timeout=left)
            if self._heard == heard and not future.done():
                raise TimeoutError
        return future.result()

    def versions(self) -> dict[str, str]:
        """The framework's versions, once it is imported."""
        found: dict[str, str] = self.wait(self.hello)[0]["versions"]
        return found

    @property
    def ready(self) -> bool:
        """Whether the framework was imported: the worker has said so."""
        return self.hello.done() and self.hello.exception() is None

    def _write(self) -> None:
        assert self.process.stdin is not None
        # Once the worker is gone the reading side says why.
        with contextlib.suppress(OSError):
            while (item := self._requests.get()) is not None:
                protocol.send(self.process.stdin, *item)
                mapped.let_go(item[1])
                del item  # or it would be held until the next one comes
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            try:
                reply = protocol.receive(self.process.stdout)
            except Exception as error:  # whatever came, this thread must live to say so
                reply, why = None, f"wrote garbage: {str(error) or type(error).__name__}"
                self.kill()
            else:
                why = ""
            if reply is None:
                break
            self._heard = time.monotonic()
            try:
                self._open.get_nowait().set_result(reply)
            except queue.Empty:
                why = f"answered what nobody asked: {str(reply[0])[:QUOTED]}"
                self.kill()
                break
        with contextlib.suppress(OSError):  # user code has closed it
            self.process.stdout.close()
        self._fail(why)

    def _fail(self, why: str) -> None:
        """Give every open request, and every later one, the reason why there is no answer."""
        status = self.process.wait()
        processes.end_group(self.process.pid)  # what it had started, and left
        if self._late:
            said = f"{self._late} (it {why})" if why else self._late
        else:
            said = f"{why or self._how_it_ended(status)}{self._last_words()}"
        with self._losing:
            self.lost = EvaluationError(f"{self.name} {said}")
            while not self._open.empty():
                self._open.get_nowait().set_exception(self.lost)
        with contextlib.suppress(OSError):
            self.stderr.close()
        self._ended.set()

    def _how_it_ended(self, status: int) -> str:
        return processes.describe_exit(status)

    def _last_words(self) -> str:
        try:
            self.stderr.seek(self._silent)
            lines = self.stderr.read().decode(errors="replace").strip().splitlines()
        except OSError:  # user code has closed it
            return ""
        if not lines:
            return ""
        if lines[-1].startswith("ModuleNotFoundError"):
            return f": {lines[-1]}; install it with: {to_install(self.framework)}"
        return f": {lines[-1][:500]}{where(lines)}"

    def kill(self) -> None:
        """End the process and whatever it started, at once."""
        if self.process.poll() is None:
            processes.end_all(self.process.pid)

    def close(self) -> None:
        """Let the worker end by itself, and end it if it does not."""
        self._requests.put(None)
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
        for thread in self._threads:  # they close their pipes
            thread.join(timeout=5)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def found_again() -> dict[str, str]:
    """Where a worker finds backproof, if it is not installed; it does not look where it is."""
    home = Path(__file__).parents[2]  # by whatever links
    if INSTALLED & set(home.parts) or redirected(home):
        return {}  # else all that lies beside it would go before what a project calls alike
    paths = [str(home), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def redirected(home: Path) -> bool:
    """Whether this backproof is found without the path, as an editable installation has it."""
    name = __name__.partition(".")[0]
    others = (each for each in sys.meta_path if each is not PathFinder)
    found = (each.find_spec(name, None) for each in others)
    ours = home / name / "__init__.py"
    return any(spec is not None and spec.origin == str(ours) for spec in found)


def where(lines: Sequence[str]) -> str:
    """The last line of the user's own code in a traceback: a numpy.py beside it, say."""
    found = [each for line in lines for each in re.findall(r'^ *File "(.+)", line (\d+)', line)]
    users = [(file, int(line)) for file, line in found if is_users(file)]
    return f" ({named(*users[-1])})" if users else ""


def worker_command(framework: str, dtype: str, root: Path, module: str = MODULE) -> list[str]:
    """What starts the worker of a framework in a project."""
    return [sys.executable, "-P", "-m", module, framework, dtype, str(root)]


def in_custody(command: Sequence[str], folder: Path) -> list[str]:
    """The command of a program's warden, where there are any; OSError if there is no program."""
    program = command[0]
    if os.sep in program:
        if not (folder / program).exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
        if not os.access(folder / program, os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), program)
    elif shutil.which(program) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    custody = [sys.executable, "-P", "-m", WARDEN] if processes.LINUX else []
    return [*custody, *command]
