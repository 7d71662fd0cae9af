"""Networks written by hand, as people write them, with room for a mistake at each place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis import Diagnosis, Evidence, diagnose
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network import quantities
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from tests.comparison.diagnosis.grounds import record_of

Array = np.ndarray
Subject = Callable[[Mapping[str, Array], Batch], dict[str, Any]]
GIVEN = ("loss", "gradient")


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(z, -700, 700)))


FUNCTIONS = {
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a)),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0) * 1.0),
}


def chain(sizes: tuple[int, ...], function: str = "tanh") -> Network:
    """Hidden layers with that function, a linear one, the mean of the squared errors."""
    pairs = list(pairwise(sizes))
    hidden = [Dense(*pair, function) for pair in pairs[:-1]]
    return Network((*hidden, Dense(*pairs[-1])), Loss("squared_error"))


def by_hand(
    function: str = "tanh",
    *,
    slopes: Mapping[int, Callable[[Array, Array, int], Array]] | None = None,
    back: Mapping[int, Callable[[Array, Array], Array]] | None = None,
    kernels: Mapping[int, Callable[[Array, Array], Array]] | None = None,
    biases: Mapping[int, Callable[[Array], Array]] | None = None,
    error: Callable[[Array, Array], Array] = lambda a, y: 2 * (a - y) / len(a),
    loss: Callable[[Array, Array], Any] = lambda a, y: np.sum((a - y) ** 2) / len(a),
    weighted: Callable[[Array, Array, Array], Array] = lambda x, w, b: x @ w + b,
    activation: Callable[[Array], Array] | None = None,
    output: Callable[[Array], Array] = lambda z: z,
    shown: bool = False,
) -> Subject:
    """Backpropagation in a loop over the layers; each part may be another one."""
    f, slope = FUNCTIONS[function]
    f = activation or f
    slopes, back, kernels, biases = slopes or {}, back or {}, kernels or {}, biases or {}

    def subject(p: Mapping[str, Array], batch: Batch) -> dict[str, Any]:
        depth = sum(name.startswith("dense_") and name.endswith("/kernel") for name in p)
        n, a, z = len(batch.inputs), [batch.inputs], [batch.inputs]
        for k in range(1, depth + 1):
            z.append(weighted(a[-1], p[f"dense_{k}/kernel"], p[f"dense_{k}/bias"]))
            a.append(f(z[-1]) if k < depth else output(z[-1]))
        delta = error(a[-1], batch.targets)
        out: dict[str, Any] = {"loss": loss(a[-1], batch.targets)}
        for k in range(depth, 0, -1):
            gradient = kernels.get(k, lambda x, d: x.T @ d)
            out[f"gradient/dense_{k}/kernel"] = gradient(a[k - 1], delta)
            out[f"gradient/dense_{k}/bias"] = biases.get(k, lambda d: d.sum(axis=0))(delta)
            if k > 1:
                delta = back.get(k, lambda d, w: d @ w.T)(delta, p[f"dense_{k}/kernel"])
                used = slopes.get(k - 1, lambda z, a, n: slope(z, a))
                delta = delta * used(z[k - 1], a[k - 1], n)
        if shown:
            out |= {f"activation/dense_{k}": a[k] for k in range(1, depth + 1)}
        return out

    return subject


def record_with(
    network: Network,
    subject: Subject,
    optimizer: Optimizer | None = None,
    *,
    given: tuple[str, ...] = GIVEN,
    dtype: str = "float64",
) -> Record:
    """The probes of a network, answered by a subject."""
    record = record_of(network, optimizer or GradientDescent(0.1), quantities=given, dtype=dtype)
    for point in record.evaluations[SUBJECT]:
        record.evaluations[SUBJECT][point] = answered(record, point, subject)
    shown = next(iter(record.evaluations[SUBJECT].values()))
    every = quantities.expected(network, given, record.slots)
    record.omits = tuple(name for name in every if name not in shown)
    return record


def answered(record: Record, point: Point, subject: Subject) -> dict[str, Array]:
    """What a subject gives at a point."""
    with np.errstate(all="ignore"):
        found = subject(record.parameters[point], record.batch(point))
    return {name: np.asarray(value) for name, value in found.items()}


def explained(
    network: Network, subject: Subject, optimizer: Optimizer | None = None, **more: Any
) -> Diagnosis:
    """What is said of a subject."""
    record = record_with(network, subject, optimizer, **more)
    found = diagnose(Evidence(record, Bounds(record), SUBJECT))
    assert found is not None
    return found


def said(network: Network, subject: Subject, *more: Any, **options: Any) -> str:
    """The sentence alone."""
    return explained(network, subject, *more, **options).sentence
