"""The other end of a worker: starts it, pipelines requests to it, and outlives its death."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from backproof import protocol, threads
from backproof.errors import EvaluationError
from backproof.protocol import Tensors

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
        module: str = "backproof.worker",
    ) -> None:
        self.framework = framework
        self.limit = limit
        self.lost: EvaluationError | None = None
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `close`)
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, framework, dtype, str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            env=os.environ | ENVIRONMENT,
            start_new_session=True,
        )
        self._requests: queue.SimpleQueue[tuple[dict[str, Any], Tensors] | None] = (
            queue.SimpleQueue()
        )
        self._open: queue.SimpleQueue[Future[Reply]] = queue.SimpleQueue()
        self._hello: Future[Reply] = Future()
        self._open.put(self._hello)
        self._threads = [
            threading.Thread(target=self._write, daemon=True),
            threading.Thread(target=self._read, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def request(self, message: Mapping[str, Any], tensors: Tensors | None = None) -> Future[Reply]:
        """Queue a request; its future holds the reply, or the error that the worker reported."""
        future: Future[Reply] = Future()
        self._open.put(future)
        self._requests.put((dict(message), tensors or {}))
        return future

    def wait(self, future: Future[Reply]) -> Reply:
        """The reply, or an `EvaluationError`; a worker silent beyond its limit is killed."""
        try:
            message, tensors = future.result(timeout=self.limit)
        except TimeoutError:
            self.lost = EvaluationError(
                f"the {self.framework} worker gave no answer for {self.limit:g} s and was killed; "
                "raise --time-limit if the network is that large"
            )
            self.kill()
            raise self.lost from None
        if not message["ok"]:
            raise EvaluationError(f"{message['error']} ({message['where']})")
        return message, tensors

    def versions(self) -> dict[str, str]:
        """The framework's versions, once it is imported."""
        found: dict[str, str] = self.wait(self._hello)[0]["versions"]
        return found

    @property
    def ready(self) -> bool:
        """Whether the framework was imported: the worker has said so."""
        return self._hello.done() and self._hello.exception() is None

    def _write(self) -> None:
        assert self.process.stdin is not None
        while (item := self._requests.get()) is not None:
            try:
                protocol.send(self.process.stdin, *item)
            except OSError:
                return  # the worker is gone; the reading side says why
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            try:
                reply = protocol.receive(self.process.stdout)
            except (protocol.ProtocolError, OSError, ValueError) as error:
                reply, why = None, f"wrote garbage: {error}"
                self.kill()
            else:
                why = ""
            if reply is None:
                break
            self._open.get().set_result(reply)
        self._fail(why)

    def _fail(self, why: str) -> None:
        """Give every open request, and every later one, the reason why there is no answer."""
        status = self.process.wait()
        if self.lost is None:
            self.lost = EvaluationError(
                f"the {self.framework} worker {why or describe_exit(status)}{self._last_words()}"
            )
        while True:
            self._open.get().set_exception(self.lost)

    def _last_words(self) -> str:
        self.stderr.seek(0)
        lines = self.stderr.read().decode(errors="replace").strip().splitlines()
        if not lines:
            return ""
        if lines[-1].startswith("ModuleNotFoundError"):
            return f": {lines[-1]}; install it with: pip install 'backproof[{self.framework}]'"
        return f": {lines[-1][:500]}"

    def kill(self) -> None:
        """End the process and whatever it started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let the worker end by itself, and end it if it does not."""
        self._requests.put(None)
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def describe_exit(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended by itself with status {status}"
