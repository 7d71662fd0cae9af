"""How a subject takes its samples and their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Literal

import numpy as np

from backproof.implementations.subject.declaration import Adapted
from backproof.mathematics.checking import checked
from backproof.mathematics.errors import EvaluationError, UsageError

Subject = Callable[..., Any]


@dataclass(eq=False)
class View:
    """A batch as an adapter shows it: in whatever form the subject takes its arrays."""

    inputs: Any
    targets: Any
    weights: Any = None
    masks: Mapping[str, Any] = field(default_factory=dict)


def shown(batch: Any, each: Callable[[Any], Any] | None = None, **others: Any) -> View:
    """The batch with ``each`` of its arrays changed so, but for those that are given."""
    arrays = {name: getattr(batch, name, None) for name in ("inputs", "targets", "weights")}
    masks = dict(getattr(batch, "masks", {}))
    if each is not None:
        arrays = {n: None if a is None else each(a) for n, a in arrays.items() if n not in others}
        masks = {node: each(mask) for node, mask in masks.items()}
    return View(**{**arrays, "masks": masks, **others})


@checked
def columns(subject: Subject) -> Adapted:
    """For a sample a column: inputs (features, samples), targets and activations likewise."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        view = shown(batch, turned)
        results = subject(parameters, view)
        return {
            name: turned(result) if name.startswith("activation/") else result
            for name, result in results.items()
        }

    return Adapted(subject, call)


def turned(array: Any) -> Any:
    """The transpose of a matrix, laid out row by row; labels in one row stay as they are."""
    return np.ascontiguousarray(np.transpose(array)) if np.ndim(array) > 1 else array


@checked
def one_sample(subject: Subject, batch: Literal["mean", "sum"] = "mean") -> Adapted:
    """For code that takes one sample at a time, inputs (features,) and targets (outputs,).

    Its losses and gradients are averaged or summed over the batch, as the network's loss is. A
    penalty stands in each sample's loss: averaged, it counts once; under a sum the network's would
    have to be that many times as large. It gives no ``updated``, for a step of one sample is
    another one.
    """
    reduction = batch

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        every = [subject(parameters, shown(batch, itemgetter(i))) for i in range(len(batch.inputs))]
        return {name: together(name, [each[name] for each in every]) for name in every[0]}

    def together(name: str, found: list[Any]) -> Any:
        quantity = name.split("/")[0]
        if quantity == "parameter_count":
            return found[0]
        stacked = np.stack([np.asarray(each) for each in found])
        if quantity == "activation":
            return stacked
        if quantity in ("loss", "gradient", "accuracy"):
            averaged = reduction == "mean" or quantity == "accuracy"
            return stacked.mean(axis=0) if averaged else stacked.sum(axis=0)
        raise EvaluationError(f"a step of one sample is not one of the batch: leave {name} out")

    return Adapted(subject, call)


@checked
def integer_labels(subject: Subject, first: int = 0, ignored: int = -100) -> Adapted:
    """For labels that are integers (samples,), counted from ``first``, instead of one-hot rows.

    A row of zeros, which a loss ignores, is the label ``ignored``.
    Of a network with one output the labels are ``first`` for no and ``first`` + 1 for yes.
    """

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        hot = hard(batch.targets)
        single = hot.shape[-1] == 1
        if not single and not (hot.sum(axis=-1) <= 1).all():
            raise EvaluationError("integer labels need one-hot targets: a single 1 in each row")
        labels = hot[..., 0].astype(np.int64) if single else hot.argmax(axis=-1)
        labels = labels + first
        if not single:
            labels = np.where(hot.any(axis=-1), labels, ignored)
        results: Mapping[str, Any] = subject(parameters, shown(batch, targets=labels))
        return results

    return Adapted(subject, call, hard=True)


@checked
def signed_labels(subject: Subject) -> Adapted:
    """For labels −1 and 1 instead of 0 and 1, in the same shape."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        view = shown(batch, targets=2 * hard(batch.targets) - 1)
        results: Mapping[str, Any] = subject(parameters, view)
        return results

    return Adapted(subject, call, hard=True)


def hard(targets: Any) -> Any:
    """The targets, if each is 0 or 1; another is no label."""
    array = np.asarray(targets)
    if not np.isin(array, (0, 1)).all():
        raise EvaluationError("labels need targets of 0 and 1; these hold others")
    return array


@checked
def classes(subject: Subject) -> Adapted:
    """For code that takes each target as a class, no or yes, however it comes: no shares between.

    ``targets.argmax(axis=1)``, ``targets == 1`` and ``targets > 0.5`` are such. The probe whose
    targets are shares is left out.
    """
    return Adapted(subject, subject, hard=True)


@checked
def fixed_batch(subject: Subject, samples: int) -> Adapted:
    """For code whose arrays have the size of one batch: it is compared on batches of that size.

    The data have to be such a batch; the probes' samples are repeated until they are that many.
    """
    if samples < 1:
        raise UsageError(f"fixed_batch(samples={samples}): give at least 1")

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        if len(batch.inputs) != samples:
            raise EvaluationError(
                f"a batch of {len(batch.inputs)} samples, but the subject is written for {samples}"
            )
        results: Mapping[str, Any] = subject(parameters, batch)
        return results

    return Adapted(subject, call, samples=samples)


@checked
def copied(subject: Subject) -> Adapted:
    """For code that changes its batch in place: it gets copies that it may write to."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        view = shown(batch, np.array)
        results: Mapping[str, Any] = subject(parameters, view)
        return results

    return Adapted(subject, call)
