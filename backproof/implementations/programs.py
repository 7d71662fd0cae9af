"""Programs in any language as subjects: they speak the workers' protocol over a pipe."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backproof.implementations import lists
from backproof.implementations.client import Worker
from backproof.mathematics import optimizers
from backproof.mathematics.checking import check_arguments
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.network import quantities
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers import Optimizer


def external(
    command: Sequence[str | Path],
    *,
    folder: str | Path | None = None,
    time_limit: float = 60.0,
) -> External:
    """A subject that is a program, which answers requests on its standard input and output.

    ``command``: the program and its arguments, as in ["./mynet"]. ``folder``: where it is started,
    by default the current folder. ``time_limit``: seconds that it may take for an answer. What it
    has to understand is in docs/protocol.md. What goes wrong, at the start, in the middle or in
    what it writes, is an error of its comparisons that says what was read.
    """
    check_arguments(external, locals())
    command = list(command)
    if not command:
        raise UsageError(f"external({command!r}): give a list, the program and its arguments")
    if time_limit <= 0:
        raise UsageError(f"external(time_limit={time_limit!r}): give a number of seconds above 0")
    return External([os.fspath(part) for part in command], Path(folder or Path.cwd()), time_limit)


class External:
    """A program that is started when it is first asked, and ended when it is asked no more."""

    def __init__(self, command: list[str], folder: Path, limit: float) -> None:
        self.command = command
        self.folder = folder
        self.limit = limit
        self.__name__ = self.__qualname__ = Path(command[0]).name
        self.__module__ = "external"
        self._described: dict[str, Any] = {"network": None, "optimizer": None, "dtype": "float64"}
        self._worker: Worker | None = None
        self._refused: EvaluationError | None = None
        self._batch: Any = None
        self._in_lists = False
        """Whether it has said that it speaks JSON alone."""

    def open(self, network: Network, optimizer: Optimizer, dtype: str) -> None:
        """Start afresh, for this network; a program that was lost before gets another chance."""
        self.close()
        self._described = {
            "network": network.to_json(),
            "optimizer": optimizers.to_json(optimizer),
            "dtype": dtype,
        }
        self._start()

    def close(self) -> None:
        """End the program."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _start(self) -> Worker:
        try:
            worker = Worker("", "", self.folder, limit=self.limit, command=self.command)
        except OSError as error:
            raise EvaluationError(
                f"{self.command[0]} cannot be started in {self.folder} ({error.strerror}); "
                "compile it there, or name its folder"
            ) from error
        self._worker, self._refused, self._batch = worker, None, None
        weakref.finalize(self, worker.close)
        try:
            hello, _ = worker.wait(worker.hello)
            self._in_lists = hello.get("json") is True
            worker.wait(
                worker.request({"do": "open", "twin": "subject", "model": None, **self._described})
            )
        except EvaluationError as error:
            self._refused = error  # it is asked nothing about a network that it has not taken
            raise
        return worker

    def __call__(self, parameters: Any, batch: Any) -> Mapping[str, Any]:
        worker = self._worker or self._start()
        if (error := self._refused or worker.lost) is not None:
            raise error
        if self._in_lists:
            message, _ = worker.wait(
                worker.request(
                    {
                        "do": "evaluate",
                        "parameters": lists.as_lists(parameters),
                        "batch": lists.as_lists(batch.arrays()),
                    }
                )
            )
            return lists.arrays_of(message.get("results"), self._described["dtype"])
        if batch is not self._batch:
            asked = {"do": "batch", "batch": "batch"}
            worker.wait(worker.request(asked, batch.arrays()))
            self._batch = batch
        request = {
            "do": "evaluate",
            "twin": "subject",
            "batch": "batch",
            "want": list(quantities.KNOWN),
        }
        return worker.wait(worker.request(request, dict(parameters)))[1]
