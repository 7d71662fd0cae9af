"""Campaigns: work in chunks that can be repeated, carried out here or on a Dask cluster.

What a chunk gives depends on the chunk alone, and the results come in the order of the chunks: they
are the same wherever they were carried out. A chunk whose process dies is carried out again by
another one. Nothing of Dask is imported unless it is asked for.
"""

from __future__ import annotations

import atexit
import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeVar

from backproof.comparison.run import Workers
from backproof.implementations.host.installation import to_install
from backproof.implementations.host.watched import TIME_LIMIT
from backproof.mathematics.errors import EvaluationError, UsageError

Result_co = TypeVar("Result_co", covariant=True)
Result = TypeVar("Result")

PATIENCE = 30
"""Seconds that a scheduler has to answer, and a first worker of it to come."""
DECISIVE = ("backproof", "numpy", "scipy", "python-flint", "hypothesis")
"""The packages that decide what is drawn, computed and judged."""


class Chunk(Protocol[Result_co]):
    """A part of a campaign: it can be pickled, and gives the same whenever it is carried out."""

    @property
    def size(self) -> int:
        """How many steps of the campaign's progress it is."""
        ...

    def carry_out(self, workers: Workers, on_done: Callable[[int], object]) -> Result_co:
        """Its result; ``on_done`` is told of steps as they are done."""
        ...


class Campaign(Protocol):
    """Where chunks are carried out."""

    def carry_out(
        self, chunks: Iterable[Chunk[Result]], on_done: Callable[[int], object]
    ) -> Iterator[Result]:
        """The results in the order of the chunks; ``on_done`` is told of steps that are done.

        Whatever a chunk raises is raised when its turn comes; what follows it need not be done.
        """
        ...


@dataclass(frozen=True)
class Crew:
    """Which frameworks' workers the chunks of a campaign need, and by which versions of ours."""

    frameworks: tuple[str, ...]
    dtype: str
    root: Path
    limit: float = TIME_LIMIT
    versions: tuple[tuple[str, str], ...] = field(default_factory=lambda: versions())

    def start(self) -> Workers:
        """Start them."""
        return Workers(self.frameworks, self.dtype, self.root, self.limit)


def versions() -> tuple[tuple[str, str], ...]:
    """The versions of the packages that decide, as this process has them."""
    found = []
    for package in DECISIVE:
        try:
            found.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            found.append((package, "none"))
    return tuple(found)


@contextmanager
def begun(
    crew: Crew, processes: int | None = None, address: str | None = None
) -> Iterator[Campaign]:
    """A campaign on so many processes, on the cluster at an address, or, without both, here."""
    if processes is None and address is None:
        with crew.start() as workers:
            yield Here(workers)
    else:
        with Cluster(crew, processes, address) as cluster:
            yield cluster


@dataclass(frozen=True)
class Here:
    """This process, one chunk after the other."""

    workers: Workers

    def carry_out(
        self, chunks: Iterable[Chunk[Result]], on_done: Callable[[int], object]
    ) -> Iterator[Result]:
        for chunk in chunks:
            yield chunk.carry_out(self.workers, on_done)


class Cluster:
    """A Dask cluster: one of this machine with so many processes, or one that is running.

    Raises `UsageError` where Dask is missing, or nobody answers at the address.
    """

    def __init__(
        self, crew: Crew, processes: int | None = None, address: str | None = None
    ) -> None:
        self.crew = crew
        with ExitStack() as stack:
            self._client = self._connected(stack, processes, address)
            self._stack = stack.pop_all()

    def _connected(self, stack: ExitStack, processes: int | None, address: str | None) -> Any:
        """The client of a cluster that has a worker."""
        try:
            from distributed import Client, LocalCluster
        except ModuleNotFoundError as error:
            raise UsageError(f"{error}; install it with: {to_install('dask')}") from error
        if address is None:
            # No limit of memory: Dask knows nothing of the frameworks' processes.
            cluster = LocalCluster(
                n_workers=processes,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",  # any port that is free
                silence_logs=logging.CRITICAL,  # a process that dies is replaced: no news
            )
            stack.enter_context(cluster)
            return stack.enter_context(Client(cluster))
        try:
            with warnings.catch_warnings():
                # Dask's own parts may differ; each worker compares the versions that decide.
                warnings.simplefilter("ignore")
                client = stack.enter_context(Client(address, timeout=PATIENCE))
        except (OSError, ValueError) as error:  # nobody there; no address of Dask's
            raise UsageError(
                f"no Dask scheduler answers at {address} ({error}): start one with "
                "`dask scheduler`, and give the address that it prints, as in tcp://host:8786"
            ) from error
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise UsageError(
                f"the Dask scheduler at {address} has no workers: "
                f"start some with `dask worker {address} --nthreads 1`"
            ) from error
        return client

    def carry_out(
        self, chunks: Iterable[Chunk[Result]], on_done: Callable[[int], object]
    ) -> Iterator[Result]:
        from distributed import CancelledError, KilledWorker

        every = list(chunks)
        # Not pure: two campaigns that ask for the same each get what is computed for them.
        futures = [
            self._client.submit(carried_out, chunk, self.crew, pure=False) for chunk in every
        ]
        self._stack.callback(self._client.cancel, futures)
        for chunk, future in zip(every, futures, strict=True):
            try:
                result: Result = future.result()
            except KilledWorker as error:
                raise EvaluationError(
                    f"{chunk}: {error.allowed_failures + 1} processes of the cluster died of it, "
                    f"the last one at {error.last_worker.address}; often memory lacks: give each "
                    "more of it, or start fewer, and run the same command again"
                ) from error
            except CancelledError as error:
                raise EvaluationError(
                    f"{chunk}: the Dask scheduler has given it up, or was ended: "
                    "see what it says, and run the same command again"
                ) from error
            on_done(chunk.size)
            yield result
            future.release()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.callback(self._client.run, let_go, on_error="ignore")
        self._stack.close()


# In a process of a cluster: the workers of the campaign that it serves, kept between its chunks.
_kept: dict[Crew, Workers] = {}
# They answer one chunk at a time, however many threads the process has for tasks.
_busy = threading.Lock()


def carried_out(chunk: Chunk[Result], crew: Crew) -> Result:
    """The result of a chunk, in a process of a cluster, with workers that are kept warm there."""
    with _busy:
        return chunk.carry_out(warm(crew), lambda _: None)


def warm(crew: Crew) -> Workers:
    """The workers that this process keeps for a campaign; those of another one are let go."""
    if crew not in _kept:
        let_go()
        for (package, wanted), (_, found) in zip(crew.versions, versions(), strict=True):
            if found != wanted:
                raise UsageError(
                    f"the cluster has {package} {found}, and this process {wanted}: results would "
                    "not be the same; install the same versions in both"
                )
        if not crew.root.is_dir():
            raise UsageError(
                f"the cluster sees no folder {crew.root}: the project must lie at the same path "
                "on every machine"
            )
        # Threads of Dask's own draw from `random`, while Hypothesis looks whether a strategy does.
        warnings.filterwarnings("ignore", "Do not use the `random` module inside strategies")
        _kept[crew] = crew.start()
        atexit.register(let_go)
    workers = _kept[crew]
    for name, worker in workers.by_name.items():
        if worker.lost is not None:  # by a chunk before, whose result says so
            workers.restart(name)
    return workers


def let_go() -> None:
    """End the workers that this process keeps."""
    while _kept:
        _, workers = _kept.popitem()
        workers.__exit__(KeyboardInterrupt)
