"""Readings of the accuracy: of what it is the share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.evidence import Evidence, Suspect
from backproof.comparison.diagnosis.loss_batches import FIRST_FEW
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.search import telling
from backproof.mathematics.faults import Planted, Target
from backproof.mathematics.faults.fault import Change

Values = NDArray[np.float64]
Share = Callable[[Values, Values], Any]
"""An accuracy, of outputs and targets (rows, outputs)."""

# So many points are looked at, and so many shares told that none of them tells apart.
MOST_POINTS, MOST_TOLD = 40, 3
THRESHOLDS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 1.0, -0.5, -1.0)
NEAR = (0.5, 0.1, 0.05, 0.01, 0.2, 0.25, 0.3, 0.4, 0.001, 1.0)


def read_accuracy(
    evidence: Evidence, target: Target, catalogue: Sequence[Planted], plants: tuple[Planted, ...]
) -> Planted | None:
    """What explains the accuracy wherever it was given, beside other mistakes; None if nothing."""
    if target.network.decision is None:
        return None
    points = dict.fromkeys([*telling(evidence), *evidence.off])
    given = [point for point in points if "accuracy" in evidence.names(point)][:MOST_POINTS]
    fits = [evidence.accuracies(Suspect(plants), point) for point in given]
    for plant in catalogue:
        if set(plant.changes) <= {"correct", "accuracy"} and all(f(plant.intervene) for f in fits):
            return plant
    found: list[tuple[str, Share]] = []
    for text, share in shares(target):
        if all(fit(of_accuracy(target, text, share).intervene) for fit in fits):
            found.append((text, share))
            if len(found) == MOST_TOLD:
                break
    return of_accuracy(target, "; or ".join(t for t, _ in found), found[0][1]) if found else None


def of_accuracy(target: Target, text: str, share: Share) -> Reading:
    """Another share, as a change of the accuracy that is reported."""

    def change(value: object, scope: object) -> object:
        outputs, targets = scope.values["outputs"], scope.batch.targets  # type: ignore[attr-defined]
        a, y = (np.asarray(x, np.float64).reshape(-1, x.shape[-1]) for x in (outputs, targets))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # a mean of no sample is NaN
            return np.float64(share(a, y))

    changes: dict[str, Change] = {"accuracy": change}
    right = "the share of the samples with argmax(a) = argmax(y)"
    if target.network.decision != "argmax":
        above, yes = target.network.output_above, target.network.yes_above
        right = f"the share of the samples with (a > {above:g}) = (y > {yes:g}) in every output"
    return reading(f"accuracy {text}", "", f"the accuracy is {text}", right, changes, 1.0)


def shares(target: Target) -> Iterator[tuple[str, Share]]:
    """Of what code may take the share, the plainest first."""
    network = target.network
    argmax = network.decision == "argmax"
    yes, above = (0.5, 0.5) if argmax else (network.yes_above, network.output_above)

    def right(a: Values, y: Values) -> NDArray[np.bool_]:
        if argmax:
            return np.asarray(a.argmax(axis=1) == y.argmax(axis=1))
        return np.asarray(((a > above) == (y > yes)).all(axis=1))

    yield "the share of right elements, round(a) == y", lambda a, y: np.mean(np.round(a) == y)
    yield (
        f"the share of right elements, (a > {above:g}) == (y > {yes:g})",
        lambda a, y: np.mean((a > above) == (y > yes)),
    )
    for each in THRESHOLDS:
        for compared, made in (
            (f"a > {each:g}", lambda a, t=each: a > t),
            (f"a >= {each:g}", lambda a, t=each: a >= t),
            (f"a < {each:g}", lambda a, t=each: a < t),
        ):
            if each == above and compared.startswith("a > "):
                continue
            yield (
                f"the share of samples with ({compared}) == (y > {yes:g}) in every output",
                lambda a, y, m=made: np.mean((m(a) == (y > yes)).all(axis=1)),  # type: ignore[misc]
            )
            yield (
                f"the share of outputs with ({compared}) == (y > {yes:g})",
                lambda a, y, m=made: np.mean(m(a) == (y > yes)),  # type: ignore[misc]
            )
    for rows in (1, *FIRST_FEW):
        yield (
            f"that of the first {rows} samples alone" if rows > 1 else "that of the first sample",
            lambda a, y, k=rows: np.mean(right(a, y)[:k]),  # type: ignore[misc]
        )
        yield (
            f"the number of right samples among the first {rows}, divided by n",
            lambda a, y, k=rows: right(a, y)[:k].sum() / len(a),  # type: ignore[misc]
        )
        yield (
            f"the number of right samples divided by {rows}",
            lambda a, y, k=rows: right(a, y).sum() / k,  # type: ignore[misc]
        )
    for text, share in OF_ROWS.items():
        yield text, lambda a, y, of=share: of(right(a, y), a, y)  # type: ignore[misc]
    yield from OTHERS.items()
    for near in NEAR:
        yield (
            f"the share of samples with abs(a - y) < {near:g} in every output",
            lambda a, y, e=near: np.mean((np.abs(a - y) < e).all(axis=1)),  # type: ignore[misc]
        )
        yield (
            f"the share of outputs with abs(a - y) < {near:g}",
            lambda a, y, e=near: np.mean(np.abs(a - y) < e),  # type: ignore[misc]
        )
    for k in range(2, min(6, network.outputs)):
        yield f"that of the {k} largest outputs (top {k})", top(k)
    for digits in range(5):
        yield (
            f"rounded to {digits} digits",
            lambda a, y, d=digits: np.round(np.mean(right(a, y)), d),  # type: ignore[misc]
        )


def top(k: int) -> Share:
    """Whether the right class is among the largest outputs."""

    def share(a: Values, y: Values) -> float:
        largest = np.argsort(-a, axis=1, kind="stable")[:, :k]
        return float(np.mean((largest == y.argmax(axis=1)[:, None]).any(axis=1)))

    return share


OF_ROWS: dict[str, Callable[[NDArray[np.bool_], Values, Values], Any]] = {
    "the number of right samples, not their share": lambda r, a, y: r.sum(),
    "the number of right samples divided by that of outputs": lambda r, a, y: r.sum() / a.shape[1],
    "the number of right samples divided by that of elements": lambda r, a, y: r.sum() / a.size,
    "the number of right samples divided by n - 1": lambda r, a, y: r.sum() / (len(r) - 1),
    "the number of right samples divided by n + 1": lambda r, a, y: r.sum() / (len(r) + 1),
    "that of all samples but the last": lambda r, a, y: np.mean(r[:-1]),
    "that of all samples but the first": lambda r, a, y: np.mean(r[1:]),
    "that of all samples but the last, divided by n": lambda r, a, y: r[:-1].sum() / len(r),
    "that of the last sample alone": lambda r, a, y: r[-1],
    "that of every second sample": lambda r, a, y: np.mean(r[::2]),
    "that of the first half of the samples": lambda r, a, y: np.mean(r[: len(r) // 2]),
    "1 where all samples are right, else 0": lambda r, a, y: r.all(),
    "the share of wrong samples": lambda r, a, y: 1 - np.mean(r),
    "in percent": lambda r, a, y: 100 * np.mean(r),
    "the share of right samples among those with y = 1 (the recall)": lambda r, a, y: np.mean(
        r[y[:, 0] > 0.5]
    ),
    "the share of right samples among those with a > 0.5 (the precision)": lambda r, a, y: np.mean(
        r[a[:, 0] > 0.5]
    ),
}

OTHERS: dict[str, Share] = {
    "of argmax(axis=0), over the samples": lambda a, y: np.mean(
        a.argmax(axis=0) == y.argmax(axis=0)
    ),
    "of argmin for argmax": lambda a, y: np.mean(a.argmin(axis=1) == y.argmax(axis=1)),
    "of argmax(abs(a))": lambda a, y: np.mean(np.abs(a).argmax(axis=1) == y.argmax(axis=1)),
    "of argmax(round(a))": lambda a, y: np.mean(np.round(a).argmax(axis=1) == y.argmax(axis=1)),
    "of argmax(a > 0.5)": lambda a, y: np.mean((a > 0.5).argmax(axis=1) == y.argmax(axis=1)),
    "of the last of the largest outputs, not of the first": lambda a, y: np.mean(
        a.shape[1] - 1 - a[:, ::-1].argmax(axis=1) == y.argmax(axis=1)
    ),
    "of the first output alone": lambda a, y: np.mean((a[:, 0] > 0.5) == (y[:, 0] > 0.5)),
    "of the last output alone": lambda a, y: np.mean((a[:, -1] > 0.5) == (y[:, -1] > 0.5)),
    "the share of samples with any output right": lambda a, y: np.mean(
        ((a > 0.5) == (y > 0.5)).any(axis=1)
    ),
    "the share of samples with a == y": lambda a, y: np.mean((a == y).all(axis=1)),
    "1 - mean(abs(a - y))": lambda a, y: 1 - np.mean(np.abs(a - y)),
    "1 - mean(abs(round(a) - y))": lambda a, y: 1 - np.mean(np.abs(np.round(a) - y)),
    "the mean of a * y over the samples": lambda a, y: (a * y).sum() / len(a),
}
