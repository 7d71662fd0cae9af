"""How published numbers are obtained: trainings from a known start, and samples of random ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backproof.comparison.pairing.pairing import Pairing
from backproof.implementations.protocol import Tensors
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.reproduction.errata import Effect, Erratum, Exposure
from backproof.reproduction.published import Numbers

SUBJECT = "subject"


@dataclass(eq=False)
class Trained:
    """What a training run has told, by whomever it was made.

    By step: loss, accuracy and parameters before it (after the last one: the number of steps). By
    the names that the recipe gave them: the quantities evaluated at chosen steps.
    """

    losses: dict[int, float] = field(default_factory=dict)
    accuracies: dict[int, float] = field(default_factory=dict)
    parameters: dict[int, Parameters] = field(default_factory=dict)
    evaluations: dict[str, Tensors] = field(default_factory=dict)

    def to_tensors(self) -> Tensors:
        """Arrays by name, for a pipe."""
        tensors: Tensors = {}
        for name, by_step in (("loss", self.losses), ("accuracy", self.accuracies)):
            tensors |= {f"{name}/{step}": np.asarray(v, np.float64) for step, v in by_step.items()}
        for step, parameters in self.parameters.items():
            tensors |= {f"parameters/{step}/{name}": a for name, a in parameters.items()}
        for name, values in self.evaluations.items():
            tensors |= {f"evaluation/{name}/{key}": np.asarray(v) for key, v in values.items()}
        return tensors

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> Trained:
        """What `to_tensors` gave; the parameters in the order of their names."""
        trained = cls()
        for key in sorted(tensors):
            kind, _, rest = key.partition("/")
            first, _, name = rest.partition("/")
            match kind:
                case "loss":
                    trained.losses[int(first)] = float(tensors[key])
                case "accuracy":
                    trained.accuracies[int(first)] = float(tensors[key])
                case "parameters":
                    trained.parameters.setdefault(int(first), {})[name] = tensors[key]
                case _:
                    trained.evaluations.setdefault(first, {})[name] = tensors[key]
        return trained


@dataclass(frozen=True)
class At:
    """Quantities to be evaluated before a step (or at the end), on the data or another batch."""

    step: int
    want: tuple[str, ...]
    batch: Callable[[], Batch] | None = None


@dataclass(frozen=True)
class Training:
    """A training run from a known start, made in full by the subject and by each of its twins.

    ``subject(batch, report)`` is the hand-written run: a `Trained` with loss and parameters before
    each step of ``report``. ``read`` finds the published numbers in what an implementation has told
    at ``report`` and in ``evaluations``. No steps: nothing is trained, only evaluated.

    ``neighbours`` move the data as rounding may: what rounding determines is measured by the runs
    on them, and is asked for only where not every printed digit agrees. ``seconds``: about how long
    the subject takes; the longest runs start first.
    """

    pairing: Pairing
    steps: int
    report: tuple[int, ...]
    subject: Callable[[Batch, Sequence[int]], Trained]
    read: Callable[[Trained], Numbers]
    evaluations: Mapping[str, At] = field(default_factory=dict)
    data: Callable[[], Batch] | None = None
    neighbours: Mapping[str, Callable[[Batch], Batch]] = field(default_factory=dict)
    seconds: float = 5.0

    def batch(self) -> Batch:
        """The data that is trained on."""
        return (self.data or self.pairing.data)()

    def wanted(self) -> list[int]:
        """The steps that must be told of, ascending."""
        return sorted({*self.report, *(at.step for at in self.evaluations.values())})

    def evaluate(self, trained: Trained, batch: Batch) -> None:
        """Add the subject's own evaluations to its training."""
        for name, at in self.evaluations.items():
            where = batch if at.batch is None else at.batch()
            results = self.pairing.subject(dict(trained.parameters[at.step]), where)
            trained.evaluations[name] = {
                key: np.asarray(value)
                for key, value in results.items()
                if key.split("/")[0] in at.want
            }


@dataclass(frozen=True)
class Sampling:
    """Runs from random seeds, for numbers whose own seed is not told.

    A number is consistent with its recipe if it lies within the range of the samples: of n seeds
    and one run more, all alike in distribution, the one more lies outside with a probability of at
    most 2/(n + 1). 39 seeds: 5 %.
    """

    run: Callable[[int], Numbers]
    seeds: tuple[int, ...] = tuple(range(39))
    seconds: float = 1.0


@dataclass(frozen=True)
class Figure:
    """A picture for the report: its file's name, what it shows, and the function that draws it.

    ``draw(outcome)`` returns a Matplotlib figure.
    """

    name: str
    caption: str
    draw: Callable[[Outcome], Any]


@dataclass(frozen=True)
class Reproduction:
    """How the numbers of one system are obtained again; ``article`` is where they stand.

    ``remarks`` are sentences for the report, ``errata`` what is wrong in the article.
    """

    system: str
    article: str
    training: Training | None = None
    sampling: Sampling | None = None
    remarks: tuple[str, ...] = ()
    errata: tuple[Erratum, ...] = ()
    figures: tuple[Figure, ...] = ()


def curve(steps: int, points: int = 120) -> list[int]:
    """Steps for a loss curve on a logarithmic axis, the first and the end among them."""
    if not steps:
        return []
    return sorted({0, *np.geomspace(1, steps, points).round().astype(int).tolist()})


@dataclass(eq=False)
class Outcome:
    """Everything that was obtained for one system; ``errors`` say by whom what was not.

    ``numbers`` and ``trained`` are by implementation, `SUBJECT` among them; ``neighbours`` are the
    subject's numbers on moved data; ``samples`` are by seed.
    """

    reproduction: Reproduction
    numbers: dict[str, Numbers] = field(default_factory=dict)
    trained: dict[str, Trained] = field(default_factory=dict)
    neighbours: dict[str, Numbers] = field(default_factory=dict)
    samples: dict[int, Numbers] = field(default_factory=dict)
    effects: dict[str, tuple[Effect, ...]] = field(default_factory=dict)
    exposures: dict[str, Exposure] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """Of the frameworks that have trained its twins."""

    @property
    def system(self) -> str:
        """The system's name."""
        return self.reproduction.system
