"""``backproof reproduce``: load the recipes, run them, judge what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from backproof.comparison.pairing.pairing import (
    Broken,
    all_ended,
    files,
    objects,
    project_root,
)
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.reproduction import jobs, judging
from backproof.reproduction.jobs import Job, Plan
from backproof.reproduction.judging import Line, Verdict
from backproof.reproduction.published import FILE, Published, load
from backproof.reproduction.recipe import Outcome, Reproduction

# A worker that is silent for so many seconds is taken for lost; a whole training is one request.
TIME_LIMIT = 900.0
# Whose trainings stand beside the subject's.
REFERENCES = ("keras", "torch")


@dataclass(eq=False)
class Result:
    """All lines of a run, what they were judged by, and notes on what could not be run or judged.

    ``whole``: nothing was left out, neither a system nor one of the usual references. ``ended``:
    the notes are on recipes that ended the run or wanted to, and not on how they are written.
    """

    lines: list[Line]
    outcomes: dict[str, Outcome]
    references: tuple[str, ...]
    notes: list[str] = field(default_factory=list)
    whole: bool = True
    ended: bool = False

    @property
    def exit_status(self) -> int:
        """1: something is not reproduced. Else 2: not loaded. Else 3: not obtained. Else 0."""
        status = judging.exit_status(self.lines, self.notes)
        return 3 if (status == 0 and self.problems) or (status == 2 and self.ended) else status

    @property
    def problems(self) -> list[str]:
        """What was to be measured beside the numbers and was not: effects, errata, moved data."""
        beside = ("the effect", "the gate", "neighbours")
        return [
            f"{system}, {who}: {reason}"
            for system, outcome in self.outcomes.items()
            for who, reason in outcome.errors.items()
            if who.startswith(beside)
        ]

    @property
    def versions(self) -> dict[str, str]:
        """Of the frameworks that have trained twins."""
        return {
            name: version
            for outcome in self.outcomes.values()
            for name, version in sorted(outcome.versions.items())
        }

    def count(self, verdict: Verdict) -> int:
        """How many numbers have a verdict."""
        return sum(line.verdict is verdict for line in self.lines)

    @property
    def systems(self) -> list[str]:
        """The systems, in the order of the published numbers; then those without any."""
        return list(
            dict.fromkeys([*(line.published.system for line in self.lines), *self.outcomes])
        )


def recipes(folder: Path) -> tuple[list[tuple[Reproduction, Path]], list[Broken]]:
    """The recipes of a folder with their files, and the files that cannot be loaded."""
    found: list[tuple[Reproduction, Path]] = []
    broken: list[Broken] = []
    for path in files([folder]):
        try:
            found += [(recipe, path.resolve()) for recipe in objects(path, Reproduction)]
        except (UsageError, EvaluationError) as error:
            broken.append(Broken(str(path), str(error), isinstance(error, EvaluationError)))
    names = [recipe.system for recipe, _ in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"several recipes are for {', '.join(twice)}: one is enough")
    return found, broken


def run(
    folder: Path,
    only: Iterable[str] = (),
    references: tuple[str, ...] = REFERENCES,
    processes: int | None = None,
    on_change: Callable[[list[str], float, float], object] = lambda running, done, of: None,
) -> Result:
    """Obtain every number that ``folder``/published.csv lists, and judge it.

    ``on_change(running, done, of)`` is told what is running, and how much of the work is done.
    Raises `UsageError`.
    """
    published = load(folder / FILE)
    found, broken = recipes(folder)
    notes = [each.note for each in broken]
    published, found, notes = chosen(published, found, notes, tuple(only))
    root = project_root(folder)
    plans = [Plan(Outcome(recipe), path) for recipe, path in found]
    todo = all_jobs(plans, references, root)
    seconds = jobs.total(todo)
    jobs.run_all(
        todo,
        root,
        processes or jobs.cores(),
        TIME_LIMIT,
        lambda running, done: on_change(running, done, seconds),
    )
    outcomes = {plan.outcome.system: plan.outcome for plan in plans}
    result = judged(published, outcomes, references, notes, whole=not tuple(only))
    result.ended = all_ended(broken) and len(result.notes) == len(broken)
    return result


def judged(
    published: list[Published],
    outcomes: dict[str, Outcome],
    references: tuple[str, ...],
    notes: list[str],
    *,
    whole: bool,
) -> Result:
    """The result that outcomes come to."""
    extra = judging.unpublished(published, outcomes)
    if extra:
        notes = [*notes, f"obtained, but {FILE} does not list it: {', '.join(extra)}"]
    lines = judging.judge(published, outcomes, references)
    usual = set(references) >= set(REFERENCES)
    return Result(lines, outcomes, references, notes, whole and usual)


def chosen(
    published: list[Published],
    found: list[tuple[Reproduction, Path]],
    notes: list[str],
    only: tuple[str, ...],
) -> tuple[list[Published], list[tuple[Reproduction, Path]], list[str]]:
    """What concerns the systems asked for; all if none is."""
    systems = {each.system for each in published} | {recipe.system for recipe, _ in found}
    unknown = sorted(set(only) - systems)
    if unknown:
        raise UsageError(f"no system {unknown[0]!r}; there are {', '.join(sorted(systems))}")
    if not only:
        return published, found, notes
    return (
        [each for each in published if each.system in only],
        [(recipe, path) for recipe, path in found if recipe.system in only],
        notes,
    )


def all_jobs(plans: list[Plan], references: tuple[str, ...], root: Path) -> list[Job]:
    """Every run that is needed."""
    todo = [job for plan in plans for job in plan.jobs()]
    for framework in references:
        todo += jobs.of_twins(plans, framework, root, TIME_LIMIT)
    if references:
        gate = "torch" if "torch" in references else references[0]
        todo += jobs.of_errata(plans, gate, root, TIME_LIMIT)
    return todo
