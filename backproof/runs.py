"""A run: start the workers at once, evaluate everything, then judge pairing by pairing."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from backproof.comparison.bounds import Bounds
from backproof.comparison.rows import Row
from backproof.comparison.verdicts import compare
from backproof.errors import EvaluationError, UsageError
from backproof.frameworks.client import Reply, Worker
from backproof.pairing import Broken, Pairing
from backproof.record import SUBJECT, Point, Record
from backproof.subjects import run as run_subject

TIME_LIMIT = 300.0


@dataclass(eq=False)
class Judged:
    """A record with its rows."""

    record: Record
    rows: list[Row]


class Workers:
    """The worker processes of a run, one a framework, all started together."""

    def __init__(
        self, frameworks: Iterable[str], dtype: str, root: Path, limit: float = TIME_LIMIT
    ) -> None:
        self.dtype = dtype
        self.root = root
        self.limit = limit
        self.by_name: dict[str, Worker] = {}
        for name in frameworks:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a framework's worker, unless it runs already."""
        if name not in self.by_name:
            self.by_name[name] = Worker(name, self.dtype, self.root, limit=self.limit)

    def versions(self) -> dict[str, str]:
        """The versions of every framework that could be started."""
        found: dict[str, str] = {}
        for worker in self.by_name.values():
            try:
                found |= worker.versions()
            except EvaluationError as error:
                found[worker.framework] = f"not available: {error}"
        return found

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for worker in self.by_name.values():
                stack.callback(worker.close)


@dataclass(eq=False)
class _Asked:
    """A pairing whose subject has run, and what the workers have been asked about it."""

    record: Record
    opened: dict[str, Future[Reply]]
    asked: dict[str, dict[Point, Future[Reply]]]


def verify(
    pairings: Iterable[Pairing],
    workers: Workers,
    today: datetime.date,
    on_stage: Callable[[str], object] = lambda stage: None,
) -> Iterator[Judged | Broken]:
    """Evaluate all pairings, and yield each one judged, in their order; first those without a start.

    While the frameworks are still being imported, the subjects run and their points are queued;
    then the bounds are computed; then the answers are taken and compared.
    """
    asked: list[_Asked] = []
    for pairing in pairings:
        on_stage(f"{pairing.name}: running the subject")
        try:
            asked.append(ask(pairing, workers))
        except UsageError as error:
            yield Broken(pairing.name, str(error))
    bounds = [Bounds(each.record) for each in asked]
    for each, its_bounds in zip(asked, bounds, strict=True):
        on_stage(f"{each.record.pairing}: deriving the bounds")
        its_bounds.prepare(SUBJECT, *each.record.references)
    for each, its_bounds in zip(asked, bounds, strict=True):
        on_stage(f"{each.record.pairing}: waiting for {' and '.join(each.record.references)}")
        collect(each, workers)
        yield Judged(each.record, compare(each.record, its_bounds, today))


def judge_again(records: Iterable[Record], today: datetime.date) -> Iterator[Judged]:
    """Judge stored records, as `verify` judged them."""
    for record in records:
        yield Judged(record, compare(record, Bounds(record), today))


def ask(pairing: Pairing, workers: Workers) -> _Asked:
    """Run the subject, and queue each of its points for every reference as it comes."""
    references = [name for name in workers.by_name if name in pairing.references]
    record = Record(
        pairing=pairing.name,
        subject=pairing.subject_name,
        network=pairing.network,
        optimizer=pairing.optimizer,
        dtype=workers.dtype,
        quantities=pairing.quantities,
        waivers=pairing.waivers,
        references=tuple(references),
        steps=pairing.steps,
    )
    described = {
        "do": "open",
        "twin": pairing.name,
        "network": pairing.network.to_json(),
        "optimizer": asdict(pairing.optimizer),
    }
    opened = {
        name: workers.by_name[name].request(described | {"model": pairing.references[name]})
        for name in references
    }
    asked: dict[str, dict[Point, Future[Reply]]] = {name: {} for name in references}
    sent: set[str] = set()
    for point in run_subject(pairing, record, workers.root):
        batch = record.batches[point.name]
        want = sorted({name.split("/")[0] for name in record.names(point)})
        for name in references:
            worker = workers.by_name[name]
            key = f"{pairing.name}/{point.name}"
            if key not in sent:
                worker.request(
                    {"do": "batch", "batch": key},
                    {"inputs": batch.inputs, "targets": batch.targets},
                )
            asked[name][point] = worker.request(
                {"do": "evaluate", "twin": pairing.name, "batch": key, "want": want},
                record.parameters[point],
            )
        sent.add(f"{pairing.name}/{point.name}")
    return _Asked(record, opened, asked)


def collect(asked: _Asked, workers: Workers) -> None:
    """Take the workers' answers into the record; what fails is noted there, and nothing is lost."""
    for name, futures in asked.asked.items():
        worker = workers.by_name[name]
        evaluations = asked.record.evaluations.setdefault(name, {})
        errors = asked.record.errors.setdefault(name, {})
        try:
            worker.wait(asked.opened[name])
        except EvaluationError as error:
            errors |= dict.fromkeys(futures, str(error))
            continue
        for point, future in futures.items():
            try:
                evaluations[point] = worker.wait(future)[1]
            except EvaluationError as error:
                errors[point] = str(error)

