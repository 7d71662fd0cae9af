"""The twins' trainings: each framework makes those of all recipes, in its own worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from backproof.comparison.run import Workers
from backproof.implementations.client import Worker
from backproof.implementations.protocol import Tensors
from backproof.mathematics import optimizers, registry
from backproof.mathematics.arithmetic.rounding.forms import LOGITS
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.reproduction.recipe import Trained, Training, curve


def train(training: Training, framework: str, workers: Workers) -> Trained:
    """One training in full; raises `EvaluationError` if the twin cannot make it."""
    pairing = replace(training.pairing, data=training.batch)
    if framework not in pairing.references:
        raise EvaluationError(f"{pairing.name} names no {framework} model")
    try:
        data, initial = pairing.start(workers.root, workers.dtype)
    except UsageError as error:
        raise EvaluationError(str(error)) from error
    twin = Twin(workers.by_name[framework], training, framework)
    twin.keep("data", data)
    trained = twin.train(initial, training) if training.steps else Trained({}, {}, {0: initial})
    for name, at in training.evaluations.items():
        if at.batch is not None:
            twin.keep(name, at.batch().astype(workers.dtype))
        batch = "data" if at.batch is None else name
        trained.evaluations[name] = twin.evaluate(trained.parameters[at.step], batch, at.want)
    twin.forget()
    return trained


class Twin:
    """One model in a worker, and the batches that it has been given."""

    def __init__(self, worker: Worker, training: Training, framework: str) -> None:
        pairing = training.pairing
        self.worker = worker
        self.name = f"{pairing.name}, trained"
        self._batches: list[str] = []
        self.request(
            "open",
            model=pairing.references[framework],
            # A twin that only counts its parameters is called once.
            compiled=training.steps > 0,
            outputs=pairing.forms.get(framework, LOGITS).of,
            network=pairing.network.to_json(),
            optimizer=optimizers.to_json(pairing.optimizer),
            parts=registry.files(),
        )

    def request(self, do: str, tensors: Tensors | None = None, **members: Any) -> Tensors:
        """One request about this twin, and the tensors of its reply."""
        message = {"do": do, "twin": self.name, **members}
        return self.worker.wait(self.worker.request(message, tensors))[1]

    def keep(self, name: str, batch: Batch) -> None:
        """Send a batch, to be known by that name."""
        arrays = {"inputs": batch.inputs, "targets": batch.targets}
        self._batches.append(f"{self.name}/{name}")
        self.request("batch", arrays, batch=self._batches[-1])

    def forget(self) -> None:
        """Let the worker forget it, and its batches; nobody waits for that."""
        self.worker.request({"do": "forget", "twin": self.name, "batches": self._batches})

    def train(self, initial: Parameters, training: Training) -> Trained:
        """The whole training on the data."""
        report = sorted({*training.wanted(), *curve(training.steps)})
        told = self.request(
            "train", initial, batch=f"{self.name}/data", steps=training.steps, report=report
        )
        return Trained(
            losses=dict(zip(report, told["loss"].tolist(), strict=True)),
            accuracies=dict(zip(report, told["accuracy"].tolist(), strict=True))
            if "accuracy" in told
            else {},
            parameters={step: dict(row) for step, row in rows(report, told, initial)},
        )

    def evaluate(self, parameters: Parameters, batch: str, want: tuple[str, ...]) -> Tensors:
        """Quantities at some parameters."""
        return self.request("evaluate", parameters, batch=f"{self.name}/{batch}", want=list(want))


def rows(
    report: list[int], told: Tensors, names: Mapping[str, Any]
) -> Iterator[tuple[int, Parameters]]:
    """The parameters at each step of a report."""
    for index, step in enumerate(report):
        yield step, {name: told[f"parameters/{name}"][index] for name in names}
