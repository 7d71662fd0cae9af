"""A worker process: it evaluates the twins of one framework, asked over its standard input."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from backproof.implementations import protocol
from backproof.implementations.frameworks import load_file
from backproof.implementations.host import processes
from backproof.implementations.host.modules import Project
from backproof.implementations.protocol import Tensors
from backproof.mathematics import functions, optimizers
from backproof.mathematics.errors import message
from backproof.mathematics.functions import Activation
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.places import place

# Set in a worker's environment: whoever loads a model must not start workers of its own.
IN_WORKER = "BACKPROOF_WORKER"
# So many twins that nobody has open are kept: as many networks as one is likely to compare in turn.
KEPT = 8


class Twin(Protocol):
    """A model of one framework that stands for one network."""

    def evaluate(self, parameters: Tensors, batch: Batch, want: list[str]) -> Tensors:
        """At least the wanted quantities, by name (see `quantities`)."""

    def train(self, state: Tensors, batch: Batch, steps: int, report: Sequence[int]) -> Tensors:
        """So many steps from a state on one batch, with the rate exact in the dtype.

        ``loss``, ``accuracy`` where there is one, and ``parameters/dense_1/kernel``, each with a
        row for every step of the report, as it is before that step. The report ascends; its last
        step may be ``steps`` itself, the end.
        """


class Framework(Protocol):
    """What a file ``frameworks/NAME_twin.py`` provides."""

    def start(self, dtype: str) -> dict[str, str]:
        """Set the dtype and threads before any layer is made; returns the versions."""

    def open_twin(
        self,
        model: str | None,
        network: Network,
        optimizer: Optimizer,
        dtype: str,
        *,
        compiled: bool,
        outputs: str,
    ) -> Twin:
        """The named model ("file.py:factory"), or one built from the network alone.

        Compiled where the framework does that, unless it is for one evaluation only. Where the
        loss is a cross-entropy, ``outputs`` says what the model gives it: logits or probabilities.
        """

    MODES: tuple[str, ...]

    def apply(self, function: str | Activation, mode: str, given: Tensors, dtype: str) -> Tensors:
        """A function of arrays, and its gradients where a ``cotangent`` is among them.

        For `backproof calibrate`: elementary functions, softmax, activations, and sums of ``x``;
        dense of ``x``, ``kernel`` and ``bias``; the rows of a loss of ``x`` and ``targets``.
        Returns ``y``, ``gradient/x`` and so on. All arrays hold values of the dtype.
        """


def serve(framework: Framework, dtype: str, requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer requests until they end; an error is a reply, not an end."""
    versions = framework.start(dtype)
    gc.freeze()  # what is there by now stays: a collection need not look at it
    gc.enable()
    protocol.send(replies, {"ok": True, "versions": versions})
    held = Held(framework, dtype)
    reply_to_all(requests, replies, lambda message, tensors: ({}, answer(held, message, tensors)))


def reply_to_all(
    requests: IO[bytes],
    replies: IO[bytes],
    answer: Callable[[Mapping[str, Any], Tensors], tuple[dict[str, Any], Tensors]],
) -> None:
    """Answer requests until they end; an error is a reply, not an end."""
    while (received := protocol.receive(requests)) is not None:
        try:
            told, reply = answer(*received)
        except Exception as error:  # user code may raise anything; it goes back in the reply
            protocol.send(
                replies,
                {
                    "ok": False,
                    "error": f"{type(error).__name__}: {message(error)}",
                    "where": place(error),
                    "traceback": traceback.format_exc(),
                },
            )
        else:
            protocol.send(replies, {"ok": True, **told}, reply)


class Held:
    """What a worker holds: the twins and the batches that it was given, until it forgets them.

    A twin that is built of the network alone is kept a while longer: whoever compares the same
    network again, as a notebook does, is spared another compilation.
    """

    def __init__(self, framework: Framework, dtype: str) -> None:
        self.framework = framework
        self.dtype = dtype
        self.twins: dict[str, Twin] = {}
        self.batches: dict[str, Batch] = {}
        self.project = Project(Path.cwd())
        self._built: dict[str, Twin] = {}
        """By what they were built of, the one that was used last at the end."""

    def open(self, message: Mapping[str, Any]) -> None:
        """Open a twin under a name."""
        if load_parts(message.get("parts", ())):
            self._built.clear()  # they are of parts as these were before
        key = json.dumps({**message, "twin": ""}, sort_keys=True)
        if message["model"] is not None:
            self.project.refresh()
        twin = self._built.pop(key, None) or self.framework.open_twin(
            message["model"],
            Network.from_json(message["network"]),
            optimizers.from_json(message["optimizer"]),
            self.dtype,
            compiled=message.get("compiled", True),
            outputs=message.get("outputs", "logits"),
        )
        if message["model"] is None:  # a user's own file may be another the next time
            self._built[key] = twin
        else:
            self.project.note()
        self.twins[message["twin"]] = twin

    def forget(self, twin: str, batches: Sequence[str]) -> None:
        """Let go of a twin and its batches."""
        self.twins.pop(twin, None)
        for name in batches:
            self.batches.pop(name, None)
        while len(self._built) > KEPT:
            del self._built[next(iter(self._built))]
        if release := getattr(self.framework, "release", None):
            release()  # what it keeps itself of twins that are no more
        gc.collect()  # models and what they compile refer to each other


def answer(held: Held, message: Mapping[str, Any], tensors: Tensors) -> Tensors:
    """Carry out one request; returns the reply's tensors."""
    twins, batches = held.twins, held.batches
    match message["do"]:
        case "open":
            held.open(message)
            return {}
        case "batch":
            batches[message["batch"]] = Batch.of(tensors)
            return {}
        case "evaluate":
            want = message["want"]
            results = twins[message["twin"]].evaluate(tensors, batches[message["batch"]], want)
            return {n: value for n, value in results.items() if n.split("/", 1)[0] in want}
        case "train":
            twin, batch = twins[message["twin"]], batches[message["batch"]]
            return twin.train(tensors, batch, message["steps"], message["report"])
        case "forget":
            held.forget(message["twin"], message["batches"])
            return {}
        case "modes":
            return {mode: np.zeros(0) for mode in held.framework.MODES}
        case "apply":
            named = message["function"]
            function = named if isinstance(named, str) else functions.from_json(named)
            return held.framework.apply(function, message["mode"], tensors, held.dtype)
        case unknown:
            raise ValueError(
                f"no request {unknown!r}; there are open, batch, evaluate, train, forget, apply"
            )


# Files of parts that are loaded, each as it was when that was done.
_loaded: dict[str, int] = {}


def load_parts(paths: Sequence[str]) -> bool:
    """Execute the files that enter parts of a user's own, each once; anew if it has changed.

    Returns whether any was executed.
    """
    found = False
    for path in paths:
        changed = Path(path).stat().st_mtime_ns
        if _loaded.get(path) != changed:
            load_file(Path(path))
            _loaded[path] = changed
            found = True
    return found


def end_with_client() -> None:
    """However the process that started this one ends, this one ends too, and at once."""
    if processes.PARENT in os.environ:
        processes.end_with_parent(int(os.environ.pop(processes.PARENT)))


def own_output(root: str) -> IO[bytes]:
    """Standard output for the replies alone, and the project's folder as the place to be."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.path.insert(0, root)
    os.chdir(root)
    return replies


def main() -> None:
    """Take standard output away from the framework before its import, then serve."""
    name, dtype, root = sys.argv[1:4]
    os.environ[IN_WORKER] = name
    end_with_client()
    replies = own_output(root)
    # Collecting garbage while a framework is imported finds none, and takes a fifth of the time.
    gc.disable()
    framework = importlib.import_module(f"backproof.implementations.frameworks.{name}_twin")
    serve(framework, dtype, sys.stdin.buffer, replies)
    # The frameworks' own teardown takes longer than many a run, and saves nothing here.
    os._exit(0)


if __name__ == "__main__":
    main()
