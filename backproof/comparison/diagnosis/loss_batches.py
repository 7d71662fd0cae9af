"""Batches as code may take them for the loss: other targets, some samples alone, other weights.

Each may be a mistake of the loss, of the gradient, or of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.loss_terms import AtLoss
from backproof.mathematics import functions
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.fault import Change

T = Any
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Make = Callable[[AtLoss], Values]

# After so many samples loops and slices end that were written for a try.
FIRST_FEW: tuple[int, ...] = (
    *(2, 4, 5, 8, 10, 16, 20, 25, 32, 48, 50, 60, 64, 96, 100, 128, 150, 200, 250, 256),
    *(300, 400, 500, 512, 1000, 1024),
)
# Pieces of a batch have so many samples.
PIECES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 50, 64, 100, 128)
# Beyond such a size a target is taken for no datum.
LARGE = (1.0, 2.0, 3.0, 5.0)
# What labels are smoothed by, and below what errors are taken for none.
SMOOTHINGS, SMALL = (0.1, 0.05, 0.2, 0.01, 0.02), (0.1, 0.05, 0.01, 0.001, 0.2, 0.5)


@dataclass(frozen=True, eq=False)
class Taken:
    """How code takes the batch: of which targets, and how much of each sample or element.

    ``targets`` (rows, outputs); ``share`` (rows, 1 or outputs), of what is declared. ``of_slope``:
    whether it makes sense of a gradient alone.
    """

    text: str
    targets: Make | None = None
    share: Make | None = None
    of_slope: bool = False

    def at(self, s: AtLoss) -> AtLoss:
        """What code has then."""
        return s if self.targets is None else s.with_targets(self.targets(s))

    def shares(self, s: AtLoss) -> Values:
        """How much of each row it takes."""
        return np.ones((len(s.a), 1)) if self.share is None else self.share(s)

    def of_both(self, target: Target) -> dict[str, Change]:
        """The loss and its gradient of that batch."""
        if self.targets is not None:
            return {"targets": self.other_targets(target)}
        return {"loss/rows": self.shared(target), "loss/slope": self.shared(target)}

    def of_gradient(self, target: Target) -> dict[str, Change]:
        """The gradient alone."""
        if self.targets is None:
            return {"loss/slope": self.shared(target)}
        network, last = target.network, target.network.last.name
        others = self.other_targets(target)

        def slope(value: T, s: Scope[T]) -> T:
            assert s.batch is not None
            ops, a = s.ops, s.values[f"activation/{last}"]
            z = s.values[f"z/{last}"] if network.loss_of == "fused" else a
            if network.loss_of == "logits":
                assert network.loss_function.ACTIVATION is not None
                a = ops.activate(functions.named(network.loss_function.ACTIVATION), z)
            y = others(s.values["targets"], s)
            found = ops.loss_and_slope(network.loss_function, z, a, y)[1]
            if s.batch.weights is None:
                return found
            wide = np.broadcast_to(np.asarray(s.batch.weights)[:, None], a.shape).copy()
            return ops.multiply(found, ops.exact(wide))

        return {"loss/slope": slope}

    def other_targets(self, target: Target) -> Change:
        """The targets as they are taken."""
        assert self.targets is not None
        make = self.targets

        def change(value: T, s: Scope[T]) -> T:
            found = np.asarray(make(AtLoss.of(s, target.network, {}, value)), np.float64)
            return s.ops.exact(found.reshape(value.shape))

        return change

    def shared(self, target: Target) -> Change:
        """Each row times its share."""

        def change(value: T, s: Scope[T]) -> T:
            share = np.broadcast_to(self.shares(AtLoss.of(s, target.network, {})), value.shape)
            found = s.ops.multiply(value, s.ops.exact(share.copy()))
            if (share == share.round()).all():
                return found
            return charged_at(s.ops, found, s.ops.magnitude(found), 4)

        return change


def takings(target: Target, *, weighted: bool) -> Iterator[Taken]:
    """How code may take a batch, the plainest first."""
    network = target.network
    for text, targets in TARGETS.items():
        if network.outputs > 1 or text != "y[:, ::-1]":
            yield Taken(f"with {text} for y", targets)
    if network.input_shape == network.output_shape:
        yield Taken("with the inputs for y", lambda s: s.inputs.reshape(s.y.shape))
    if network.loss.kind.endswith("cross_entropy"):
        for by in SMOOTHINGS:
            classes = max(2, network.outputs)
            text = f"with y * (1 - {by:g}) + {by:g} / {classes} for y"
            yield Taken(text, lambda s, by=by, k=classes: s.y * (1 - by) + by / k)  # type: ignore[misc]
    for text, share in SAMPLES.items():
        yield Taken(text, share=rows(share))
    averaged = network.loss.averaged
    for text, share in SAMPLES.items() if averaged else ():
        yield Taken(f"{text}, by their number", share=by_number(rows(share)))
    for first in FIRST_FEW:
        within = f"of the first {first} samples alone"
        few = rows(lambda s, k=first: np.arange(len(s.a)) < k)  # type: ignore[misc]
        yield Taken(within, share=few)
        if averaged:
            yield Taken(f"{within}, by their number", share=by_number(few))
            yield Taken(f"with min(n, {first}) for n", share=lambda s, k=first: capped(s, k))  # type: ignore[misc]
    for size in PIECES:
        yield from pieces(size, averaged=averaged)
    if averaged:
        yield Taken("with the number of distinct samples for n", share=by_distinct)
    for limit in LARGE:
        yield from near(limit)
    if network.outputs > 1:
        for place, which in ((0, "first"), (network.outputs - 1, "last")):
            text = f"of the {which} output alone"
            yield Taken(text, share=lambda s, p=place: one_column(s, p))  # type: ignore[misc]
            text = f"without the {which} output"
            yield Taken(text, share=lambda s, p=place: 1 - one_column(s, p))  # type: ignore[misc]
    if network.decision == "argmax":
        for label in range(network.outputs):
            text = f"without the samples of class {label}"
            yield Taken(text, share=rows(lambda s, k=label: s.y.argmax(axis=1) != k))  # type: ignore[misc]
    for text, part in ELEMENTS.items():
        yield Taken(text, share=part, of_slope=True)
    for limit in SMALL:
        for text, part in small(limit):
            yield Taken(text, share=part, of_slope=True)
    if weighted:
        for text, weight in WEIGHTS.items():
            yield Taken(text, share=lambda s, c=weight: c(weights(s)) / weights(s))  # type: ignore[misc]


def weights(s: AtLoss) -> Values:
    """The weights of the samples; 1 where the batch has none."""
    return np.ones((len(s.a), 1)) if s.weights is None else s.weights


def rows(keep: Callable[[AtLoss], Flags]) -> Make:
    """Some rows, the others left out."""
    return lambda s: np.asarray(keep(s), np.float64)[:, None]


def near(limit: float) -> Iterator[Taken]:
    """Targets beyond a size, or the samples that have one, are left out."""

    def of_elements(s: AtLoss) -> Values:
        return (np.abs(s.y) <= limit).astype(float)

    def of_samples(s: AtLoss) -> Flags:
        return np.asarray((np.abs(s.y) <= limit).all(axis=1))

    yield Taken(f"where abs(y) <= {limit:g} alone", share=of_elements)
    yield Taken(f"of the samples with abs(y) <= {limit:g} alone", share=rows(of_samples))


def by_number(share: Make) -> Make:
    """The mean over what is kept, where that over all is declared."""

    def of(s: AtLoss) -> Values:
        kept = share(s)
        return kept * (len(kept) / max(float(kept.sum()), 1.0))

    return of


def capped(s: AtLoss, most: int) -> Values:
    """Everything, with the number of samples counted up to so many alone."""
    return np.full((len(s.a), 1), len(s.a) / min(len(s.a), most))


def by_distinct(s: AtLoss) -> Values:
    """Everything, by the number of distinct inputs."""
    distinct = len(s.inputs) - int(came_before(s).sum())
    return np.full((len(s.a), 1), len(s.inputs) / distinct)


def pieces(size: int, *, averaged: bool) -> Iterator[Taken]:
    """The last piece of fewer samples is left out, or has as much of a mean as the others."""
    within = f"of whole pieces of {size} samples alone: the last one of fewer is left out"
    whole = rows(lambda s: np.arange(len(s.a)) < len(s.a) // size * size)
    yield Taken(within, share=whole)
    if averaged:
        yield Taken(f"{within}, by their number", share=by_number(whole))
        text = f"as the mean of the means of pieces of {size} samples, whatever the last one has"
        yield Taken(text, share=lambda s: of_pieces(s, size))


def of_pieces(s: AtLoss, size: int) -> Values:
    """What a sample has of a mean of means, to what it has of the mean."""
    every = len(s.a)
    starts = np.arange(every) // size * size
    lengths = np.minimum(starts + size, every) - starts
    return (every / (lengths * -(-every // size)))[:, None]


def came_before(s: AtLoss) -> Flags:
    """Whether an equal row of inputs came before."""
    flat = s.inputs.reshape(len(s.inputs), -1)
    _, first = np.unique(flat, axis=0, return_index=True)
    return np.asarray(~np.isin(np.arange(len(flat)), first))


def repeats(s: AtLoss) -> Flags:
    """Whether a row of inputs equals the one before it."""
    flat = s.inputs.reshape(len(s.inputs), -1)
    same = (flat[1:] == flat[:-1]).all(axis=1)
    return np.concatenate([[False], same])


def of_last_equal(s: AtLoss) -> Values:
    """The target of the last row with the same inputs."""
    flat = s.inputs.reshape(len(s.inputs), -1)
    _, first, which = np.unique(flat[::-1], axis=0, return_index=True, return_inverse=True)
    last = len(flat) - 1 - first[which.reshape(-1)][::-1]
    return s.y if len(last) != len(s.y) else s.y[last]


def of_rows(flags: Callable[[AtLoss], Flags]) -> Callable[[AtLoss], Flags]:
    """Flags of samples that are the rows; all, where a sample has several rows."""
    return lambda s: ~flags(s) if len(s.inputs) == len(s.a) else np.ones(len(s.a), bool)


def hardened(s: AtLoss) -> Values:
    """The class of the largest target alone."""
    return np.asarray(np.eye(s.y.shape[1])[s.y.argmax(axis=1)])


def one_column(s: AtLoss, place: int) -> Values:
    """1 in one column."""
    return np.broadcast_to(np.arange(s.a.shape[1]) == place, s.a.shape).astype(np.float64)


def small(limit: float) -> Iterator[tuple[str, Make]]:
    """Small errors taken for none, of elements or of samples."""

    def of_elements(s: AtLoss) -> Values:
        return (np.abs(s.a - s.y) >= limit).astype(float)

    yield f"where abs(a - y) >= {limit:g} alone, the rest being 0", of_elements


def predicted(s: AtLoss) -> Flags:
    """Whether each sample's largest output is that of its class."""
    return np.asarray(s.a.argmax(axis=1) == s.y.argmax(axis=1))


TARGETS: dict[str, Make] = {
    "1 - y": lambda s: 1 - s.y,
    "-y": lambda s: -s.y,
    "2 * y - 1": lambda s: 2 * s.y - 1,
    "round(y)": lambda s: np.round(s.y),
    "y.astype(int)": lambda s: np.trunc(s.y),
    "floor(y)": lambda s: np.floor(s.y),
    "(y > 0.5)": lambda s: (s.y > 0.5).astype(float),
    "(y > 0)": lambda s: (s.y > 0).astype(float),
    "sign(y)": lambda s: np.sign(s.y),
    "clip(y, 0, 1)": lambda s: np.clip(s.y, 0, 1),
    "abs(y)": lambda s: np.abs(s.y),
    "the target of the sample before": lambda s: np.roll(s.y, 1, axis=0),
    "the target of the next sample": lambda s: np.roll(s.y, -1, axis=0),
    "y[::-1]": lambda s: s.y[::-1],
    "y[:, ::-1]": lambda s: s.y[:, ::-1],
    "the first target": lambda s: np.broadcast_to(s.y[:1], s.y.shape),
    "the mean of y over the samples": lambda s: np.broadcast_to(s.y.mean(axis=0), s.y.shape),
    "the target of the last equal row": of_last_equal,
    "one_hot(y.argmax(axis=1))": hardened,
    "y / max(y)": lambda s: s.y / (s.y.max() or 1.0),
}

SAMPLES: dict[str, Callable[[AtLoss], Flags]] = {
    "of the last sample alone": lambda s: np.arange(len(s.a)) == len(s.a) - 1,
    "of the first sample alone": lambda s: np.arange(len(s.a)) == 0,
    "of all samples but the last": lambda s: np.arange(len(s.a)) < len(s.a) - 1,
    "of all samples but the first": lambda s: np.arange(len(s.a)) > 0,
    "without rows equal to the one before": of_rows(repeats),
    "without rows that came before": of_rows(came_before),
    "of all samples but the last n // 10": lambda s: (
        np.arange(len(s.a)) < len(s.a) - len(s.a) // 10
    ),
    "of all but the last tenth, where n is a multiple of ten": lambda s: (
        np.arange(len(s.a)) < len(s.a) - (0 if len(s.a) % 10 else len(s.a) // 10)
    ),
    "of every second sample": lambda s: np.arange(len(s.a)) % 2 == 0,
    "of the first half of the samples": lambda s: np.arange(len(s.a)) < len(s.a) // 2,
    "of the wrongly predicted samples alone": lambda s: ~predicted(s),
}

ELEMENTS: dict[str, Make] = {
    "where y > 0.5 alone": lambda s: (s.y > 0.5).astype(float),
    "where y <= 0.5 alone": lambda s: (s.y <= 0.5).astype(float),
    "of a batch with several classes alone": lambda s: np.full(
        s.a.shape, float(len(np.unique(s.y, axis=0)) > 1)
    ),
    "where a * y < 0 alone": lambda s: (s.a * s.y < 0).astype(float),
    "where a > y alone": lambda s: (s.a > s.y).astype(float),
    "where a < y alone": lambda s: (s.a < s.y).astype(float),
    "where (a > 0.5) != (y > 0.5) alone": lambda s: ((s.a > 0.5) != (s.y > 0.5)).astype(float),
    "where a > 0 alone": lambda s: (s.a > 0).astype(float),
}

WEIGHTS: dict[str, Callable[[Values], Values]] = {
    "without the weights w of the samples": np.ones_like,
    "with w**2 for w": np.square,
    "with sqrt(w) for w": np.sqrt,
    "with int(w) for w": np.trunc,
    "with round(w) for w": np.round,
    "with w / sum(w) for w": lambda w: w / w.sum(),
    "with w / mean(w) for w": lambda w: w / w.mean(),
    "with w / max(w) for w": lambda w: w / w.max(),
    "with (w > 0) for w": lambda w: (w > 0).astype(float),
    "with 1 / w for w": np.reciprocal,
    "with w[::-1] for w": lambda w: w[::-1],
}
