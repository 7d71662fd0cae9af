"""What has to be run, as jobs that do not depend on each other, and how they are spread."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from backproof.comparison.run import Workers
from backproof.implementations.client import Worker
from backproof.implementations.protocol import Tensors
from backproof.mathematics.errors import EvaluationError, told
from backproof.reproduction import twins, worker
from backproof.reproduction.errata import Effect, Erratum, expose
from backproof.reproduction.recipe import SUBJECT, Outcome, Trained, curve

# A job of several runs alike takes about as long, in seconds: enough to be worth its messages,
# little enough that no process is left with much to do when the others have done.
SHARE = 6.0
# Seconds that importing a framework takes, roughly; only the order of the jobs depends on it.
IMPORT = 6.0


class Lane:
    """A process for the project's own runs, started when first needed, and again if lost."""

    def __init__(self, root: Path, limit: float) -> None:
        self.root = root
        self.limit = limit
        self._worker: Worker | None = None

    def ask(self, message: dict[str, Any]) -> tuple[dict[str, Any], Tensors]:
        """One request and its reply; raises `EvaluationError`."""
        if self._worker is None or self._worker.lost is not None:
            self.close()
            module = "backproof.reproduction.worker"
            self._worker = Worker(SUBJECT, "float64", self.root, limit=self.limit, module=module)
        return self._worker.wait(self._worker.request(message))

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


@dataclass(frozen=True)
class Job:
    """Something to run: how long it takes, roughly, and who is named if it fails.

    ``run(lane)`` puts its results into outcomes; ``fail(reason)`` notes there why there are none.
    """

    what: str
    seconds: float
    run: Callable[[Lane], object]
    fail: Callable[[str], object]


@dataclass(frozen=True)
class Plan:
    """An outcome to be filled, and the file that its recipe stands in."""

    outcome: Outcome
    file: Path

    def message(self, do: str, **members: Any) -> dict[str, Any]:
        """A request about this recipe."""
        return {"do": do, "file": str(self.file), "system": self.outcome.system, **members}

    def failing(self, who: str) -> Callable[[str], object]:
        """Notes an error."""

        def fail(reason: str) -> None:
            self.outcome.errors[who] = reason

        return fail

    def jobs(self) -> Iterator[Job]:
        """The subject's training, the same on moved data, samples, and the effects of errata."""
        recipe, name = self.outcome.reproduction, self.outcome.system
        if recipe.training is not None:
            training = recipe.training
            yield Job(name, training.seconds, self.train, self.failing(SUBJECT))
            for part in shares(list(training.neighbours), training.seconds):
                yield Job(
                    f"{name}, its neighbours",
                    training.seconds * len(part),
                    lambda lane, part=part: self.beside(lane, part),  # type: ignore[misc]
                    self.failing(f"neighbours {part[0]}"),
                )
        if recipe.sampling is not None:
            for seeds in shares(list(recipe.sampling.seeds), recipe.sampling.seconds):
                yield Job(
                    f"{name}, seeds {seeds[0]} to {seeds[-1]}",
                    recipe.sampling.seconds * len(seeds),
                    lambda lane, seeds=seeds: self.sample(lane, seeds),  # type: ignore[misc]
                    self.failing(f"seeds {seeds[0]} to {seeds[-1]}"),
                )
        for erratum in recipe.errata:
            if erratum.effect is not None:
                yield Job(
                    f"{name}: {erratum.name}",
                    erratum.seconds,
                    lambda lane, erratum=erratum: self.affect(lane, erratum),  # type: ignore[misc]
                    self.failing(f"the effect of {erratum.name}"),
                )

    def train(self, lane: Lane) -> None:
        """The subject's training."""
        training = self.outcome.reproduction.training
        assert training is not None
        report = sorted({*training.wanted(), *curve(training.steps)})
        _, tensors = lane.ask(self.message("train", report=report))
        numbers = worker.unpacked(tensors)
        own = {key: v for key, v in tensors.items() if not key.startswith(worker.NUMBER)}
        self.outcome.trained[SUBJECT] = Trained.from_tensors(own)
        self.outcome.numbers[SUBJECT] = numbers

    def beside(self, lane: Lane, names: list[str]) -> None:
        """The subject's training on moved data."""
        _, tensors = lane.ask(self.message("neighbours", names=names))
        found = worker.grouped(tensors)
        self.outcome.neighbours |= {names[index]: numbers for index, numbers in found.items()}

    def sample(self, lane: Lane, seeds: list[int]) -> None:
        """Samples from seeds."""
        _, tensors = lane.ask(self.message("sample", seeds=seeds))
        self.outcome.samples |= worker.grouped(tensors)

    def affect(self, lane: Lane, erratum: Erratum) -> None:
        """What an erratum does."""
        reply, _ = lane.ask(self.message("effect", erratum=erratum.name))
        self.outcome.effects[erratum.name] = tuple(Effect(*each) for each in reply["effects"])


def shares(items: list[Any], seconds: float) -> list[list[Any]]:
    """Items in runs of about `SHARE` seconds, as even as can be."""
    parts = min(len(items), max(1, round(len(items) * seconds / SHARE)))
    return [items[i * len(items) // parts : (i + 1) * len(items) // parts] for i in range(parts)]


def of_twins(plans: list[Plan], framework: str, root: Path, limit: float) -> Iterator[Job]:
    """One job for all trainings of a framework; each that fails is noted where it belongs."""
    mine = [
        (plan, plan.outcome.reproduction.training)
        for plan in plans
        if plan.outcome.reproduction.training is not None
    ]
    if not mine:
        return

    def run(_: Lane) -> None:
        with Workers([framework], "float64", root, limit) as workers:
            for plan, training in mine:
                try:
                    if workers.by_name[framework].lost is not None:
                        workers.restart(framework)
                    trained = twins.train(training, framework, workers)
                    numbers = training.read(trained)
                except Exception as error:  # the recipe is user code, and may raise anything
                    plan.failing(framework)(spoken(error))
                else:
                    plan.outcome.versions |= workers.versions()
                    plan.outcome.trained[framework] = trained
                    plan.outcome.numbers[framework] = numbers

    def fail(reason: str) -> None:
        for plan, _ in mine:
            plan.failing(framework)(reason)

    seconds = math.fsum(training.seconds for _, training in mine)
    yield Job(f"{framework} twins", IMPORT + 3 * seconds, run, fail)


def of_errata(plans: list[Plan], framework: str, root: Path, limit: float) -> Iterator[Job]:
    """One job that puts every erratum with a fault before the gate."""
    faults = [
        (plan, erratum)
        for plan in plans
        for erratum in plan.outcome.reproduction.errata
        if erratum.fault is not None
    ]
    if not faults:
        return

    def run(_: Lane) -> None:
        with Workers([framework], "float64", root, limit) as workers:
            for plan, erratum in faults:
                try:
                    plan.outcome.exposures[erratum.name] = expose(erratum, framework, workers)
                except EvaluationError as error:
                    plan.failing(f"the gate on {erratum.name}")(str(error))

    def fail(reason: str) -> None:
        for plan, erratum in faults:
            plan.failing(f"the gate on {erratum.name}")(reason)

    yield Job("errata before the gate", IMPORT + 2 * len(faults), run, fail)


def spoken(error: BaseException) -> str:
    """An error in one line; one that is worded for the user as it stands."""
    return str(error) if isinstance(error, EvaluationError) else told(error)


def run_all(
    jobs: Iterable[Job],
    root: Path,
    processes: int,
    limit: float,
    on_change: Callable[[list[str], float], object],
) -> None:
    """Run all jobs, so many at a time, the longest first.

    ``on_change(running, done)`` is told which run and how many of their seconds are done.
    """
    waiting = sorted(jobs, key=lambda job: -job.seconds)
    running: dict[Future[None], Job] = {}
    done = 0.0
    with ExitStack() as stack:
        lanes: SimpleQueue[Lane] = SimpleQueue()
        for _ in range(processes):
            lane = Lane(root, limit)
            stack.callback(lane.close)
            lanes.put(lane)

        def carry_out(job: Job) -> None:
            lane = lanes.get()
            try:
                job.run(lane)
            except Exception as error:  # what a recipe raises in this process; noted, not lost
                job.fail(spoken(error))
            finally:
                lanes.put(lane)

        pool = stack.enter_context(ThreadPoolExecutor(processes))
        while waiting or running:
            while waiting and len(running) < processes:
                job = waiting.pop(0)
                running[pool.submit(carry_out, job)] = job
            on_change([job.what for job in running.values()], done)
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                done += running.pop(future).seconds
        on_change([], done)


def cores() -> int:
    """How many processes may run side by side."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def total(jobs: Iterable[Job]) -> float:
    """All their seconds."""
    return math.fsum(job.seconds for job in jobs)
